//! Reads the text of HTML pages and PDFs.
//!
//! These functions take whatever somebody uploaded. They are pure and bound what they can, but a hostile file can make
//! them take very much time and memory, so outside of tests they are only called by [`crate::reader`], in a process that
//! can be killed.

mod html;
mod pdf;
mod text;

pub use pdf::MAX_PAGES;
pub use text::{MAX_BYTES, Text};

use serde::{Deserialize, Serialize};
use shared::domain::{FailureCode, MediaType, Original};

/// Why a document cannot be read. It would not get better by another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unreadable {
    /// Not of the kind that it was sent as, or broken, or without a way to tell its characters.
    Damaged,
    /// Protected by a password.
    Encrypted,
    /// More pages, nesting, time or memory than any document may take.
    TooComplex,
    /// More text than any document may have.
    TooLong,
    /// No text at all, like a PDF of scanned pages.
    Empty,
}

impl Unreadable {
    /// What the document is said to have failed of.
    #[must_use]
    pub fn code(self) -> FailureCode {
        match self {
            Self::Damaged => FailureCode::DocumentUnreadable,
            Self::Encrypted => FailureCode::DocumentEncrypted,
            Self::TooComplex => FailureCode::DocumentTooComplex,
            Self::TooLong => FailureCode::DocumentTooLong,
            Self::Empty => FailureCode::DocumentEmpty,
        }
    }
}

/// Reads a document's text: that of a PDF page by page, that of an HTML page as Markdown.
///
/// # Errors
/// [`Unreadable`]; there is never half a text.
pub fn read(original: &Original) -> Result<Text, Unreadable> {
    match original.media_type() {
        MediaType::Pdf => pdf::read(original.bytes()),
        _ => html::read(original.bytes(), original.charset()),
    }
}
