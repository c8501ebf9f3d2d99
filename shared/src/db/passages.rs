//! Passages: stored by ingestion, found for questions.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{DbError, Session};
use crate::domain::{CollectionId, CollectionScope, DocumentId, Passage, PassageId, QuestionText, UserId};

/// A piece of a document, ready to be stored.
#[derive(Debug, Clone)]
pub struct NewPassage {
    /// The headings above it.
    pub heading: String,
    /// Its text.
    pub text: String,
    /// Where it starts in the document, in characters.
    pub start: usize,
    /// Where it ends: one past its last character.
    pub end: usize,
}

/// Replaces a document's passages, within the caller's transaction.
///
/// # Errors
/// The database cannot be asked.
pub async fn replace(
    db: &mut Session,
    collection: CollectionId,
    document: DocumentId,
    title: &str,
    passages: &[NewPassage],
) -> Result<(), DbError> {
    db.rows(
        "DELETE FROM passages WHERE document_id = $1",
        &[(&document.uuid(), Type::UUID)],
    )
    .await?;
    let statement = "
        INSERT INTO passages (id, document_id, collection_id, ordinal, heading, body, start_character, end_character, search)
        SELECT p.id, $1, $2, p.ordinal, p.heading, p.body, p.start, p.stop,
               to_tsvector('english', $3 || E'\\n' || p.heading || E'\\n' || p.body)
        FROM unnest($4, $5, $6, $7, $8, $9) AS p (id, ordinal, heading, body, start, stop)";
    let ids: Vec<Uuid> = passages.iter().map(|_| PassageId::new().uuid()).collect();
    let ordinals: Vec<i32> = (0..).take(passages.len()).collect();
    let headings: Vec<&str> = passages.iter().map(|p| p.heading.as_str()).collect();
    let texts: Vec<&str> = passages.iter().map(|p| p.text.as_str()).collect();
    let starts: Vec<i32> = passages.iter().map(|p| character(p.start)).collect();
    let ends: Vec<i32> = passages.iter().map(|p| character(p.end)).collect();
    db.rows(
        statement,
        &[
            (&document.uuid(), Type::UUID),
            (&collection.uuid(), Type::UUID),
            (&title, Type::TEXT),
            (&ids, Type::UUID_ARRAY),
            (&ordinals, Type::INT4_ARRAY),
            (&headings, Type::TEXT_ARRAY),
            (&texts, Type::TEXT_ARRAY),
            (&starts, Type::INT4_ARRAY),
            (&ends, Type::INT4_ARRAY),
        ],
    )
    .await
    .map(drop)
}

/// Finds the passages that share words with a question, best first: those of the collections in `scope` that the asker
/// may read at this moment, whatever was checked when the question was accepted.
///
/// Any word of the question is enough (`|`): to ask for all of them, as `plainto_tsquery` does, finds nothing for most
/// natural questions. The rank is divided by 1 + log of the length (flag 1), the best of the built-in normalisations.
///
/// # Errors
/// The database cannot be asked.
pub async fn search(
    db: &mut Session,
    asker: UserId,
    scope: &CollectionScope,
    question: &QuestionText,
    limit: i64,
) -> Result<Vec<Passage>, DbError> {
    let statement = "
        WITH asked AS (
            SELECT string_agg(quote_literal(word), ' | ')::tsquery AS query
            FROM unnest(tsvector_to_array(to_tsvector('english', $1))) AS word
        )
        SELECT p.id, p.document_id, d.title, d.source_url, p.heading, p.body, p.start_character
        FROM asked, passages p
        JOIN documents d ON d.id = p.document_id
        JOIN collections c ON c.id = p.collection_id
        WHERE p.search @@ asked.query AND p.collection_id = ANY($2) AND (c.owner_id = $3 OR c.owner_id IS NULL)
        ORDER BY ts_rank(p.search, asked.query, 1) DESC, p.id
        LIMIT $4";
    let rows = db
        .rows(
            statement,
            &[
                (&question.as_str(), Type::TEXT),
                (&scope.uuids(), Type::UUID_ARRAY),
                (&asker.uuid(), Type::UUID),
                (&limit, Type::INT8),
            ],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| Passage {
            id: PassageId::from(row.get::<_, Uuid>("id")),
            document_id: DocumentId::from(row.get::<_, Uuid>("document_id")),
            title: row.get("title"),
            source_url: row.get("source_url"),
            heading: row.get("heading"),
            text: row.get("body"),
            start: usize::try_from(row.get::<_, i32>("start_character")).unwrap_or_default(),
        })
        .collect())
}

/// A document has at most 1 MiB, so every offset fits.
fn character(offset: usize) -> i32 {
    i32::try_from(offset).unwrap_or(i32::MAX)
}
