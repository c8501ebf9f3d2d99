//! A password as it was typed, brought to one form.

use secrecy::{ExposeSecret, SecretString};
use shared::domain::Invalid;
use unicode_normalization::UnicodeNormalization;

use super::common_passwords::is_common;

/// The fewest bytes of a new password.
const SHORTEST: usize = 12;
/// The most bytes of any, as it was typed.
const LONGEST: usize = 1024;

/// A password of a length that is accepted.
///
/// It is hashed in Unicode's form NFKC: one keyboard writes `é` as one character, another as two, and both mean the same
/// (NIST SP 800-63B, section 3.1.1.2).
#[derive(Debug, Clone)]
pub struct PlainPassword {
    normalised: SecretString,
    typed: SecretString,
}

impl PlainPassword {
    /// Takes a new password: 12 to 1024 bytes, of any characters. Length is what makes a password strong; rules on
    /// its characters only make it hard to remember. Refused are those that are guessed first; `own` is what the user is
    /// known by.
    ///
    /// # Errors
    /// [`Invalid`] if it is too short, too long, or common.
    pub fn new(password: SecretString, own: &[&str]) -> Result<Self, Invalid> {
        let password = Self::to_compare(password).ok_or_else(|| Invalid::new("must be at most 1024 bytes long"))?;
        let text = password.normalised.expose_secret();
        if text.len() < SHORTEST {
            return Err(Invalid::new(
                "must be at least 12 bytes long; a short sentence is a good password",
            ));
        }
        password.is_not_made_of(own)?;
        Ok(password)
    }

    /// Whether it may be the new password of somebody who is known by `own`.
    ///
    /// # Errors
    /// [`Invalid`] if it is common, or made of that.
    pub fn is_not_made_of(&self, own: &[&str]) -> Result<(), Invalid> {
        if is_common(self.normalised.expose_secret(), own) {
            return Err(Invalid::new(
                "is among the first that are guessed; four words that do not belong together are a good password",
            ));
        }
        Ok(())
    }

    /// Takes a password that is only to be compared. Whether it could be a new one does not matter, but its length is
    /// bounded before it costs anything.
    #[must_use]
    pub fn to_compare(password: SecretString) -> Option<Self> {
        let normalised = (password.expose_secret().len() <= LONGEST)
            .then(|| SecretString::from(password.expose_secret().nfkc().collect::<String>()))?;
        Some(Self {
            normalised,
            typed: password,
        })
    }

    /// What is hashed.
    pub(super) fn normalised(&self) -> &[u8] {
        self.normalised.expose_secret().as_bytes()
    }

    /// What was hashed before passwords were normalised, if it differs.
    pub(super) fn typed_otherwise(&self) -> Option<&[u8]> {
        let typed = self.typed.expose_secret().as_bytes();
        (typed != self.normalised()).then_some(typed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(text: &str) -> Result<PlainPassword, Invalid> {
        PlainPassword::new(SecretString::from(text), &[])
    }

    #[test]
    fn length_is_bounded() {
        let of = |length: usize| new(&"correct horse battery staple; ".repeat(40)[..length]);
        assert!(of(11).is_err() && of(12).is_ok() && of(29).is_ok());
        let long: String = (0..300).map(|number| format!("{number} horses, ")).collect();
        assert!(new(&long[..1024]).is_ok() && new(&long[..1025]).is_err());
        assert!(new("ＡＢＣＤ").is_err(), "four letters, however wide they are written");
    }

    #[test]
    fn one_password_has_one_form() {
        let (one, other) = (
            new("un caf\u{e9} noir, merci").unwrap(),
            new("un cafe\u{301} noir, merci").unwrap(),
        );
        assert_eq!(one.normalised(), other.normalised());
        assert_eq!(one.typed_otherwise(), None);
        assert_eq!(other.typed_otherwise(), Some("un cafe\u{301} noir, merci".as_bytes()));
    }

    #[test]
    fn a_password_is_not_shown() {
        let shown = format!("{:?}", new("correct horse battery").unwrap());
        assert!(!shown.contains("horse") && shown.contains("REDACTED"), "{shown}");
    }
}
