//! Documents: uploading, listing, deleting, and their way from `queued` to `ready`.

use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::jobs::IS_OVERDUE;
use super::session::Param;
use super::{DbError, Page, Session, seconds, statistics};
use crate::domain::{
    CollectionId, DocumentId, DocumentStatus, DocumentText, DocumentTitle, FailureCode, JobId, MediaType, SourceUrl,
    UserId,
};

/// A document as its readers see it; the text itself is left out.
#[derive(Debug, Clone)]
pub struct Document {
    /// The document's id.
    pub id: DocumentId,
    /// The collection that holds it.
    pub collection_id: CollectionId,
    /// Its title.
    pub title: String,
    /// What kind of text it is.
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

/// A document to be stored, with the job that will ingest it.
#[derive(Debug)]
pub struct NewDocument {
    /// Who uploads it.
    pub owner: UserId,
    /// Where it goes.
    pub collection: CollectionId,
    /// Its title.
    pub title: DocumentTitle,
    /// Its text.
    pub text: DocumentText,
    /// What kind of text it is.
    pub media_type: MediaType,
    /// Where it came from.
    pub source_url: Option<SourceUrl>,
    /// The job gives up this long from now.
    pub deadline: Duration,
}

/// What became of an upload.
#[derive(Debug)]
pub enum Upload {
    /// Stored, and to be ingested by this job.
    Accepted(Document, JobId),
    /// The collection holds the same text already.
    Exists(Document),
    /// The collection does not exist for this user, or is not theirs to write.
    NotWritable,
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

/// Stores a document and its job, in one statement. A text that is there and has failed, or was never
/// ingested, is tried again.
///
/// # Errors
/// The database cannot be asked.
pub async fn upload(db: &mut Session, new: &NewDocument) -> Result<Upload, DbError> {
    let (has_open_job, visible_state) = (has_open_job("documents"), visible_state());
    let statement = format!(
        "WITH uploader AS (
            SELECT u.id FROM users u JOIN collections c ON c.id = $3
            WHERE u.id = $2 AND (c.owner_id = u.id OR (c.owner_id IS NULL AND u.role = 'admin'))
        ), d AS (
            INSERT INTO documents (id, uploaded_by, collection_id, title, media_type, source_url, body, body_digest)
            SELECT $1, id, $3, $4, $5, $6, $7, $8 FROM uploader
            ON CONFLICT ON CONSTRAINT documents_same_text
            DO UPDATE SET status = 'queued', error_code = NULL, uploaded_by = excluded.uploaded_by
            WHERE documents.status = 'failed'
               OR (documents.status = 'queued' AND documents.created_at < now() - interval '1 minute' AND NOT {has_open_job})
            RETURNING *
        ), job AS (
            INSERT INTO jobs (id, kind, owner_id, document_id, expires_at, resend_at)
            SELECT $9, 'ingest_document', $2, d.id, now() + $10 * interval '1 second', now() + interval '1 minute' FROM d
        )
        SELECT {COLUMNS}, d.status, d.error_code, true AS accepted FROM d
        UNION ALL
        SELECT {COLUMNS}, {visible_state}, false FROM documents d, uploader
        WHERE d.collection_id = $3 AND d.body_digest = $8 AND NOT EXISTS (SELECT FROM d AS stored)"
    );
    let job = JobId::new();
    let digest = new.text.digest();
    let params: [Param<'_>; 10] = [
        (&DocumentId::new().uuid(), Type::UUID),
        (&new.owner.uuid(), Type::UUID),
        (&new.collection.uuid(), Type::UUID),
        (&new.title.as_str(), Type::TEXT),
        (&new.media_type.as_str(), Type::TEXT),
        (&new.source_url.as_ref().map(SourceUrl::as_str), Type::TEXT),
        (&new.text.as_str(), Type::TEXT),
        (&digest.as_slice(), Type::BYTEA),
        (&job.uuid(), Type::UUID),
        (&seconds(new.deadline), Type::FLOAT8),
    ];
    // A second uploader of the same text can win between this statement's snapshot and its insert; then neither
    // branch sees the row, and the next try does.
    for _ in 0..2 {
        if let Some(row) = db.row(&statement, &params).await? {
            let stored = document(&row)?;
            return Ok(if row.get("accepted") {
                Upload::Accepted(stored, job)
            } else {
                Upload::Exists(stored)
            });
        }
    }
    Ok(Upload::NotWritable)
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

/// What ingestion needs of a document.
pub struct Source {
    /// Where the passages go.
    pub collection_id: CollectionId,
    /// The title, which is searched with every passage.
    pub title: String,
    /// What kind of text it is.
    pub media_type: MediaType,
    /// The text.
    pub text: String,
}

/// Loads the document that a job of this owner ingests; `None` if it was deleted meanwhile.
///
/// # Errors
/// The database cannot be asked.
pub async fn source(db: &mut Session, owner: UserId, id: DocumentId) -> Result<Option<Source>, DbError> {
    let statement = "SELECT collection_id, title, media_type, body FROM documents WHERE id = $1 AND uploaded_by = $2";
    let row = db
        .row(statement, &[(&id.uuid(), Type::UUID), (&owner.uuid(), Type::UUID)])
        .await?;
    row.map(|row| {
        Ok(Source {
            collection_id: CollectionId::from(row.get::<_, Uuid>("collection_id")),
            title: row.get("title"),
            media_type: media_type(row.get("media_type"))?,
            text: row.get("body"),
        })
    })
    .transpose()
}

/// Marks a document as searchable, within the transaction that stored its passages. Returns `false` if it was deleted
/// meanwhile. Its row stays locked until the transaction ends.
///
/// # Errors
/// The database cannot be asked.
pub async fn mark_ready(db: &mut Session, owner: UserId, id: DocumentId, passages: usize) -> Result<bool, DbError> {
    let statement = "
        UPDATE documents SET status = 'ready', error_code = NULL, passage_count = $3
        WHERE id = $1 AND uploaded_by = $2 RETURNING id";
    let count = i32::try_from(passages).unwrap_or(i32::MAX);
    let row = db
        .row(
            statement,
            &[
                (&id.uuid(), Type::UUID),
                (&owner.uuid(), Type::UUID),
                (&count, Type::INT4),
            ],
        )
        .await?;
    Ok(row.is_some())
}

/// Marks a document as failed.
///
/// # Errors
/// The database cannot be asked.
pub async fn mark_failed(db: &mut Session, owner: UserId, id: DocumentId, code: FailureCode) -> Result<(), DbError> {
    let statement = "UPDATE documents SET status = 'failed', error_code = $3 WHERE id = $1 AND uploaded_by = $2";
    db.rows(
        statement,
        &[
            (&id.uuid(), Type::UUID),
            (&owner.uuid(), Type::UUID),
            (&code.as_str(), Type::TEXT),
        ],
    )
    .await
    .map(drop)
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
