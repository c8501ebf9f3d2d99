//! The way of a document from `queued` to `ready`, or to `failed`.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::{DbError, Session};
use super::media_type;
use crate::domain::{CollectionId, DocumentId, MediaType, UserId};

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
