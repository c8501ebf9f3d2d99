//! What the worker and the process that reads say to each other: the kind of document as arguments, the document to the
//! standard input, the reply as JSON from the standard output.

use serde::{Deserialize, Serialize};
use shared::domain::upload::OriginalError;
use shared::domain::{Charset, Original};

use crate::rag::reading::{MAX_BYTES, Text, Unreadable};

/// The first argument of a program that is to read a document.
pub(super) const READ_DOCUMENT: &str = "--read-document";

/// A text in JSON takes at most six bytes for one, and the pages come to it.
pub(super) const MAX_REPLY_BYTES: u64 = 6 * MAX_BYTES as u64 + 64 * 1024;

/// The arguments: what to do, the kind of document, and its encoding if there is one.
pub(super) fn arguments(original: &Original) -> impl Iterator<Item = &'static str> {
    let kind = original.media_type().as_str();
    [READ_DOCUMENT, kind]
        .into_iter()
        .chain(original.charset().map(Charset::name))
}

/// The document as it came.
pub(super) fn original(kind: &str, charset: Option<&str>, bytes: Vec<u8>) -> Result<Original, OriginalError> {
    match kind {
        "application/pdf" => Original::pdf(bytes),
        _ => Original::html(bytes, charset.and_then(|name| Charset::parse(name).ok())),
    }
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Text(Text),
    Unreadable(Unreadable),
}

/// [`Reply`] on its way.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Wire {
    Text { text: String, pages: Vec<usize> },
    Unreadable { unreadable: Unreadable },
}

impl Reply {
    pub(super) fn of(read: Result<Text, Unreadable>) -> Self {
        read.map_or_else(Self::Unreadable, Self::Text)
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        match serde_json::from_slice(bytes).ok()? {
            Wire::Text { text, pages } => Text::from_parts(text, pages).map(Self::Text),
            Wire::Unreadable { unreadable } => Some(Self::Unreadable(unreadable)),
        }
    }

    pub(super) fn write(self, to: impl std::io::Write) -> serde_json::Result<()> {
        let wire = match self {
            Self::Text(text) => {
                let (text, pages) = text.into_parts();
                Wire::Text { text, pages }
            }
            Self::Unreadable(unreadable) => Wire::Unreadable { unreadable },
        };
        serde_json::to_writer(to, &wire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_arrive_as_they_were_sent() {
        let text = Text::from_parts("a\"ä\n\n日".to_owned(), vec![0, 5]).unwrap();
        for read in [Ok(text), Err(Unreadable::TooComplex), Err(Unreadable::Empty)] {
            let mut wire = Vec::new();
            Reply::of(read.clone()).write(&mut wire).unwrap();
            assert_eq!(Reply::parse(&wire), Some(Reply::of(read)));
        }
        for reply in ["", "{}", r#"{"text":"a","pages":[1]}"#, r#"{"text":"a","pages":[0,2]}"#] {
            assert_eq!(Reply::parse(reply.as_bytes()), None, "{reply}");
        }
    }
}
