//! The address a user signs in with.

use std::fmt;

use serde::Serialize;

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
        let address = text.trim().to_lowercase();
        let plausible = address.len() <= 254
            && !address.chars().any(|c| c.is_whitespace() || c.is_control())
            && address.split_once('@').is_some_and(|(name, domain)| {
                (1..=64).contains(&name.len()) && !domain.contains('@') && is_domain(domain)
            });
        if plausible {
            Ok(Self(address))
        } else {
            Err(Invalid::new("must be an e-mail address such as name@example.com"))
        }
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
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
