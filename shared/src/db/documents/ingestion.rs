//! The way of a document from `queued` to `ready`, or to `failed`.

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::{DbError, Session};
use super::media_type;
use crate::domain::{Charset, CollectionId, DocumentId, MediaType, Original, UserId};

/// What ingestion needs of a document.
pub struct Source {
    /// Where the passages go.
    pub collection_id: CollectionId,
    /// The title, which is searched with every passage.
    pub title: String,
    /// What kind of document it is.
    pub media_type: MediaType,
    /// What there is of it.
    pub material: Material,
}

/// What the passages of a document are made from.
#[derive(Debug)]
pub enum Material {
    /// The text, as it is stored.
    Text(String),
    /// What was uploaded, with the encoding that was named with it. Its text has still to be read from it.
    Original(Original),
}

/// Loads the document that a job of this owner ingests; `None` if it was deleted meanwhile.
///
/// # Errors
/// The database cannot be asked.
pub async fn source(db: &mut Session, owner: UserId, id: DocumentId) -> Result<Option<Source>, DbError> {
    let statement = "
        SELECT collection_id, title, media_type, body, original, charset
        FROM documents WHERE id = $1 AND uploaded_by = $2";
    let row = db
        .row(statement, &[(&id.uuid(), Type::UUID), (&owner.uuid(), Type::UUID)])
        .await?;
    row.as_ref().map(of_row).transpose()
}

fn of_row(row: &Row) -> Result<Source, DbError> {
    let media_type = media_type(row.get("media_type"))?;
    let material = match row.get::<_, Option<Vec<u8>>>("original") {
        Some(bytes) => Material::Original(original(media_type, row.get("charset"), bytes)?),
        None => Material::Text(row.get("body")),
    };
    Ok(Source {
        collection_id: CollectionId::from(row.get::<_, Uuid>("collection_id")),
        title: row.get("title"),
        media_type,
        material,
    })
}

fn original(media_type: MediaType, charset: Option<&str>, bytes: Vec<u8>) -> Result<Original, DbError> {
    let unreadable = |problem: &dyn std::fmt::Display| DbError::Unreadable(problem.to_string());
    let charset = charset
        .map(Charset::parse)
        .transpose()
        .map_err(|problem| unreadable(&problem))?;
    match media_type {
        MediaType::Pdf => Original::pdf(bytes),
        _ => Original::html(bytes, charset),
    }
    .map_err(|problem| unreadable(&problem))
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

/// Puts the text that was read from a document in the place of what it was read from, within the transaction that marks
/// it as ready: passages are places in this text.
///
/// # Errors
/// The database cannot be asked.
pub async fn store_text(db: &mut Session, owner: UserId, id: DocumentId, text: &str) -> Result<(), DbError> {
    let statement = "
        UPDATE documents SET body = $3, original = NULL, charset = NULL WHERE id = $1 AND uploaded_by = $2";
    db.rows(
        statement,
        &[
            (&id.uuid(), Type::UUID),
            (&owner.uuid(), Type::UUID),
            (&text, Type::TEXT),
        ],
    )
    .await
    .map(drop)
}
