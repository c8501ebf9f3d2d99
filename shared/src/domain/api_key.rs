//! Keys with which programs call the API.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

use super::Invalid;
use super::secrets::{NoRandomness, SecretDigest, random};

/// What a key begins with: by it people and scanners of leaked secrets know what they have found.
const PREFIX: &str = "docent_";
/// 43 letters and digits are 256 bits: 62 to the power of 43 is more than 2 to the power of 256.
const RANDOM_LENGTH: usize = 43;
/// A CRC-32 in letters and digits.
const CHECKSUM_LENGTH: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
pub enum Scope {
    /// Ask, poll, cancel, and read and delete chats.
    #[serde(rename = "ask")]
    Ask,
    /// List and read documents.
    #[serde(rename = "documents:read")]
    DocumentsRead,
    /// Upload and delete documents.
    #[serde(rename = "documents:write")]
    DocumentsWrite,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Ask, Self::DocumentsRead, Self::DocumentsWrite];

    /// The name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::DocumentsRead => "documents:read",
            Self::DocumentsWrite => "documents:write",
        }
    }
}

impl FromStr for Scope {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be ask, documents:read or documents:write"))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A key: `docent_`, 256 random bits, and a checksum of them, so that garbage is refused without asking anybody.
#[derive(Debug, Clone)]
pub struct ApiKeySecret(SecretString);

impl ApiKeySecret {
    /// Makes a new one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut letters = String::with_capacity(RANDOM_LENGTH);
        while letters.len() < RANDOM_LENGTH {
            // Bytes from 248 on would make the first letters likelier than the others.
            let fair = random::<64>()?.into_iter().filter(|byte| *byte < 248);
            let missing = RANDOM_LENGTH - letters.len();
            letters.extend(
                fair.take(missing)
                    .map(|byte| char::from(ALPHABET[usize::from(byte % 62)])),
            );
        }
        let checksum = checksum(&letters);
        Ok(Self(SecretString::from(format!("{PREFIX}{letters}{checksum}"))))
    }

    /// Whether a text is meant to be a key, though it may be none.
    #[must_use]
    pub fn is_meant_by(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Reads a key; `None` if it cannot be one of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(PREFIX)?;
        let has_form = rest.len() == RANDOM_LENGTH + CHECKSUM_LENGTH && rest.bytes().all(|b| b.is_ascii_alphanumeric());
        let (letters, found) = rest.split_at_checked(RANDOM_LENGTH)?;
        (has_form && checksum(letters) == found).then(|| Self(SecretString::from(text)))
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

/// Six letters and digits hold any CRC-32: 62 to the power of 6 is more than 2 to the power of 32.
fn checksum(letters: &str) -> String {
    let mut rest = crc32(letters.as_bytes());
    let mut digits = ['0'; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = char::from(ALPHABET[(rest % 62) as usize]);
        rest /= 62;
    }
    digits.iter().collect()
}

/// The CRC-32 of Ethernet and zip.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_checksum_is_the_well_known_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(checksum(""), "000000");
    }

    #[test]
    fn a_key_is_read_as_it_was_made_and_is_not_shown() {
        let key = ApiKeySecret::generate().unwrap();
        let text = key.reveal();
        assert_eq!(text.len(), 56, "{text}");
        assert_eq!(ApiKeySecret::parse(&text).unwrap().digest(), key.digest());
        assert_ne!(ApiKeySecret::generate().unwrap().digest(), key.digest());
        assert!(!format!("{key:?}").contains(&text[7..]), "{key:?}");
    }

    #[test]
    fn a_key_with_one_wrong_letter_is_none() {
        let text = ApiKeySecret::generate().unwrap().reveal();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
            assert!(
                ApiKeySecret::parse(std::str::from_utf8(&bytes).unwrap()).is_none(),
                "{at}"
            );
        }
        for bad in [
            &text[1..],
            &text[..55],
            &format!("{text} "),
            &text.to_uppercase(),
            "docent_",
            "",
        ] {
            assert!(ApiKeySecret::parse(bad).is_none(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic_and_what_it_reads_has_the_form(text in "(docent_)?\\PC{0,60}|docent_[0-9A-Za-z]{49}") {
            if let Some(key) = ApiKeySecret::parse(&text) {
                prop_assert_eq!(key.reveal(), text.clone());
                prop_assert_eq!(checksum(&text[7..50]), &text[50..]);
            }
        }

        #[test]
        fn every_letters_with_their_checksum_are_a_key(letters in "[0-9A-Za-z]{43}") {
            let text = format!("docent_{letters}{}", checksum(&letters));
            prop_assert!(ApiKeySecret::parse(&text).is_some());
        }

        #[test]
        fn a_scope_is_read_as_it_is_written(text in "ask|documents:(read|write)|\\PC{0,20}") {
            if let Ok(scope) = text.parse::<Scope>() {
                prop_assert_eq!(scope.to_string(), text);
            }
        }
    }
}
