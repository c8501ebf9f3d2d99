//! The text of a document that was read, page by page.

use std::fmt;

use super::Unreadable;
use shared::domain::visible::visible;

/// The longest text a document may have, in bytes of UTF-8: twice what may be uploaded as text. Beyond it a document is
/// refused and not cut off, for nobody would notice what is missing.
pub const MAX_BYTES: usize = 2 * 1024 * 1024;

/// One character in so many may be one that could not be told. If there are more, the document's fonts or its encoding
/// do not say what is written.
const UNKNOWN_ONE_IN: usize = 10;

/// Between two pages.
const PAGE_BREAK: &str = "\n\n";

/// The text of a document.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    text: String,
    pages: Vec<usize>,
}

impl Text {
    /// A text that is taken over as it is and has no pages.
    #[must_use]
    pub fn without_pages(text: String) -> Self {
        let pages = Vec::new();
        Self { text, pages }
    }

    /// Puts pages together, without what a reader cannot see and what cannot be stored.
    ///
    /// # Errors
    /// [`Unreadable`] if there is no text, too much of it, or if too few of its characters are known.
    pub(super) fn of_pages<P: AsRef<str>>(pages: impl IntoIterator<Item = P>) -> Result<Self, Unreadable> {
        let mut read = Self::without_pages(String::new());
        let mut characters = 0;
        for page in pages {
            if !read.text.is_empty() {
                read.text.push_str(PAGE_BREAK);
                characters += PAGE_BREAK.len();
            }
            read.pages.push(characters);
            let page = clean(page.as_ref());
            characters += page.chars().count();
            read.text.push_str(&page);
            if read.text.len() > MAX_BYTES {
                return Err(Unreadable::TooLong);
            }
        }
        read.checked()
    }

    /// The same without pages, for what is one long page.
    pub(super) fn of_one(text: &str) -> Result<Self, Unreadable> {
        let mut read = Self::of_pages([text])?;
        read.pages.clear();
        Ok(read)
    }

    fn checked(self) -> Result<Self, Unreadable> {
        let written = || self.text.chars().filter(|c| !c.is_whitespace());
        let unknown = written().filter(|c| *c == char::REPLACEMENT_CHARACTER).count();
        match written().count() {
            0 => Err(Unreadable::Empty),
            all if unknown * UNKNOWN_ONE_IN > all => Err(Unreadable::Damaged),
            _ => Ok(self),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first character of each page, counted from 0; empty if the document has no pages.
    #[must_use]
    pub fn pages(&self) -> &[usize] {
        &self.pages
    }

    /// The page that a character stands on, from 1; `None` if the document has no pages.
    #[must_use]
    pub fn page_of(&self, character: usize) -> Option<u32> {
        let page = self.pages.partition_point(|&first| first <= character);
        u32::try_from(page).ok().filter(|&page| page > 0)
    }

    /// Text and pages.
    #[must_use]
    pub fn into_parts(self) -> (String, Vec<usize>) {
        (self.text, self.pages)
    }

    /// Puts together what [`Text::into_parts`] took apart; `None` if the pages are not places in the text.
    #[must_use]
    pub fn from_parts(text: String, pages: Vec<usize>) -> Option<Self> {
        let in_order = pages.is_sorted() && pages.first().is_none_or(|&first| first == 0);
        let within = pages.last().is_none_or(|&last| last <= text.chars().count());
        (in_order && within && text.len() <= MAX_BYTES && !text.contains('\0')).then_some(Self { text, pages })
    }
}

/// A document may be private, so only its size is shown.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes, {} pages)", self.text.len(), self.pages.len())
    }
}

/// Line ends as `\n`, no characters that cannot be seen, no blanks around.
fn clean(page: &str) -> String {
    let lines = page
        .replace("\r\n", "\n")
        .replace(['\r', '\u{b}', '\u{c}', '\u{85}'], "\n");
    visible(&lines).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pages_are_places_in_the_text() {
        let read = Text::of_pages(["Ä\r\nb", "", " c\0\u{200b}d\n "]).unwrap();
        assert_eq!(read.as_str(), "Ä\nb\n\n\n\ncd");
        assert_eq!(read.pages(), [0, 5, 7]);
        let pages: Vec<Option<u32>> = [0, 2, 4, 5, 6, 7, 8].map(|at| read.page_of(at)).to_vec();
        assert_eq!(pages, [Some(1), Some(1), Some(1), Some(2), Some(2), Some(3), Some(3)]);
        assert_eq!(Text::of_one("a").unwrap().page_of(0), None);
    }

    #[test]
    fn what_holds_no_text_or_too_much_is_refused() {
        assert_eq!(Text::of_pages(["", " \n"]), Err(Unreadable::Empty));
        assert_eq!(Text::of_pages(Vec::<&str>::new()), Err(Unreadable::Empty));
        assert_eq!(Text::of_one(&"ä".repeat(MAX_BYTES / 2 + 1)), Err(Unreadable::TooLong));
        assert!(Text::of_one(&"ä".repeat(MAX_BYTES / 2)).is_ok());
        assert_eq!(Text::of_one("\u{fffd}bcdefgh"), Err(Unreadable::Damaged));
        assert!(Text::of_one("\u{fffd}bcdefghij").is_ok());
    }

    proptest! {
        #[test]
        fn each_page_stands_where_it_is_said_to(pages in proptest::collection::vec("[ab日\n \r]{0,6}", 1..9)) {
            let Ok(read) = Text::of_pages(&pages) else { return Ok(()) };
            prop_assert_eq!(read.pages().len(), pages.len());
            let ends = read.pages().iter().skip(1).copied().chain([read.as_str().chars().count()]);
            for (number, ((start, end), page)) in read.pages().iter().zip(ends).zip(&pages).enumerate() {
                let found: String = read.as_str().chars().skip(*start).take(end - start).collect();
                prop_assert_eq!(found.trim(), clean(page));
                if end > *start {
                    prop_assert_eq!(read.page_of(*start), u32::try_from(number + 1).ok());
                }
            }
            let (text, pages) = read.clone().into_parts();
            prop_assert_eq!(Text::from_parts(text, pages), Some(read));
        }
    }
}
