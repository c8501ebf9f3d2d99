//! Passwords: hashed with Argon2id, off the thread that serves requests.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use super::PlainPassword;
use crate::error::ApiError;

/// OWASP's first choice: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Each hash takes 19 MiB and a whole core: more at once would only make a small sandbox run out of both.
const AT_ONCE: usize = 2;
/// On a managed instance, which may have more of both: 152 MiB of the 2 GiB that a function has there at least.
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-best-practices.html>
const MOST_AT_ONCE: usize = 8;

/// Hashes and verifies passwords.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    permits: Arc<Semaphore>,
}

/// How a password compares with a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// It is another one, or there is no hash.
    Wrong,
    /// It is the one.
    Fits,
    /// It is the one, and its hash was made with other parameters than today's or before passwords were normalised: it
    /// should be hashed anew while it is at hand.
    FitsOldHash,
}

/// Hashing did not come to an end.
#[derive(Debug, thiserror::Error)]
#[error("hash a password: {0}")]
pub struct HashingFailed(String);

impl From<HashingFailed> for ApiError {
    fn from(error: HashingFailed) -> Self {
        Self::Internal(error.to_string())
    }
}

impl Passwords {
    /// Prepares the hasher of a sandbox that answers one request at a time.
    #[must_use]
    pub fn new() -> Self {
        Self::for_requests(1)
    }

    /// Prepares the hasher of a sandbox that may have so many requests at once: it hashes no more passwords at once than it
    /// has processors.
    #[must_use]
    pub fn for_requests(at_once: usize) -> Self {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or_default();
        Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            permits: Arc::new(Semaphore::new(hashes_at_once(at_once))),
        }
    }

    /// The password's hash as a PHC string, with a salt of its own.
    ///
    /// # Errors
    /// [`HashingFailed`] if memory or randomness cannot be had.
    pub async fn hash(&self, password: PlainPassword) -> Result<String, HashingFailed> {
        self.off_thread(move |argon2| {
            let hash: Result<PasswordHash, _> = argon2.hash_password(password.normalised());
            hash.map(|hash| hash.to_string())
                .map_err(|error| HashingFailed(error.to_string()))
        })
        .await?
    }

    /// Whether the password is the one that was hashed. Without a hash (there is no such account) the answer is no,
    /// after as much work.
    ///
    /// A password that was typed in another form than the normalised one is compared in both, if the first does not fit.
    /// That it takes twice as long then tells what was typed and not whether there is an account. An account's hash with
    /// older parameters takes the time of those, until its user signs in.
    ///
    /// # Errors
    /// [`HashingFailed`] if the work could not be done.
    pub async fn compare(&self, password: PlainPassword, hash: Option<String>) -> Result<Comparison, HashingFailed> {
        let is_account = hash.is_some();
        let hash = hash.unwrap_or_else(nobodys_hash);
        let comparison = self
            .off_thread(move |argon2| {
                let fits = |text: &[u8]| argon2.verify_password(text, hash.as_str()).is_ok();
                if fits(password.normalised()) {
                    if is_of_today(&hash) {
                        Comparison::Fits
                    } else {
                        Comparison::FitsOldHash
                    }
                } else if password.typed_otherwise().is_some_and(fits) {
                    Comparison::FitsOldHash
                } else {
                    Comparison::Wrong
                }
            })
            .await?;
        Ok(if is_account { comparison } else { Comparison::Wrong })
    }

    /// The permit goes with the work: a request that is given up leaves its work running.
    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'static>) -> T + Send + 'static,
    ) -> Result<T, HashingFailed> {
        let permit = self.permits.clone().acquire_owned().await;
        let permit = permit.map_err(|error| HashingFailed(error.to_string()))?;
        let argon2 = self.argon2.clone();
        tokio::task::spawn_blocking(move || {
            let done = work(&argon2);
            drop(permit);
            done
        })
        .await
        .map_err(|error| HashingFailed(error.to_string()))
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

fn hashes_at_once(requests: usize) -> usize {
    if requests == 1 {
        return AT_ONCE;
    }
    let processors = std::thread::available_parallelism().map_or(AT_ONCE, usize::from);
    processors.clamp(AT_ONCE, MOST_AT_ONCE)
}

/// How every hash of today begins.
fn beginning() -> String {
    format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$")
}

/// Whether a hash was made with today's parameters.
fn is_of_today(hash: &str) -> bool {
    hash.starts_with(&beginning())
}

/// A hash with today's parameters that no password has: it is verified when there is no account, so that the answer takes as
/// long as for a wrong password.
fn nobodys_hash() -> String {
    format!("{}{}${}", beginning(), "A".repeat(22), "A".repeat(43))
}

#[cfg(test)]
mod tests;
