//! Documents as they are uploaded.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::Invalid;
use super::text::{parse_line, refuse_control_characters};
use super::visible::visible;

/// A title of 1 to 300 characters, all of which can be seen: it is shown to models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentTitle(String);

impl DocumentTitle {
    /// Parses a title, without what a reader cannot see.
    ///
    /// # Errors
    /// [`Invalid`] if it is empty, longer than 300 characters, or carries control characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        refuse_control_characters(text.trim())?;
        parse_line(&visible(text), 300).map(Self)
    }

    /// The title as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A document's text: not blank, at most 1 MiB, free of NUL and other control characters.
#[derive(Clone, PartialEq, Eq)]
pub struct DocumentText(String);

impl DocumentText {
    /// The largest text that is accepted, in bytes of UTF-8.
    pub const MAX_BYTES: usize = 1024 * 1024;

    /// Takes over an uploaded text as it is: by its digest the same upload is found again. What a reader cannot see is
    /// removed when it is ingested.
    ///
    /// # Errors
    /// [`DocumentTextError`] if it is blank, too large, or carries characters that cannot be stored.
    pub fn parse(text: String) -> Result<Self, DocumentTextError> {
        if text.len() > Self::MAX_BYTES {
            return Err(DocumentTextError::TooLarge);
        }
        if text.trim().is_empty() {
            return Err(DocumentTextError::Invalid(Invalid::new("must not be empty")));
        }
        refuse_control_characters(&text).map_err(DocumentTextError::Invalid)?;
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the text: by it the same text is found again within a collection.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

/// A document may be private, so only its size is shown.
impl fmt::Debug for DocumentText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DocumentText({} bytes)", self.0.len())
    }
}

/// Why a text is not accepted as a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentTextError {
    /// More than [`DocumentText::MAX_BYTES`].
    #[error("must be at most 1 MiB of UTF-8; split the document")]
    TooLarge,
    /// Blank, or with characters that cannot be stored.
    #[error(transparent)]
    Invalid(Invalid),
}

/// Where a document came from: an `http` or `https` address of at most 2000 characters, shown beside its citations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceUrl(String);

impl SourceUrl {
    /// Parses an address, without what a reader cannot see. It is never fetched; it is only shown.
    ///
    /// # Errors
    /// [`Invalid`] for any other scheme, white space, or an address without a host.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        refuse_control_characters(text.trim())?;
        let address = parse_line(&visible(text), 2000)?;
        let rest = address
            .strip_prefix("https://")
            .or_else(|| address.strip_prefix("http://"));
        let has_host = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']));
        if has_host && !address.contains(char::is_whitespace) {
            Ok(Self(address))
        } else {
            Err(Invalid::new("must be an address such as https://example.com/page"))
        }
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The kinds of documents that can be ingested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum MediaType {
    /// Text without markup.
    #[serde(rename = "text/plain")]
    PlainText,
    /// `CommonMark`: headings, lists and code blocks guide where passages begin and end.
    #[serde(rename = "text/markdown")]
    Markdown,
    /// A page of the web: its main content is read as Markdown.
    #[serde(rename = "text/html")]
    Html,
    /// Text on numbered pages.
    #[serde(rename = "application/pdf")]
    Pdf,
}

impl MediaType {
    /// The name as it is stored and sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PlainText => "text/plain",
            Self::Markdown => "text/markdown",
            Self::Html => "text/html",
            Self::Pdf => "application/pdf",
        }
    }
}

impl FromStr for MediaType {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "text/plain" => Ok(Self::PlainText),
            "text/markdown" => Ok(Self::Markdown),
            "text/html" => Ok(Self::Html),
            "application/pdf" => Ok(Self::Pdf),
            _ => Err(Invalid::new(
                "must be text/plain, text/markdown, text/html or application/pdf",
            )),
        }
    }
}

/// How far a document has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DocumentStatus {
    /// Accepted; its passages are not searchable yet.
    Queued,
    /// Its passages are searchable.
    Ready,
    /// It could not be ingested; `code` says why.
    Failed,
}

impl FromStr for DocumentStatus {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "queued" => Ok(Self::Queued),
            "ready" => Ok(Self::Ready),
            "failed" => Ok(Self::Failed),
            _ => Err(Invalid::new("must be queued, ready or failed")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_over_unchanged() {
        let text = "  # Title\r\n\n\tindented ";
        assert_eq!(DocumentText::parse(text.to_owned()).unwrap().as_str(), text);
    }

    #[test]
    fn what_cannot_be_stored_or_searched_is_refused() {
        assert!(DocumentText::parse(" \n\t".to_owned()).is_err());
        assert!(DocumentText::parse("a\0b".to_owned()).is_err());
        assert_eq!(
            DocumentText::parse("x".repeat(DocumentText::MAX_BYTES + 1)),
            Err(DocumentTextError::TooLarge)
        );
        assert!(DocumentText::parse("x".repeat(DocumentText::MAX_BYTES)).is_ok());
    }

    #[test]
    fn titles_and_addresses_hide_nothing() {
        assert_eq!(
            DocumentTitle::parse("Gu\u{200b}ide\u{e0041} \u{202e}")
                .unwrap()
                .as_str(),
            "Guide"
        );
        assert!(DocumentTitle::parse("\u{200b}\u{e0041}").is_err());
        assert!(DocumentTitle::parse("Gu\0ide").is_err());
        let address = SourceUrl::parse("https://exa\u{ad}mple.com/\u{200b}a").unwrap();
        assert_eq!(address.as_str(), "https://example.com/a");
    }

    #[test]
    fn a_source_is_an_http_address() {
        assert!(SourceUrl::parse("https://example.com/a?b=c").is_ok());
        for text in [
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "http://a b",
            "example.com",
        ] {
            assert!(SourceUrl::parse(text).is_err(), "{text:?} was accepted");
        }
    }
}
