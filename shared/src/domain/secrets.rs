//! Secrets that we hand out: 256 bits from the system's randomness, of which only a digest is stored.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// The system has no randomness to give.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no randomness: {0}")]
pub struct NoRandomness(String);

/// Bytes from the system's randomness.
pub(super) fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| NoRandomness(error.to_string()))?;
    Ok(bytes)
}

/// SHA-256 of a secret: what is stored of it. A secret of 256 random bits cannot be guessed from it, however fast the
/// hash is. It is not shown either.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    pub(super) fn of(secret: &SecretString) -> Self {
        Self(Sha256::digest(secret.expose_secret().as_bytes()).into())
    }

    /// The digest, for a statement's parameter.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest(..)")
    }
}

/// What a client refreshes its session with, once: 256 bits as base64url, 43 characters.
#[derive(Debug, Clone)]
pub struct RefreshToken(SecretString);

impl RefreshToken {
    /// Makes a new one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn generate() -> Result<Self, NoRandomness> {
        Ok(Self(SecretString::from(BASE64URL_NOPAD.encode(&random::<32>()?))))
    }

    /// Takes one that a client sent; `None` if it cannot be one of ours, which is found out without asking anybody.
    #[must_use]
    pub fn parse(text: &SecretString) -> Option<Self> {
        let text = text.expose_secret();
        let has_form = text.len() == 43 && BASE64URL_NOPAD.decode(text.as_bytes()).is_ok();
        has_form.then(|| Self(SecretString::from(text)))
    }

    /// What is stored of it.
    #[must_use]
    pub fn digest(&self) -> SecretDigest {
        SecretDigest::of(&self.0)
    }

    /// The text, for the one response that hands it out.
    #[must_use]
    pub fn reveal(&self) -> String {
        self.0.expose_secret().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Option<RefreshToken> {
        RefreshToken::parse(&SecretString::from(text))
    }

    #[test]
    fn a_token_is_read_as_it_was_made_and_is_never_the_same() {
        let token = RefreshToken::generate().unwrap();
        assert_eq!(parse(&token.reveal()).unwrap().digest(), token.digest());
        assert_ne!(RefreshToken::generate().unwrap().digest(), token.digest());
    }

    #[test]
    fn neither_token_nor_digest_is_shown() {
        let token = RefreshToken::generate().unwrap();
        let shown = format!("{token:?} {:?}", token.digest());
        assert!(!shown.contains(&token.reveal()), "{shown}");
        assert_eq!(shown.matches("REDACTED").count(), 1, "{shown}");
        assert!(shown.ends_with("SecretDigest(..)"), "{shown}");
    }

    #[test]
    fn other_spellings_of_the_same_bits_are_refused() {
        let zeros = "A".repeat(43);
        assert!(parse(&zeros).is_some());
        // The last character holds four bits; its other two have to be nought.
        for bad in [
            format!("{}B", "A".repeat(42)),
            format!("{zeros}="),
            format!(" {zeros}"),
            "A".repeat(42),
        ] {
            assert!(parse(&bad).is_none(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn every_token_that_is_read_is_the_one_spelling_of_its_bits(text in "[A-Za-z0-9_=+/ -]{40,46}|.{0,60}") {
            if parse(&text).is_some() {
                let bits = BASE64URL_NOPAD.decode(text.as_bytes()).unwrap();
                prop_assert_eq!(bits.len(), 32);
                prop_assert_eq!(BASE64URL_NOPAD.encode(&bits), text);
            }
        }

        #[test]
        fn every_256_bits_are_a_token(bits in any::<[u8; 32]>()) {
            prop_assert!(parse(&BASE64URL_NOPAD.encode(&bits)).is_some());
        }
    }
}
