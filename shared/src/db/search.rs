//! Finds passages by the words of a question: exact BM25, computed by the database.

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::session::Param;
use super::{DbError, Session};
use crate::domain::{CollectionScope, DocumentId, Passage, PassageId, UserId};

/// A question as the analyser left it for documents of one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnalysedQuestion {
    /// The text search configuration of those documents, such as `english`.
    pub configuration: &'static str,
    /// Its words.
    pub text: String,
}

/// What to search for, and where.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// Who asks. Only collections that this user may read at this moment are searched, whatever was checked when the
    /// question was accepted.
    pub asker: UserId,
    /// The collections.
    pub scope: &'a CollectionScope,
    /// The question, once for each language that documents may be in. The database knows which of them occur.
    pub questions: &'a [AnalysedQuestion],
    /// The most passages to return.
    pub limit: i32,
    /// How to rank.
    pub tuning: Tuning,
}

/// How passages are ranked. The defaults are right in general and are not to be fitted to one collection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tuning {
    /// How slowly a word that is repeated stops to count.
    pub k1: f64,
    /// How much a long passage is held against it: from 0, not at all, to 1, in full.
    pub b: f64,
    /// What the BM25 score of the passage's document adds, as a share of it.
    pub parent_weight: f64,
    /// What the score of title and headings adds, as a share of it. They are part of the passage too.
    pub header_weight: f64,
    /// Up to this many passages in the scope, every passage that has any of the words is scored.
    pub exact_up_to: i32,
    /// Above, about twice as many as this are scored, but at most a quarter of all: those with rare words, or with two
    /// common ones.
    pub candidates: i32,
    /// So many of the best passages get the score of their document added.
    pub parents: i32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            k1: 1.2,
            b: 0.75,
            parent_weight: 0.5,
            header_weight: 0.3,
            exact_up_to: 2000,
            candidates: 1500,
            parents: 200,
        }
    }
}

/// A passage that was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The passage.
    pub passage: Passage,
    /// How well it matches: above 0, to be compared with other passages of the same search only.
    pub score: f64,
}

/// Finds the passages that share words with a question, best first. Any word is enough: to ask for all of them finds
/// nothing for most natural questions. What is computed stands at `search_passages` in the migrations.
///
/// # Errors
/// The database cannot be asked.
pub async fn bm25(db: &mut Session, search: &Search<'_>) -> Result<Vec<Found>, DbError> {
    let statement = "
        SELECT p.id, p.document_id, d.title, d.source_url, p.heading, p.body, p.start_character, f.score
        FROM search_passages($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) f
        JOIN passages p ON p.id = f.passage_id
        JOIN documents d ON d.id = p.document_id
        ORDER BY f.score DESC, p.id";
    let Tuning {
        k1,
        b,
        parent_weight,
        header_weight,
        exact_up_to,
        candidates,
        parents,
    } = search.tuning;
    let configurations: Vec<&str> = search.questions.iter().map(|q| q.configuration).collect();
    let texts: Vec<&str> = search.questions.iter().map(|q| q.text.as_str()).collect();
    let params: [Param<'_>; 12] = [
        (&search.asker.uuid(), Type::UUID),
        (&search.scope.uuids(), Type::UUID_ARRAY),
        (&configurations, Type::TEXT_ARRAY),
        (&texts, Type::TEXT_ARRAY),
        (&search.limit, Type::INT4),
        (&k1, Type::FLOAT8),
        (&b, Type::FLOAT8),
        (&parent_weight, Type::FLOAT8),
        (&header_weight, Type::FLOAT8),
        (&exact_up_to, Type::INT4),
        (&candidates, Type::INT4),
        (&parents, Type::INT4),
    ];
    Ok(db.rows(statement, &params).await?.iter().map(found).collect())
}

fn found(row: &Row) -> Found {
    Found {
        passage: Passage {
            id: PassageId::from(row.get::<_, Uuid>("id")),
            document_id: DocumentId::from(row.get::<_, Uuid>("document_id")),
            title: row.get("title"),
            source_url: row.get("source_url"),
            heading: row.get("heading"),
            text: row.get("body"),
            start: usize::try_from(row.get::<_, i32>("start_character")).unwrap_or_default(),
        },
        score: row.get("score"),
    }
}
