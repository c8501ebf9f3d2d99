//! A retrievable piece of a document.

use super::{DocumentId, PassageId};

/// A passage that was found for a question, with what an answer needs to cite it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The passage.
    pub id: PassageId,
    /// The document it was cut from.
    pub document_id: DocumentId,
    /// That document's title.
    pub title: String,
    /// Where the document came from, if the uploader said so.
    pub source_url: Option<String>,
    /// The headings above the passage, outermost first, joined by ` > `; empty if there are none.
    pub heading: String,
    /// The text, exactly as it stands in the document.
    pub text: String,
    /// Where the text starts in the document, in characters from 0.
    pub start: usize,
    /// The page of the document that it stands on, from 1, if the document has pages.
    pub page: Option<u32>,
}
