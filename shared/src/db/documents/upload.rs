//! Uploading: a document and the job that will ingest it.

use std::time::Duration;

use tokio_postgres::types::Type;

use super::super::jobs::IS_OPEN;
use super::super::session::Param;
use super::super::{DbError, Session, seconds};
use super::{COLUMNS, Document, document, has_open_job, visible_state};
use crate::domain::{Charset, CollectionId, Content, DocumentId, DocumentTitle, JobId, Original, SourceUrl, UserId};

/// A document to be stored, with the job that will ingest it.
#[derive(Debug)]
pub struct NewDocument {
    /// Who uploads it.
    pub owner: UserId,
    /// Where it goes.
    pub collection: CollectionId,
    /// Its title.
    pub title: DocumentTitle,
    /// What it consists of.
    pub content: Content,
    /// Where it came from.
    pub source_url: Option<SourceUrl>,
    /// The job gives up this long from now.
    pub deadline: Duration,
    /// An uploader with so many open jobs has to wait; `None`: no limit.
    pub max_open_jobs: Option<u32>,
}

/// What became of an upload.
#[derive(Debug)]
pub enum Upload {
    /// Stored, and to be ingested by this job.
    Accepted(Document, JobId),
    /// The collection holds the same upload already.
    Exists(Document),
    /// The uploader has too many open jobs. Nothing was written.
    TooManyOpenJobs,
    /// The collection does not exist for this user, or is not theirs to write.
    NotWritable,
}

/// Stores a document and its job, in one statement. An upload that is there and has failed, or was never ingested, is
/// tried again: as what it is said to be this time, for it may have failed because it was said to be something else.
///
/// # Errors
/// The database cannot be asked.
pub async fn upload(db: &mut Session, new: &NewDocument) -> Result<Upload, DbError> {
    let statement = statement();
    let job = JobId::new();
    let digest = new.content.digest();
    let (text, original) = match &new.content {
        Content::Text { text, .. } => (text.as_str(), None),
        Content::Original(original) => ("", Some(original)),
    };
    let most = new.max_open_jobs.map_or(i64::MAX, i64::from);
    let params: [Param<'_>; 13] = [
        (&DocumentId::new().uuid(), Type::UUID),
        (&new.owner.uuid(), Type::UUID),
        (&new.collection.uuid(), Type::UUID),
        (&new.title.as_str(), Type::TEXT),
        (&new.content.media_type().as_str(), Type::TEXT),
        (&new.source_url.as_ref().map(SourceUrl::as_str), Type::TEXT),
        (&text, Type::TEXT),
        (&digest.as_slice(), Type::BYTEA),
        (&job.uuid(), Type::UUID),
        (&seconds(new.deadline), Type::FLOAT8),
        (&original.map(Original::bytes), Type::BYTEA),
        (&original.and_then(Original::charset).map(Charset::name), Type::TEXT),
        (&most, Type::INT8),
    ];
    // A second uploader of the same text can win between this statement's snapshot and its insert; then neither
    // branch sees the row, and the next try does.
    for _ in 0..2 {
        let Some(row) = db.row(&statement, &params).await? else {
            return Ok(Upload::NotWritable);
        };
        if row.get::<_, Option<bool>>("accepted").is_some() {
            let stored = document(&row)?;
            return Ok(if row.get("accepted") {
                Upload::Accepted(stored, job)
            } else {
                Upload::Exists(stored)
            });
        }
        if row.get("is_full") {
            return Ok(Upload::TooManyOpenJobs);
        }
    }
    Ok(Upload::NotWritable)
}

/// What is there already is found even if nothing more may be stored. What is not to be tried again is looked for before
/// the insert: in a conflict the insert would lock that row, and so wait for the end of its ingestion.
fn statement() -> String {
    let (has_open_job, visible_state) = (has_open_job("documents"), visible_state());
    let may_be_tried_again = format!(
        "(documents.status = 'failed'
          OR (documents.status = 'queued' AND documents.created_at < now() - interval '1 minute' AND NOT {has_open_job}))"
    );
    format!(
        "WITH uploader AS (
            SELECT u.id FROM users u JOIN collections c ON c.id = $3
            WHERE u.id = $2 AND (c.owner_id = u.id OR (c.owner_id IS NULL AND u.role = 'admin'))
        ), own AS (
            SELECT count(*) AS jobs FROM (
                SELECT FROM jobs WHERE owner_id = $2 AND {IS_OPEN} AND expires_at > now() LIMIT $13) AS o
        ), d AS (
            INSERT INTO documents (id, uploaded_by, collection_id, title, media_type, source_url, body, body_digest, original, charset)
            SELECT $1, id, $3, $4, $5, $6, $7, $8, $11, $12 FROM uploader, own
            WHERE own.jobs < $13 AND NOT EXISTS (
                SELECT FROM documents WHERE collection_id = $3 AND body_digest = $8 AND NOT {may_be_tried_again})
            ON CONFLICT ON CONSTRAINT documents_same_text
            DO UPDATE SET status = 'queued', error_code = NULL, uploaded_by = excluded.uploaded_by,
                          media_type = excluded.media_type, body = excluded.body, original = excluded.original,
                          charset = excluded.charset
            WHERE {may_be_tried_again}
            RETURNING *
        ), job AS (
            INSERT INTO jobs (id, kind, owner_id, document_id, expires_at, resend_at)
            SELECT $9, 'ingest_document', $2, d.id, now() + $10 * interval '1 second', now() + interval '1 minute' FROM d
        ), found AS (
            SELECT {COLUMNS}, d.status, d.error_code, true AS accepted FROM d
            UNION ALL
            SELECT {COLUMNS}, {visible_state}, false FROM documents d, uploader
            WHERE d.collection_id = $3 AND d.body_digest = $8 AND NOT EXISTS (SELECT FROM d AS stored)
        )
        SELECT found.*, own.jobs >= $13 AS is_full FROM uploader, own LEFT JOIN found ON true"
    )
}
