//! Documents: listing and deleting here, uploading in [`upload`](mod@upload), and their way from `queued` to `ready` in
//! [`ingestion`].

pub mod ingestion;
pub mod upload;

pub use ingestion::{Material, Source, mark_ready, source, store_text};
pub use upload::{NewDocument, Upload, upload};

use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::jobs::IS_OVERDUE;
use super::{DbError, Page, Session, statistics};
use crate::domain::{CollectionId, DocumentId, DocumentStatus, FailureCode, MediaType, UserId};

/// A document as its readers see it; the text itself is left out.
#[derive(Debug, Clone)]
pub struct Document {
    /// The document's id.
    pub id: DocumentId,
    /// The collection that holds it.
    pub collection_id: CollectionId,
    /// Its title.
    pub title: String,
    /// What kind of document it is.
    pub media_type: MediaType,
    /// Where it came from.
    pub source_url: Option<String>,
    /// How far it has come.
    pub status: DocumentStatus,
    /// Why it failed.
    pub error_code: Option<String>,
    /// How many passages can be found.
    pub passages: i32,
    /// When it was uploaded.
    pub created_at: OffsetDateTime,
}

/// Columns of [`Document`] besides its state, of a table that is called `d`.
const COLUMNS: &str = "d.id, d.collection_id, d.title, d.media_type, d.source_url, d.passage_count, d.created_at";

/// True for a document of this table that waits for a job that is still to come or at work.
fn has_open_job(table: &str) -> String {
    format!(
        "EXISTS (SELECT FROM jobs j WHERE j.document_id = {table}.id
                 AND j.status IN ('queued', 'active', 'delayed') AND NOT {IS_OVERDUE})"
    )
}

/// The state of a document of a table that is called `d`. One that waits for a job that will never run has failed for
/// everybody who looks, whether or not its row says so yet.
fn visible_state() -> String {
    let abandoned = format!("d.status = 'queued' AND NOT {}", has_open_job("d"));
    let code = FailureCode::DocumentExpired.as_str();
    format!(
        "CASE WHEN {abandoned} THEN 'failed' ELSE d.status END AS status,
         CASE WHEN {abandoned} THEN '{code}' ELSE d.error_code END AS error_code"
    )
}

/// One page of the documents a user may read, newest first.
///
/// # Errors
/// The database cannot be asked.
pub async fn list(db: &mut Session, reader: UserId, page: Page) -> Result<Vec<Document>, DbError> {
    let visible_state = visible_state();
    let statement = format!(
        "SELECT {COLUMNS}, {visible_state} FROM documents d JOIN collections c ON c.id = d.collection_id
         WHERE (c.owner_id = $1 OR c.owner_id IS NULL) AND ($2::uuid IS NULL OR d.id < $2)
         ORDER BY d.id DESC LIMIT $3"
    );
    let rows = db
        .rows(
            &statement,
            &[
                (&reader.uuid(), Type::UUID),
                (&page.before, Type::UUID),
                (&page.limit, Type::INT8),
            ],
        )
        .await?;
    rows.iter().map(document).collect()
}

/// A document the reader may read.
///
/// # Errors
/// The database cannot be asked.
pub async fn find(db: &mut Session, reader: UserId, id: DocumentId) -> Result<Option<Document>, DbError> {
    let visible_state = visible_state();
    let statement = format!(
        "SELECT {COLUMNS}, {visible_state} FROM documents d JOIN collections c ON c.id = d.collection_id
         WHERE d.id = $1 AND (c.owner_id = $2 OR c.owner_id IS NULL)"
    );
    let row = db
        .row(&statement, &[(&id.uuid(), Type::UUID), (&reader.uuid(), Type::UUID)])
        .await?;
    row.as_ref().map(document).transpose()
}

/// Deletes a document that the user may write, within the caller's transaction, and returns the collection it was in,
/// whose version the caller has to bump.
///
/// # Errors
/// The database cannot be asked.
pub async fn delete(db: &mut Session, user: UserId, id: DocumentId) -> Result<Option<CollectionId>, DbError> {
    // Locked first: of several that delete a document at once, one counts it out.
    let lock = "
        SELECT d.collection_id FROM documents d, collections c, users u
        WHERE d.id = $1 AND c.id = d.collection_id AND u.id = $2
          AND (c.owner_id = u.id OR (c.owner_id IS NULL AND u.role = 'admin'))
        FOR UPDATE OF d";
    let Some(row) = db
        .row(lock, &[(&id.uuid(), Type::UUID), (&user.uuid(), Type::UUID)])
        .await?
    else {
        return Ok(None);
    };
    statistics::subtract(db, id).await?;
    db.rows("DELETE FROM documents WHERE id = $1", &[(&id.uuid(), Type::UUID)])
        .await?;
    Ok(Some(CollectionId::from(row.get::<_, Uuid>("collection_id"))))
}

fn document(row: &Row) -> Result<Document, DbError> {
    let status: &str = row.get("status");
    Ok(Document {
        id: DocumentId::from(row.get::<_, Uuid>("id")),
        collection_id: CollectionId::from(row.get::<_, Uuid>("collection_id")),
        title: row.get("title"),
        media_type: media_type(row.get("media_type"))?,
        source_url: row.get("source_url"),
        status: status
            .parse::<DocumentStatus>()
            .map_err(|_| DbError::Unreadable(status.to_owned()))?,
        error_code: row.get("error_code"),
        passages: row.get("passage_count"),
        created_at: row.get("created_at"),
    })
}

fn media_type(stored: &str) -> Result<MediaType, DbError> {
    stored.parse().map_err(|_| DbError::Unreadable(stored.to_owned()))
}
