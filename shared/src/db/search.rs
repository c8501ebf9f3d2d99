//! Finds passages: by the words of a question with exact BM25, and by its vector, both computed by the database.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::session::Param;
use super::{DbError, Session};
use crate::domain::{CollectionScope, PassageId, UserId};

/// A question as the analyser left it for documents of one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnalysedQuestion {
    /// The text search configuration of those documents, such as `english`.
    pub configuration: &'static str,
    /// Its words.
    pub text: String,
}

/// A question as an embedding model sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct QuestionVector {
    /// The model's name. Only vectors of the same model are compared.
    pub model: String,
    /// The vector, of length 1.
    pub vector: Vec<f32>,
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
    /// The question as a vector; without it, passages are found by words alone.
    pub vector: Option<&'a QuestionVector>,
    /// The most passages to find by words, and again by the vector.
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
    /// Up to this many passages in the scope, the question's vector is compared with every one; above, an index finds
    /// nearly all of the nearest.
    pub exact_vectors_up_to: i32,
    /// What the likeness of the passage's document, the mean of that of its passages, adds, as a share of it.
    pub parent_likeness_weight: f64,
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
            exact_vectors_up_to: 50_000,
            parent_likeness_weight: 0.3,
        }
    }
}

/// A passage that was found by its words, by its vector, or by both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The passage.
    pub passage: PassageId,
    /// Its BM25 score with what its document and its headings add: above 0, to be compared with other passages of the
    /// same search only; 0 if it has none of the words.
    pub words: f64,
    /// The cosine of its vector with the question's, and what its document adds; `None` if either has none of this
    /// model.
    pub likeness: Option<f64>,
}

/// Finds the passages that share words with a question and those whose vectors are nearest to it, each with both
/// scores, in no order. Any word is enough: to ask for all of them finds nothing for most natural questions. What is
/// computed stands at `rank_passages` and `nearest_passages` in the migrations.
///
/// # Errors
/// The database cannot be asked.
pub async fn candidates(db: &mut Session, search: &Search<'_>) -> Result<Vec<Candidate>, DbError> {
    let statement = "
        WITH nearest AS MATERIALIZED (
            SELECT passage_id FROM nearest_passages($1, $2, $13, $14, $5, $15)
        ), ranked AS MATERIALIZED (
            SELECT passage_id, score
            FROM rank_passages($1, $2, $3, $4, ARRAY(SELECT passage_id FROM nearest), $5, $6, $7, $8, $9, $10, $11, $12)
        ), found AS MATERIALIZED (
            SELECT passage_id, coalesce(score, 0) AS words FROM ranked FULL JOIN nearest USING (passage_id)
        )
        SELECT passage_id, words, likeness
        FROM found LEFT JOIN likeness_of(ARRAY(SELECT passage_id FROM found), $13, $14, $16) USING (passage_id)";
    let Tuning {
        k1,
        b,
        parent_weight,
        header_weight,
        exact_up_to,
        candidates,
        parents,
        exact_vectors_up_to,
        parent_likeness_weight,
    } = search.tuning;
    let configurations: Vec<&str> = search.questions.iter().map(|q| q.configuration).collect();
    let texts: Vec<&str> = search.questions.iter().map(|q| q.text.as_str()).collect();
    let params: [Param<'_>; 16] = [
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
        (&search.vector.map(|vector| vector.model.as_str()), Type::TEXT),
        (
            &search.vector.map(|vector| vector.vector.as_slice()),
            Type::FLOAT4_ARRAY,
        ),
        (&exact_vectors_up_to, Type::INT4),
        (&parent_likeness_weight, Type::FLOAT8),
    ];
    let rows = db.rows(statement, &params).await?;
    let candidate = |row: &tokio_postgres::Row| Candidate {
        passage: PassageId::from(row.get::<_, Uuid>("passage_id")),
        words: row.get("words"),
        likeness: row.get("likeness"),
    };
    Ok(rows.iter().map(candidate).collect())
}
