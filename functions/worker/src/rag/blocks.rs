//! Tells the lines of a passage apart: prose, headings, code, rows of tables.
//!
//! A passage is a slice of a document, so a Markdown parser would misread one that starts amid a code block or a list.
//! Looking at each line's first characters is enough here, and holds for plain text too.

use std::ops::Range;

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Running text, or one item of a list.
    Prose,
    /// One row of a table.
    Row,
    /// A heading with its marks.
    Heading,
    /// Code between fences.
    Code,
    /// Rules, table borders, comments, link definitions: nothing that is said.
    Ornament,
}

/// Adjacent lines that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// What it is.
    pub(super) kind: Kind,
    /// Its bytes in the passage, the blank lines after it included.
    pub(super) bytes: Range<usize>,
}

/// Cuts a text into blocks that cover it without a gap.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut scan = Scan::default();
    for line in text.split_inclusive('\n') {
        scan.line(line);
    }
    scan.blocks
}

#[derive(Default)]
struct Scan {
    blocks: Vec<Block>,
    /// The last block takes no more lines, only blank ones.
    closed: bool,
    /// The fence that ends the code block we are in.
    fence: Option<&'static str>,
}

impl Scan {
    fn line(&mut self, line: &str) {
        let content = line.trim();
        if let Some(fence) = self.fence {
            self.extend(line);
            if content.starts_with(fence) {
                self.fence = None;
                self.closed = true;
            }
        } else if content.is_empty() && !self.blocks.is_empty() {
            self.extend(line);
            self.closed = true;
        } else if self.underlines(content) {
            self.extend(line);
            self.close_as(Kind::Heading);
        } else {
            self.content(line, content);
        }
    }

    fn content(&mut self, line: &str, content: &str) {
        self.fence = ["```", "~~~"].into_iter().find(|fence| content.starts_with(fence));
        let kind = if self.fence.is_some() {
            Kind::Code
        } else {
            kind_of(content)
        };
        let open = !self.closed && self.blocks.last().is_some_and(|block| block.kind == Kind::Prose);
        if open && kind == Kind::Prose && list_marker(content) == 0 {
            self.extend(line);
        } else {
            let start = self.blocks.last().map_or(0, |block| block.bytes.end);
            self.blocks.push(Block {
                kind,
                bytes: start..start + line.len(),
            });
            self.closed = kind != Kind::Prose;
        }
    }

    fn underlines(&self, content: &str) -> bool {
        let above_is_prose = !self.closed && self.blocks.last().is_some_and(|block| block.kind == Kind::Prose);
        above_is_prose
            && !content.is_empty()
            && ["=", "-"]
                .iter()
                .any(|mark| content.trim_matches(|c| mark.contains(c)).is_empty())
    }

    fn extend(&mut self, line: &str) {
        if let Some(block) = self.blocks.last_mut() {
            block.bytes.end += line.len();
        }
    }

    fn close_as(&mut self, kind: Kind) {
        if let Some(block) = self.blocks.last_mut() {
            block.kind = kind;
        }
        self.closed = true;
    }
}

fn kind_of(content: &str) -> Kind {
    let only = |marks: &str| content.chars().all(|c| marks.contains(c) || c.is_whitespace());
    let heading = content.trim_start_matches('#');
    if content.starts_with('#') && (heading.is_empty() || heading.starts_with(char::is_whitespace)) {
        Kind::Heading
    } else if only("-*_=|:+") || content.starts_with("<!--") || is_link_definition(content) {
        Kind::Ornament
    } else if content.starts_with('|') {
        Kind::Row
    } else {
        Kind::Prose
    }
}

fn is_link_definition(content: &str) -> bool {
    content.starts_with('[') && content.split_once("]: ").is_some_and(|(label, _)| !label.contains(' '))
}

/// The length in bytes of the marks of quotations and list items before a line's words.
pub(super) fn list_marker(line: &str) -> usize {
    let bare = line.trim_start_matches(|c: char| c == '>' || c.is_whitespace());
    let after_bullet = bare.strip_prefix(['-', '*', '+', '•']);
    let number = bare.trim_start_matches(|c: char| c.is_ascii_digit());
    let after_number = (number.len() < bare.len())
        .then(|| number.strip_prefix(['.', ')']))
        .flatten();
    let item = after_bullet
        .or(after_number)
        .filter(|rest| rest.starts_with(char::is_whitespace));
    line.len() - item.map_or(bare, str::trim_start).len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        blocks(text)
            .into_iter()
            .map(|block| (block.kind, &text[block.bytes]))
            .collect()
    }

    #[test]
    fn each_kind_is_told_apart() {
        let text = "# Title\nOne\ntwo.\n\n- item\n  more\n- next\n1. first\n```sh\n# code\n\nx\n```\n| a | b |\n|---|---|\n***\n[x]: https://a\nUnder\n---\nend";
        assert_eq!(
            kinds(text),
            [
                (Kind::Heading, "# Title\n"),
                (Kind::Prose, "One\ntwo.\n\n"),
                (Kind::Prose, "- item\n  more\n"),
                (Kind::Prose, "- next\n"),
                (Kind::Prose, "1. first\n"),
                (Kind::Code, "```sh\n# code\n\nx\n```\n"),
                (Kind::Row, "| a | b |\n"),
                (Kind::Ornament, "|---|---|\n"),
                (Kind::Ornament, "***\n"),
                (Kind::Ornament, "[x]: https://a\n"),
                (Kind::Heading, "Under\n---\n"),
                (Kind::Prose, "end"),
            ]
        );
    }

    #[test]
    fn a_hash_within_a_word_is_no_heading_and_a_fence_may_stay_open() {
        assert_eq!(kinds("#1 is first"), [(Kind::Prose, "#1 is first")]);
        assert_eq!(kinds("```\n# a\nb"), [(Kind::Code, "```\n# a\nb")]);
    }

    #[test]
    fn marks_before_the_words_are_measured() {
        for (line, marks) in [
            ("- a", 2),
            ("> 1) a", 5),
            ("  * a", 4),
            ("-a", 0),
            ("12. a", 4),
            ("1.5 a", 0),
            ("> a", 2),
            ("", 0),
        ] {
            assert_eq!(list_marker(line), marks, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn blocks_cover_any_text_without_a_gap(text in "(# |a|é|- |```|~~~|\\||---|\n|\r\n| |>|\\.){0,60}") {
            let mut end = 0;
            for block in blocks(&text) {
                prop_assert_eq!(block.bytes.start, end);
                prop_assert!(block.bytes.end > end);
                end = block.bytes.end;
            }
            prop_assert_eq!(end, text.len());
        }
    }
}
