//! API keys that this sandbox has seen, so that a program's every request does not ask Postgres whose key it bears.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use shared::db::api_keys::ApiKey;
use shared::domain::secrets::SecretDigest;
use time::OffsetDateTime;

/// How long one is remembered. Whether it was ended meanwhile is asked with every request.
const REMEMBERED: Duration = Duration::from_mins(1);
/// The most keys that are remembered.
const MOST: usize = 1_000;

/// Whose keys they are, by their digests.
#[derive(Default)]
pub struct KnownKeys(Mutex<HashMap<SecretDigest, (ApiKey, Instant)>>);

impl KnownKeys {
    /// The key of this digest, if it was found in Postgres less than a minute ago and has not expired since.
    pub(super) fn get(&self, digest: &SecretDigest) -> Option<ApiKey> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (key, found) = keys.get(digest)?;
        let is_over = key.expires_at.is_some_and(|at| at <= OffsetDateTime::now_utc());
        (found.elapsed() < REMEMBERED && !is_over).then(|| key.clone())
    }

    /// Remembers a key that was just found. Where there is no room all are forgotten: they are found again.
    pub(super) fn remember(&self, digest: SecretDigest, key: ApiKey) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|_, (_, found)| found.elapsed() < REMEMBERED);
        if keys.len() >= MOST {
            keys.clear();
        }
        keys.insert(digest, (key, Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::{ApiKeyId, ApiKeySecret, UserId};

    use super::*;

    fn digest() -> SecretDigest {
        ApiKeySecret::generate().unwrap().digest()
    }

    #[test]
    fn a_key_is_known_by_its_digest_and_memory_is_bounded() {
        let keys = KnownKeys::default();
        let key = ApiKey {
            id: ApiKeyId::new(),
            owner: UserId::new(),
            scopes: vec![],
            expires_at: None,
        };
        let first = digest();
        keys.remember(first, key.clone());
        assert_eq!(keys.get(&first), Some(key.clone()));
        assert_eq!(keys.get(&digest()), None);
        let (expired, over) = (digest(), Some(OffsetDateTime::now_utc()));
        keys.remember(
            expired,
            ApiKey {
                expires_at: over,
                ..key.clone()
            },
        );
        assert_eq!(keys.get(&expired), None);
        for _ in 0..2 * MOST {
            keys.remember(digest(), key.clone());
            assert!(keys.0.lock().unwrap().len() <= MOST);
        }
        assert_eq!(keys.get(&first), None);
    }
}
