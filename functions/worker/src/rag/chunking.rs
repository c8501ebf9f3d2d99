//! Cuts a document into passages along its structure: headings first, then paragraphs, then sentences.

use std::ops::Range;

use shared::domain::MediaType;
use text_splitter::{ChunkCapacity, ChunkCharIndex, ChunkConfig, MarkdownSplitter, TextSplitter};

use super::headings::HeadingPath;
use super::windows::windows;

/// A passage is closed at the next boundary once it has this many characters.
const ENOUGH_CHARACTERS: usize = 700;

/// The most characters a passage may have.
pub const MAX_CHARACTERS: usize = 1200;

/// How much of a document the splitter sees at once.
const WINDOW_BYTES: usize = 8 * 1024;

/// A stretch of a document. Chunks do not overlap: they end where the text's own structure does, and a sentence that
/// stood in two of them would be found, and cited, twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The headings above its first content, outermost first, joined by ` > `; empty for plain text.
    pub heading: String,
    /// The text, exactly as it stands in the document.
    pub text: String,
    /// Where it starts in the document, in characters from 0.
    pub start: usize,
    /// Where it ends: one past its last character.
    pub end: usize,
}

/// Cuts a text into chunks of about 1,000 characters, in the order of the document. Only white space between chunks is
/// left out; a text without anything else has no chunk. A text that fits one chunk is not cut: a sentence or two on
/// their own are found badly.
#[must_use]
pub fn split(text: &str, media: MediaType) -> Vec<Chunk> {
    let config = || ChunkConfig::new(capacity());
    match media {
        MediaType::PlainText | MediaType::Pdf => {
            let splitter = TextSplitter::new(config());
            gather(
                text,
                |window| splitter.chunk_char_indices(window).collect(),
                |_| String::new(),
            )
        }
        // The text of a page of the web was written down as Markdown.
        MediaType::Markdown | MediaType::Html => {
            let splitter = MarkdownSplitter::new(config());
            let mut path = HeadingPath::of(text);
            gather(
                text,
                |window| splitter.chunk_char_indices(window).collect(),
                |piece| path.over(piece),
            )
        }
    }
}

/// Like [`split`], but no chunk crosses from one page to the next. `pages` are the first characters of the pages; what is
/// before the first of them is a page too. A text without pages is one.
#[must_use]
pub fn split_pages(text: &str, pages: &[usize], media: MediaType) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let (mut rest, mut start) = (text, 0);
    let ends = pages.iter().copied().chain([usize::MAX]);
    for end in ends.skip_while(|&end| end == 0) {
        let length = end.saturating_sub(start);
        let bytes = rest.char_indices().nth(length).map_or(rest.len(), |(byte, _)| byte);
        let (page, after) = rest.split_at(bytes);
        chunks.extend(split(page, media).into_iter().map(|chunk| Chunk {
            start: start + chunk.start,
            end: start + chunk.end,
            ..chunk
        }));
        (rest, start) = (after, start.max(end));
    }
    chunks
}

/// Splits window by window and places the pieces in the document.
fn gather<'a>(
    text: &'a str,
    split: impl Fn(&'a str) -> Vec<ChunkCharIndex<'a>>,
    mut heading: impl FnMut(Range<usize>) -> String,
) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let (mut bytes, mut characters) = (0, 0);
    for window in windows(text, WINDOW_BYTES) {
        for piece in whole(window, text).map_or_else(|| split(window), |piece| vec![piece]) {
            let byte = bytes + piece.byte_offset;
            let start = characters + piece.char_offset;
            chunks.push(Chunk {
                heading: heading(byte..byte + piece.chunk.len()),
                text: piece.chunk.to_owned(),
                start,
                end: start + piece.chunk.chars().count(),
            });
        }
        bytes += window.len();
        characters += window.chars().count();
    }
    chunks
}

/// The whole text as one piece, if it is short enough.
fn whole<'a>(window: &'a str, text: &str) -> Option<ChunkCharIndex<'a>> {
    let chunk = window.trim();
    let fits = window.len() == text.len() && !chunk.is_empty() && chunk.chars().count() <= MAX_CHARACTERS;
    let before = &window[..window.len() - window.trim_start().len()];
    fits.then(|| ChunkCharIndex {
        chunk,
        byte_offset: before.len(),
        char_offset: before.chars().count(),
    })
}

fn capacity() -> ChunkCapacity {
    let enough = ChunkCapacity::new(ENOUGH_CHARACTERS);
    // Refused only if the maximum were the smaller number; then a fixed size would be right.
    enough.with_max(MAX_CHARACTERS).unwrap_or(enough)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;

    const KINDS: [MediaType; 2] = [MediaType::PlainText, MediaType::Markdown];

    /// Everything that a chunk promises, for any text.
    fn check(text: &str, media: MediaType) -> Vec<Chunk> {
        let chunks = split(text, media);
        let characters: Vec<char> = text.chars().collect();
        let mut end = 0;
        for chunk in &chunks {
            assert!(
                chunk.start >= end && chunk.start < chunk.end,
                "chunks overlap or are empty"
            );
            let between = &characters[end..chunk.start];
            assert!(between.iter().all(|c| c.is_whitespace()), "lost: {between:?}");
            assert_eq!(
                chunk.text,
                characters[chunk.start..chunk.end].iter().collect::<String>()
            );
            assert!(chunk.end - chunk.start <= MAX_CHARACTERS);
            end = chunk.end;
        }
        assert!(characters[end..].iter().all(|c| c.is_whitespace()), "the end was lost");
        chunks
    }

    #[test]
    fn a_document_is_cut_at_its_headings() {
        let section = |name: &str| format!("## {name}\n\n{}\n\n", format!("{name} has words. ").repeat(40));
        let text = format!("# Guide\n\n{}{}{}", section("Install"), section("Run"), section("Stop"));
        let chunks = check(&text, MediaType::Markdown);
        let headings: Vec<&str> = chunks.iter().map(|chunk| chunk.heading.as_str()).collect();
        assert_eq!(headings, ["Guide > Install", "Guide > Run", "Guide > Stop"]);
        assert!(chunks[1].text.starts_with("## Run"));
    }

    #[test]
    fn short_sections_share_a_chunk_and_long_text_is_cut_at_sentences() {
        let short = "# A\n\nOne.\n\n# B\n\nTwo.\n";
        assert_eq!(check(short, MediaType::Markdown).len(), 1);
        let long = "A sentence of eight words ends here now. ".repeat(100);
        let chunks = check(&long, MediaType::PlainText);
        assert!(
            chunks
                .iter()
                .all(|chunk| chunk.text.ends_with("now.") && chunk.heading.is_empty())
        );
        assert!(
            chunks
                .iter()
                .rev()
                .skip(1)
                .all(|chunk| chunk.text.len() >= ENOUGH_CHARACTERS)
        );
    }

    #[test]
    fn white_space_alone_makes_no_chunk() {
        for media in KINDS {
            assert_eq!(split(" \n\t\r\n ", media), []);
            assert_eq!(split("", media), []);
        }
    }

    #[test]
    fn time_grows_with_the_length_and_not_with_its_square() {
        // Left to itself, the splitter takes a hundred times as long for such a text.
        let text = "x".repeat(256 * 1024);
        for media in KINDS {
            let started = Instant::now();
            check(&text, media);
            assert!(
                started.elapsed() < Duration::from_secs(10),
                "{media:?} took {:?}",
                started.elapsed()
            );
        }
    }

    proptest! {
        #[test]
        fn pages_are_covered_whatever_places_they_are_said_to_begin_at(
            text in "[aé日 .\n]{0,400}", mut pages in proptest::collection::vec(0_usize..500, 0..6),
        ) {
            pages.sort_unstable();
            let characters: Vec<char> = text.chars().collect();
            let mut end = 0;
            for chunk in split_pages(&text, &pages, MediaType::Pdf) {
                prop_assert!(chunk.start >= end && characters[end..chunk.start].iter().all(|c| c.is_whitespace()));
                prop_assert_eq!(&chunk.text, &characters[chunk.start..chunk.end].iter().collect::<String>());
                prop_assert!(!pages.iter().any(|page| (chunk.start + 1..chunk.end).contains(page)));
                end = chunk.end;
            }
            prop_assert!(characters[end..].iter().all(|c| c.is_whitespace()));
        }

        #[test]
        fn any_text_is_covered_in_order_within_the_limits(text in "\\PC{0,3000}") {
            for media in KINDS {
                check(&text, media);
            }
        }

        #[test]
        fn any_markdown_is_covered_in_order_within_the_limits(
            text in "(#{1,3} [aé]{1,9}\n|\n|\r\n|[aé .]{1,200}|- |> |```\n|---\n|    |\\||\\[a\\]\\(b\\)|<b>|\t){0,80}",
        ) {
            for media in KINDS {
                check(&text, media);
            }
        }
    }
}
