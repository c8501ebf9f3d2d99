//! Collections: what a question may search, and at which version.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{CollectionId, UserId};

/// The one collection that everybody reads and admins write. Its row is made by the migration that makes the table.
pub const SHARED_COLLECTION: Uuid = Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001);

/// The version of each collection that an answer was made from. A version grows with every change to the collection.
pub type CollectionVersions = BTreeMap<CollectionId, i64>;

/// The collections that one question searches: sorted, without duplicates, all of them readable by the asker.
/// Holding this value is the proof that the asker's right to read was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionScope(Vec<CollectionId>);

impl CollectionScope {
    /// What a question searches that names no collection: the asker's own and the shared one.
    #[must_use]
    pub fn everything_readable_by(asker: UserId) -> Self {
        Self::sorted(vec![asker.private_collection(), CollectionId::from(SHARED_COLLECTION)])
    }

    /// The collections a question names, if the asker may read each of them.
    ///
    /// # Errors
    /// [`ScopeError::Empty`] for an empty list and [`ScopeError::NotFound`] for a collection that the asker may not
    /// read, whether or not it exists.
    pub fn named(asker: UserId, named: Vec<CollectionId>) -> Result<Self, ScopeError> {
        if named.is_empty() {
            return Err(ScopeError::Empty);
        }
        let readable = Self::everything_readable_by(asker);
        match named.iter().find(|id| !readable.0.contains(id)) {
            Some(_) => Err(ScopeError::NotFound),
            None => Ok(Self::sorted(named)),
        }
    }

    fn sorted(mut ids: Vec<CollectionId>) -> Self {
        ids.sort_unstable();
        ids.dedup();
        Self(ids)
    }

    /// The collections' ids in ascending order.
    #[must_use]
    pub fn ids(&self) -> &[CollectionId] {
        &self.0
    }

    /// The ids as plain UUIDs, for a statement's parameter.
    #[must_use]
    pub fn uuids(&self) -> Vec<Uuid> {
        self.0.iter().map(|id| id.uuid()).collect()
    }

    /// Takes a scope back from a job's row, where it was stored after its check.
    #[must_use]
    pub fn stored(ids: Vec<Uuid>) -> Self {
        Self::sorted(ids.into_iter().map(CollectionId::from).collect())
    }
}

/// Why a list of named collections cannot be searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// The list has no entry; leave it out to search everything readable.
    #[error("must name at least one collection, or be left out")]
    Empty,
    /// At least one collection does not exist for the asker.
    #[error("no such collection")]
    NotFound,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_repetition_do_not_make_another_scope() {
        let asker = UserId::new();
        let (own, shared) = (asker.private_collection(), CollectionId::from(SHARED_COLLECTION));
        assert_eq!(
            CollectionScope::named(asker, vec![own, shared, own]),
            CollectionScope::named(asker, vec![shared, own])
        );
    }

    #[test]
    fn another_users_collection_cannot_be_named() {
        let (asker, other) = (UserId::new(), UserId::new());
        assert_eq!(
            CollectionScope::named(asker, vec![other.private_collection()]),
            Err(ScopeError::NotFound)
        );
    }
}
