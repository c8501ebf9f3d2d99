//! Documents whose text has still to be read from their bytes.

use std::fmt;

use encoding_rs::Encoding;
use sha2::{Digest, Sha256};

use super::{DocumentText, Invalid, MediaType};

/// What a new document consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A text that is taken over as it is.
    Text {
        /// The text.
        text: DocumentText,
        /// Plain text or Markdown.
        media_type: MediaType,
    },
    /// Bytes that the worker reads the text from.
    Original(Original),
}

impl Content {
    /// SHA-256 of what was uploaded: by it the same upload is found again within a collection.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        match self {
            Self::Text { text, .. } => text.digest(),
            Self::Original(original) => Sha256::digest(&original.bytes).into(),
        }
    }

    /// What kind of document it is.
    #[must_use]
    pub fn media_type(&self) -> MediaType {
        match self {
            Self::Text { media_type, .. } => *media_type,
            Self::Original(original) => original.media_type,
        }
    }
}

/// The bytes of an HTML page or a PDF: not empty, at most 4 MiB. Nothing else is known of them; that they are what they
/// are said to be, reading them will tell.
#[derive(Clone, PartialEq, Eq)]
pub struct Original {
    media_type: MediaType,
    charset: Option<Charset>,
    bytes: Vec<u8>,
}

impl Original {
    /// The most bytes that are accepted. Lambda takes 6 MB, which in base64 are 4.5.
    pub const MAX_BYTES: usize = 4 * 1024 * 1024;

    /// Takes over an uploaded HTML page, with the encoding that its Content-Type named.
    ///
    /// # Errors
    /// [`OriginalError`] if there is nothing, or too much of it.
    pub fn html(bytes: Vec<u8>, charset: Option<Charset>) -> Result<Self, OriginalError> {
        Self::parse(MediaType::Html, charset, bytes)
    }

    /// Takes over an uploaded PDF.
    ///
    /// # Errors
    /// [`OriginalError`] if there is nothing, or too much of it.
    pub fn pdf(bytes: Vec<u8>) -> Result<Self, OriginalError> {
        Self::parse(MediaType::Pdf, None, bytes)
    }

    fn parse(media_type: MediaType, charset: Option<Charset>, bytes: Vec<u8>) -> Result<Self, OriginalError> {
        match bytes.len() {
            0 => Err(OriginalError::Empty),
            n if n > Self::MAX_BYTES => Err(OriginalError::TooLarge),
            _ => Ok(Self {
                media_type,
                charset,
                bytes,
            }),
        }
    }

    /// What the bytes are said to be.
    #[must_use]
    pub fn media_type(&self) -> MediaType {
        self.media_type
    }

    /// The encoding that was named with the upload.
    #[must_use]
    pub fn charset(&self) -> Option<Charset> {
        self.charset
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A document may be private, so only its kind and size are shown.
impl fmt::Debug for Original {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Original({}, {} bytes)", self.media_type.as_str(), self.bytes.len())
    }
}

/// Why bytes are not accepted as a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginalError {
    /// There are none.
    #[error("must not be empty")]
    Empty,
    /// More than [`Original::MAX_BYTES`].
    #[error("must be at most 4 MiB")]
    TooLarge,
}

/// A character encoding of the web, such as `utf-8` or `windows-1252`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

impl Charset {
    /// Parses the name that a Content-Type gives, in any of its spellings.
    ///
    /// # Errors
    /// [`Invalid`] for a name that the web does not know.
    pub fn parse(name: &str) -> Result<Self, Invalid> {
        Encoding::for_label_no_replacement(name.as_bytes())
            .map(Self)
            .ok_or_else(|| Invalid::new("must be an encoding of the web, such as utf-8 or windows-1252"))
    }

    /// Its standard name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_bounded() {
        assert_eq!(Original::pdf(Vec::new()), Err(OriginalError::Empty));
        assert!(Original::pdf(vec![0; Original::MAX_BYTES]).is_ok());
        assert_eq!(
            Original::pdf(vec![0; Original::MAX_BYTES + 1]),
            Err(OriginalError::TooLarge)
        );
    }

    #[test]
    fn encodings_have_many_names_and_one() {
        for (name, standard) in [
            ("UTF-8", "UTF-8"),
            (" utf8 ", "UTF-8"),
            ("latin1", "windows-1252"),
            ("Shift_JIS", "Shift_JIS"),
        ] {
            assert_eq!(Charset::parse(name).unwrap().name(), standard);
            assert_eq!(Charset::parse(standard).unwrap().name(), standard);
        }
        for name in ["", "utf-7", "hz-gb-2312", "nonsense", "utf-8; q=1"] {
            assert!(Charset::parse(name).is_err(), "{name:?} was accepted");
        }
    }

    #[test]
    fn the_same_bytes_are_the_same_upload_and_are_not_shown() {
        let text = Content::Text {
            text: DocumentText::parse("<p>secret".to_owned()).unwrap(),
            media_type: MediaType::PlainText,
        };
        let page = Content::Original(Original::html(b"<p>secret".to_vec(), None).unwrap());
        assert_eq!(text.digest(), page.digest());
        assert!(!format!("{page:?}").contains("secret"));
    }
}
