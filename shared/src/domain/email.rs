//! The address a user signs in with.

use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Invalid;

/// An e-mail address in the one spelling under which it is stored: trimmed and in lower case, so that two spellings
/// of one address cannot become two accounts.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Parses an address. The check is the one that catches slips of the keyboard; whether the address exists, only
    /// a message to it could tell.
    ///
    /// # Errors
    /// [`Invalid`] if the text is not of the form `name@domain` or longer than the 254 characters of RFC 5321.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let address = text.trim();
        let plausible = text.chars().count() <= 254
            && !text.chars().any(char::is_control)
            && !address.contains(char::is_whitespace)
            && address.split_once('@').is_some_and(|(name, domain)| {
                (1..=64).contains(&name.chars().count()) && !domain.contains('@') && is_domain(domain)
            });
        if plausible {
            Ok(Self(address.to_lowercase()))
        } else {
            Err(Invalid::new("must be an e-mail address such as name@example.com"))
        }
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits of the SHA-256 of the address: a log can tell one account from another by them, and who
    /// knows an address finds it.
    #[must_use]
    pub fn short_digest(&self) -> String {
        let digest = Sha256::digest(&self.0);
        digest[..6].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn is_domain(domain: &str) -> bool {
    domain.contains('.') && domain.split('.').all(|label| !label.is_empty())
}

/// An address is personal data: it is shown as its domain only, so that a log line cannot carry it by accident.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let domain = self.0.split_once('@').map_or("", |(_, domain)| domain);
        write!(f, "Email(***@{domain})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_address_are_equal() {
        assert_eq!(Email::parse(" Ada@Example.COM "), Email::parse("ada@example.com"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@example",
            "a da@example.com",
            "a@b@c.d",
            "a@b..c",
            "a\0@b.c",
        ] {
            assert!(Email::parse(text).is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn spellings_of_one_address_have_one_digest() {
        // printf ada@example.com | sha256sum
        for text in ["ada@example.com", " ADA@example.com"] {
            assert_eq!(Email::parse(text).unwrap().short_digest(), "b5fc85e55755");
        }
    }

    #[test]
    fn debug_output_hides_the_name() {
        let shown = format!("{:?}", Email::parse("ada@example.com").unwrap());
        assert!(!shown.contains("ada"), "{shown}");
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_is_idempotent(text in ".*") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email));
            }
        }
    }
}
