//! Passwords: hashed with Argon2id, off the thread that serves requests.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use shared::domain::Invalid;
use tokio::sync::Semaphore;

/// OWASP's first choice: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Each hash takes 19 MiB and a whole core: more at once would only make a small sandbox run out of both.
const AT_ONCE: usize = 2;

/// A hash with today's parameters that no password has: it is verified when there is no account, so that the answer
/// takes as long as for a wrong password.
const NOBODYS_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A password as a user typed it, of a length that is accepted.
#[derive(Debug, Clone)]
pub struct PlainPassword(SecretString);

impl PlainPassword {
    /// Takes a new password: 12 to 1024 bytes, of any characters. Length is what makes a password strong; rules on
    /// its characters only make it hard to remember.
    ///
    /// # Errors
    /// [`Invalid`] if it is too short or too long.
    pub fn new(password: SecretString) -> Result<Self, Invalid> {
        match password.expose_secret().len() {
            0..12 => Err(Invalid::new(
                "must be at least 12 bytes long; a short sentence is a good password",
            )),
            12..=1024 => Ok(Self(password)),
            _ => Err(Invalid::new("must be at most 1024 bytes long")),
        }
    }

    /// Takes a password that is only to be compared. Whether it could be a new one does not matter, but its length is
    /// bounded before it costs anything.
    #[must_use]
    pub fn to_compare(password: SecretString) -> Option<Self> {
        (password.expose_secret().len() <= 1024).then_some(Self(password))
    }
}

/// Hashes and verifies passwords.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    permits: Arc<Semaphore>,
}

/// Hashing did not come to an end.
#[derive(Debug, thiserror::Error)]
#[error("hash a password: {0}")]
pub struct HashingFailed(String);

impl Passwords {
    /// Prepares the hasher.
    #[must_use]
    pub fn new() -> Self {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or_default();
        Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            permits: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// The password's hash as a PHC string, with a salt of its own.
    ///
    /// # Errors
    /// [`HashingFailed`] if memory or randomness cannot be had.
    pub async fn hash(&self, password: PlainPassword) -> Result<String, HashingFailed> {
        self.off_thread(move |argon2| {
            let hash: Result<PasswordHash, _> = argon2.hash_password(password.0.expose_secret().as_bytes());
            hash.map(|hash| hash.to_string())
                .map_err(|error| HashingFailed(error.to_string()))
        })
        .await?
    }

    /// Whether the password is the one that was hashed. Without a hash (there is no such account) the answer is no,
    /// after as much work.
    ///
    /// # Errors
    /// [`HashingFailed`] if the work could not be done.
    pub async fn verify(&self, password: PlainPassword, hash: Option<String>) -> Result<bool, HashingFailed> {
        let is_account = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODYS_HASH.to_owned());
        let equal = self
            .off_thread(move |argon2| {
                argon2
                    .verify_password(password.0.expose_secret().as_bytes(), hash.as_str())
                    .is_ok()
            })
            .await?;
        Ok(equal && is_account)
    }

    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'static>) -> T + Send + 'static,
    ) -> Result<T, HashingFailed> {
        let _permit = self
            .permits
            .acquire()
            .await
            .map_err(|error| HashingFailed(error.to_string()))?;
        let argon2 = self.argon2.clone();
        tokio::task::spawn_blocking(move || work(&argon2))
            .await
            .map_err(|error| HashingFailed(error.to_string()))
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> PlainPassword {
        PlainPassword::new(SecretString::from(text)).unwrap()
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_and_no_other() {
        let passwords = Passwords::new();
        let hash = passwords.hash(plain("correct horse battery")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(
            passwords
                .verify(plain("correct horse battery"), Some(hash.clone()))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify(plain("correct horse batterz"), Some(hash))
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn without_an_account_the_same_work_is_done_in_vain() {
        let passwords = Passwords::new();
        assert!(
            PasswordHash::new(NOBODYS_HASH).is_ok(),
            "a hash that cannot be read would be refused at once"
        );
        assert!(!passwords.verify(plain("correct horse battery"), None).await.unwrap());
    }

    #[test]
    fn length_is_bounded() {
        let new = |length: usize| PlainPassword::new(SecretString::from("p".repeat(length)));
        assert!(new(11).is_err() && new(12).is_ok() && new(1024).is_ok() && new(1025).is_err());
    }
}
