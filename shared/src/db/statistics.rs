//! How often words occur in a collection, which is what a search weighs them by.
//!
//! Invariant: whoever stores or deletes the passages of a document calls `add` or `subtract` in the same
//! transaction, while the document's row is locked. Both only append, so writers never wait for each other. A search
//! counts what was appended exactly, but it gets slower with it: [`fold`] has to be called now and then.

use tokio_postgres::types::Type;

use super::{DbError, Session};
use crate::domain::DocumentId;

/// Counts a document in, with its passages as they are stored now.
pub(super) async fn add(db: &mut Session, document: DocumentId) -> Result<(), DbError> {
    note(db, document, 1).await
}

/// Counts a document out whose passages are about to be deleted. One without passages changes nothing.
pub(super) async fn subtract(db: &mut Session, document: DocumentId) -> Result<(), DbError> {
    note(db, document, -1).await
}

async fn note(db: &mut Session, document: DocumentId, sign: i32) -> Result<(), DbError> {
    db.rows(
        "SELECT note_statistics($1, $2)",
        &[(&document.uuid(), Type::UUID), (&sign, Type::INT4)],
    )
    .await
    .map(drop)
}

/// Folds the oldest changes into the statistics, in a transaction of its own: as many documents as together have about
/// `words` different words, but at least one. Returns how many it folded: 0 if nothing is left, or somebody else is
/// folding.
///
/// # Errors
/// The database cannot be asked; then nothing was folded.
pub async fn fold(db: &mut Session, words: i32) -> Result<i64, DbError> {
    let row = db
        .row("SELECT fold_statistics($1) AS folded", &[(&words, Type::INT4)])
        .await?;
    Ok(row.map_or(0, |row| row.get("folded")))
}
