//! Vectors of passages: stored beside the passages, one model at a time. A database without pgvector has none.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{DbError, Session, seconds};
use crate::domain::PassageId;

/// A passage that has no vector of a model, with the text to embed.
#[derive(Debug, Clone)]
pub struct Unembedded {
    /// The passage.
    pub id: PassageId,
    /// Its document's title.
    pub title: String,
    /// The headings above it.
    pub heading: String,
    /// What a model wrote about it.
    pub context: Option<String>,
    /// Its text.
    pub text: String,
}

/// Whether the database can hold vectors.
///
/// # Errors
/// The database cannot be asked.
pub async fn are_available(db: &mut Session) -> Result<bool, DbError> {
    let row = db
        .row("SELECT to_regclass('passage_vectors') IS NOT NULL AS available", &[])
        .await?;
    Ok(row.is_some_and(|row| row.get("available")))
}

/// Stores the vectors of passages, all of one dimension, in place of those they have; passages that are gone are left
/// out. Without tables for vectors it does nothing.
///
/// # Errors
/// The database cannot be asked, or it holds vectors of that model with another dimension.
pub async fn store(db: &mut Session, model: &str, vectors: &[(PassageId, Vec<f32>)]) -> Result<(), DbError> {
    let Some((_, first)) = vectors.first() else {
        return Ok(());
    };
    let dimensions = i32::try_from(first.len()).unwrap_or(i32::MAX);
    let ids: Vec<Uuid> = vectors.iter().map(|(id, _)| id.uuid()).collect();
    let numbers: Vec<f32> = vectors.iter().flat_map(|(_, vector)| vector).copied().collect();
    db.rows(
        "SELECT store_vectors($1, $2, $3, $4)",
        &[
            (&model, Type::TEXT),
            (&dimensions, Type::INT4),
            (&ids, Type::UUID_ARRAY),
            (&numbers, Type::FLOAT4_ARRAY),
        ],
    )
    .await
    .map(drop)
}

/// Passages without a vector of this model, in the order of their ids, after one of them.
///
/// # Errors
/// The database cannot be asked.
pub async fn missing(
    db: &mut Session,
    model: &str,
    after: Option<PassageId>,
    limit: i32,
) -> Result<Vec<Unembedded>, DbError> {
    let rows = db
        .rows(
            "SELECT id, title, heading, context, body FROM passages_without_vector($1, $2, $3)",
            &[
                (&model, Type::TEXT),
                (&after.map(PassageId::uuid), Type::UUID),
                (&limit, Type::INT4),
            ],
        )
        .await?;
    let unembedded = |row: &tokio_postgres::Row| Unembedded {
        id: PassageId::from(row.get::<_, Uuid>("id")),
        title: row.get("title"),
        heading: row.get("heading"),
        context: row.get("context"),
        text: row.get("body"),
    };
    Ok(rows.iter().map(unembedded).collect())
}

/// Takes the work of embedding what is missing for so long, unless somebody else has it: twice the same work would be
/// paid twice.
///
/// # Errors
/// The database cannot be asked.
pub async fn take_turn(db: &mut Session, model: &str, time: std::time::Duration) -> Result<bool, DbError> {
    let row = db
        .row(
            "SELECT take_embedding_turn($1, $2) AS taken",
            &[(&model, Type::TEXT), (&seconds(time), Type::FLOAT8)],
        )
        .await?;
    Ok(row.is_some_and(|row| row.get("taken")))
}

/// Gives the turn back.
///
/// # Errors
/// The database cannot be asked.
pub async fn give_turn_back(db: &mut Session, model: &str) -> Result<(), DbError> {
    db.rows("SELECT take_embedding_turn($1, 0)", &[(&model, Type::TEXT)])
        .await
        .map(drop)
}

/// Whether a worker should look for passages without a vector: some have none, or a change of model is under way.
///
/// # Errors
/// The database cannot be asked.
pub async fn are_missing(db: &mut Session) -> Result<bool, DbError> {
    let row = db.row("SELECT vectors_are_missing() AS missing", &[]).await?;
    Ok(row.is_some_and(|row| row.get("missing")))
}

/// Whether vectors of this model were ever stored; `true` as well if there are no tables for vectors.
///
/// # Errors
/// The database cannot be asked.
pub async fn is_known(db: &mut Session, model: &str) -> Result<bool, DbError> {
    let row = db
        .row("SELECT embedding_model_is_known($1) AS known", &[(&model, Type::TEXT)])
        .await?;
    Ok(row.is_none_or(|row| row.get("known")))
}

/// Forgets the models that have no vectors left; for when every passage has a vector of this one.
///
/// # Errors
/// The database cannot be asked.
pub async fn retire_others(db: &mut Session, model: &str) -> Result<(), DbError> {
    db.rows("SELECT retire_other_models($1)", &[(&model, Type::TEXT)])
        .await
        .map(drop)
}
