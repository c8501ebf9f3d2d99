//! Collections and their versions.

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{DbError, Session};
use crate::domain::{CollectionId, CollectionScope, CollectionVersions, UserId};

/// The versions of the collections of a scope as they are now. A collection that does not exist, or that the asker may
/// not read, is missing from the result.
///
/// # Errors
/// The database cannot be asked.
pub async fn versions(db: &mut Session, asker: UserId, scope: &CollectionScope) -> Result<CollectionVersions, DbError> {
    let statement = "
        SELECT id, version FROM collections
        WHERE id = ANY($1) AND (owner_id = $2 OR owner_id IS NULL)";
    let rows = db
        .rows(
            statement,
            &[(&scope.uuids(), Type::UUID_ARRAY), (&asker.uuid(), Type::UUID)],
        )
        .await?;
    Ok(rows.iter().map(version).collect())
}

/// Counts a collection's version up, within the caller's transaction, and returns the new one. The row stays locked
/// until that transaction ends, so changes of one collection go one after the other.
///
/// # Errors
/// The database cannot be asked, or there is no such collection.
pub async fn bump_version(db: &mut Session, id: CollectionId) -> Result<i64, DbError> {
    let statement = "UPDATE collections SET version = version + 1 WHERE id = $1 RETURNING version";
    let row = db.row(statement, &[(&id.uuid(), Type::UUID)]).await?;
    row.map(|row| row.get("version"))
        .ok_or_else(|| DbError::Unreadable(format!("collection {id} is gone")))
}

pub(super) fn version(row: &Row) -> (CollectionId, i64) {
    (CollectionId::from(row.get::<_, Uuid>("id")), row.get("version"))
}
