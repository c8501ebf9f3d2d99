//! Passages: stored by ingestion, with the words that a search finds them by, and read for an answer.

use std::collections::HashMap;

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{DbError, Session, statistics};
use crate::domain::{CollectionId, DocumentId, Passage, PassageId, UserId};

/// A piece of a document, ready to be stored.
#[derive(Debug, Clone)]
pub struct NewPassage {
    /// Its id.
    pub id: PassageId,
    /// The headings above it.
    pub heading: String,
    /// Its text.
    pub text: String,
    /// Where it starts in the document, in characters.
    pub start: usize,
    /// Where it ends: one past its last character.
    pub end: usize,
    /// The page it stands on, from 1, if the document has pages.
    pub page: Option<u32>,
    /// What a model wrote about it. Not a part of the document: found by, never quoted.
    pub context: Option<String>,
    /// The document's title, the headings and the context as the analyser left them.
    pub indexed_header: String,
    /// The text as the analyser left it.
    pub indexed_text: String,
}

/// Where passages belong, and in which language they are.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The collection that holds the document.
    pub collection: CollectionId,
    /// The document, which is marked as ready in the same transaction.
    pub document: DocumentId,
    /// The text search configuration, such as `english`, for all passages of the document.
    pub configuration: &'a str,
}

/// Replaces a document's passages and brings the statistics along, within the caller's transaction, in which the
/// document's row is locked.
///
/// # Errors
/// The database cannot be asked, or it has no such configuration.
pub async fn replace(db: &mut Session, target: &Target<'_>, passages: &[NewPassage]) -> Result<(), DbError> {
    statistics::subtract(db, target.document).await?;
    delete(db, target.document).await?;
    insert(db, target, passages).await?;
    db.rows(
        "SELECT summarise_document($1, $2)",
        &[
            (&target.document.uuid(), Type::UUID),
            (&target.configuration, Type::TEXT),
        ],
    )
    .await?;
    statistics::add(db, target.document).await
}

async fn delete(db: &mut Session, document: DocumentId) -> Result<(), DbError> {
    let statement = "
        WITH summary AS (DELETE FROM document_terms WHERE document_id = $1)
        DELETE FROM passages WHERE document_id = $1";
    db.rows(statement, &[(&document.uuid(), Type::UUID)]).await.map(drop)
}

async fn insert(db: &mut Session, target: &Target<'_>, passages: &[NewPassage]) -> Result<(), DbError> {
    // OFFSET 0 keeps the planner from putting the calls in place of each of their uses.
    let statement = "
        WITH stored AS (
            INSERT INTO passages
                (id, document_id, collection_id, ordinal, heading, body, start_character, end_character, page, context)
            SELECT p.id, $1, $2, p.ordinal, p.heading, p.body, p.start, p.stop, p.page, p.context
            FROM unnest($4, $5, $6, $7, $8, $9, $12, $13)
                 AS p (id, ordinal, heading, body, start, stop, page, context)
        )
        INSERT INTO passage_terms (passage_id, document_id, collection_id, length, search, header)
        SELECT p.id, $1, $2, vector_length(v.search), v.search, v.header
        FROM unnest($4, $10, $11) AS p (id, header, body),
             LATERAL (SELECT to_tsvector($3::regconfig, p.header || E'\\n' || p.body) AS search,
                             to_tsvector($3::regconfig, p.header) AS header OFFSET 0) AS v";
    let ids: Vec<Uuid> = passages.iter().map(|p| p.id.uuid()).collect();
    let ordinals: Vec<i32> = (0..).take(passages.len()).collect();
    let headings: Vec<&str> = passages.iter().map(|p| p.heading.as_str()).collect();
    let texts: Vec<&str> = passages.iter().map(|p| p.text.as_str()).collect();
    let starts: Vec<i32> = passages.iter().map(|p| character(p.start)).collect();
    let ends: Vec<i32> = passages.iter().map(|p| character(p.end)).collect();
    let pages: Vec<Option<i32>> = passages.iter().map(|p| p.page.map(stored_page)).collect();
    let contexts: Vec<Option<&str>> = passages.iter().map(|p| p.context.as_deref()).collect();
    let indexed_headers: Vec<&str> = passages.iter().map(|p| p.indexed_header.as_str()).collect();
    let indexed_texts: Vec<&str> = passages.iter().map(|p| p.indexed_text.as_str()).collect();
    db.rows(
        statement,
        &[
            (&target.document.uuid(), Type::UUID),
            (&target.collection.uuid(), Type::UUID),
            (&target.configuration, Type::TEXT),
            (&ids, Type::UUID_ARRAY),
            (&ordinals, Type::INT4_ARRAY),
            (&headings, Type::TEXT_ARRAY),
            (&texts, Type::TEXT_ARRAY),
            (&starts, Type::INT4_ARRAY),
            (&ends, Type::INT4_ARRAY),
            (&indexed_headers, Type::TEXT_ARRAY),
            (&indexed_texts, Type::TEXT_ARRAY),
            (&pages, Type::INT4_ARRAY),
            (&contexts, Type::TEXT_ARRAY),
        ],
    )
    .await
    .map(drop)
}

/// A document is bounded in size, so every offset fits.
fn character(offset: usize) -> i32 {
    i32::try_from(offset).unwrap_or(i32::MAX)
}

/// And so does every page.
fn stored_page(page: u32) -> i32 {
    i32::try_from(page).unwrap_or(i32::MAX)
}

/// The passages of these ids, in their order, without those that are gone or that the reader may not read at this moment.
///
/// # Errors
/// The database cannot be asked.
pub async fn read(db: &mut Session, reader: UserId, ids: &[PassageId]) -> Result<Vec<Passage>, DbError> {
    let statement = "
        SELECT p.id, p.document_id, d.title, d.source_url, p.heading, p.body, p.start_character, p.page
        FROM passages p JOIN documents d ON d.id = p.document_id JOIN collections c ON c.id = d.collection_id
        WHERE p.id = ANY ($2) AND (c.owner_id = $1 OR c.owner_id IS NULL)";
    let uuids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = db
        .rows(statement, &[(&reader.uuid(), Type::UUID), (&uuids, Type::UUID_ARRAY)])
        .await?;
    let mut found: HashMap<PassageId, Passage> = rows.iter().map(passage).map(|p| (p.id, p)).collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

fn passage(row: &Row) -> Passage {
    Passage {
        id: PassageId::from(row.get::<_, Uuid>("id")),
        document_id: DocumentId::from(row.get::<_, Uuid>("document_id")),
        title: row.get("title"),
        source_url: row.get("source_url"),
        heading: row.get("heading"),
        text: row.get("body"),
        start: usize::try_from(row.get::<_, i32>("start_character")).unwrap_or_default(),
        page: row
            .get::<_, Option<i32>>("page")
            .and_then(|page| u32::try_from(page).ok()),
    }
}
