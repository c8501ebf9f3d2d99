//! Cuts a passage into sentences, each with its place.

use std::ops::Range;

use icu_segmenter::SentenceSegmenter;
use icu_segmenter::options::SentenceBreakInvariantOptions;

use super::blocks::{Block, Kind, blocks, list_marker};

/// Endings of a word after which a capital letter does not begin a sentence.
const ABBREVIATIONS: [&str; 16] = [
    "Mr.", "Mrs.", "Ms.", "Dr.", "Prof.", "St.", "No.", "Nr.", "Fig.", "vs.", "cf.", "e.g.", "i.e.", "approx.",
    "z. B.", "z.B.",
];

/// A sentence, a row of a table, a heading or a block of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sentence {
    /// What it is part of.
    pub(super) kind: Kind,
    /// Its bytes in the passage, the white space after it included.
    pub(super) bytes: Range<usize>,
}

impl Sentence {
    /// The bytes of its words alone: without the marks of a list or a quotation before them and the white space after.
    pub(super) fn words(&self, text: &str) -> Range<usize> {
        let own = &text[self.bytes.clone()];
        let start = self.bytes.start + list_marker(own);
        let end = self.bytes.start + own.trim_end().len();
        start.min(end)..end
    }
}

/// Cuts a text into sentences that cover it without a gap, so that all of them joined are the text again.
pub(super) fn sentences(text: &str) -> Vec<Sentence> {
    let mut found = Vec::new();
    for block in blocks(text) {
        match block.kind {
            Kind::Prose => found.extend(prose(text, &block)),
            kind => found.push(Sentence {
                kind,
                bytes: block.bytes,
            }),
        }
    }
    found
}

/// By the rules of Unicode's annex 29, which take a line break for the end of a sentence: in a paragraph it is none.
fn prose(text: &str, block: &Block) -> Vec<Sentence> {
    let own = &text[block.bytes.clone()];
    // A name in backquotes may begin a sentence in lower case: to the rules it shall look like a capital letter.
    let unwrapped = own.replace(['\n', '\r'], " ").replace('`', "X");
    let segmenter = SentenceSegmenter::new(SentenceBreakInvariantOptions::default());
    let mut found: Vec<Sentence> = Vec::new();
    let mut start = 0;
    for end in segmenter.segment_str(&unwrapped).filter(|end| *end > 0) {
        let candidate = &own[start..end];
        let is_last = end == own.len();
        if is_last || ends_a_sentence(candidate) {
            match found.last_mut() {
                // What holds no letter, such as a stray number at the end, belongs to the sentence before it.
                Some(last) if !has_letters(candidate) => last.bytes.end = block.bytes.start + end,
                _ => found.push(Sentence {
                    kind: Kind::Prose,
                    bytes: block.bytes.start + start..block.bytes.start + end,
                }),
            }
            start = end;
        }
    }
    found
}

/// A piece without letters is the number of a list's item; one that ends in an abbreviation goes on.
fn ends_a_sentence(candidate: &str) -> bool {
    let words = candidate.trim_end();
    let abbreviated = ABBREVIATIONS.iter().any(|short| {
        words
            .strip_suffix(short)
            .is_some_and(|before| before.chars().next_back().is_none_or(|c| !c.is_alphanumeric()))
    });
    has_letters(candidate) && !abbreviated
}

fn has_letters(text: &str) -> bool {
    text.chars().any(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        sentences(text)
            .into_iter()
            .map(|sentence| &text[sentence.words(text)])
            .collect()
    }

    #[test]
    fn sentences_end_where_a_reader_would_say_so() {
        assert_eq!(
            cut(
                "A lease lasts 30 s. It is renewed\nby version 1.5 of the worker (e.g. Every 10 s). Why? Dr. Who knows!"
            ),
            [
                "A lease lasts 30 s.",
                "It is renewed\nby version 1.5 of the worker (e.g. Every 10 s).",
                "Why?",
                "Dr. Who knows!"
            ]
        );
        assert_eq!(
            cut("It has `two`. `a` is one. It is a. b"),
            ["It has `two`.", "`a` is one.", "It is a. b"]
        );
        assert_eq!(cut("日本語です。次の文。"), ["日本語です。", "次の文。"]);
    }

    #[test]
    fn marks_of_lists_and_quotations_are_no_words() {
        assert_eq!(
            cut("- First point. More of it.\n2. Second point.\n> Quoted words."),
            ["First point.", "More of it.", "Second point.", "Quoted words.",]
        );
    }

    #[test]
    fn headings_rows_and_code_stay_whole() {
        let text = "# One. Two.\n| a. B | c |\n```\nrun. Now.\n```\n";
        let kinds: Vec<Kind> = sentences(text).iter().map(|sentence| sentence.kind).collect();
        assert_eq!(kinds, [Kind::Heading, Kind::Row, Kind::Code]);
    }

    proptest! {
        #[test]
        fn joined_sentences_are_the_text_again(text in "(\\PC|\n|\r\n|\\. |- |# |1\\. |e\\.g\\. |```\n){0,120}") {
            let mut end = 0;
            for sentence in sentences(&text) {
                prop_assert_eq!(sentence.bytes.start, end);
                let words = sentence.words(&text);
                prop_assert!(words.start >= end && words.end <= sentence.bytes.end);
                prop_assert_eq!(text[words.clone()].trim_end(), &text[words]);
                end = sentence.bytes.end;
            }
            prop_assert_eq!(end, text.len());
        }
    }
}
