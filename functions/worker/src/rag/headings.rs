//! Finds a Markdown document's headings, and for each place in it the path of headings above it.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};

/// The longest part of a heading that goes into a path, in characters. A paragraph above a line of dashes is a
/// heading too, and may be of any length.
const MAX_TITLE_CHARACTERS: usize = 120;

/// A heading and the bytes it takes up, its marks or its underline included.
#[derive(Debug, PartialEq)]
struct Heading {
    level: HeadingLevel,
    title: String,
    bytes: Range<usize>,
}

/// Walks through a document from its start to its end and says which headings each place stands under.
pub(super) struct HeadingPath<'a> {
    document: &'a str,
    coming: std::iter::Peekable<std::vec::IntoIter<Heading>>,
    open: Vec<Heading>,
}

impl<'a> HeadingPath<'a> {
    /// Reads the headings of a Markdown document. Code that looks like a heading is none, and neither is a heading
    /// inside a quotation or a list, for nothing after it stands under it.
    pub(super) fn of(document: &'a str) -> Self {
        Self {
            document,
            coming: headings(document).into_iter().peekable(),
            open: Vec::new(),
        }
    }

    /// The path over the first content of a piece of the document: the headings that the piece itself starts with are
    /// part of it. Pieces must be asked for in ascending order.
    pub(super) fn over(&mut self, piece: Range<usize>) -> String {
        let mut position = piece.start;
        while let Some(heading) = self.coming.next_if(|heading| heading.bytes.start <= position) {
            let after = heading.bytes.end;
            self.open.retain(|outer| outer.level < heading.level);
            self.open.push(heading);
            if after > position {
                position = after + white_space(&self.document[after..]);
            }
            if position >= piece.end {
                break;
            }
        }
        let titles = self.open.iter().map(|heading| heading.title.as_str());
        titles.filter(|title| !title.is_empty()).collect::<Vec<_>>().join(" > ")
    }
}

fn white_space(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

fn headings(document: &str) -> Vec<Heading> {
    let mut found = Vec::new();
    let mut current: Option<Heading> = None;
    let mut nesting = 0_usize;
    for (event, bytes) in Parser::new(document).into_offset_iter() {
        match event {
            Event::Start(Tag::BlockQuote(_) | Tag::Item) => nesting += 1,
            Event::End(TagEnd::BlockQuote(_) | TagEnd::Item) => nesting -= 1,
            Event::Start(Tag::Heading { level, .. }) if nesting == 0 => {
                current = Some(Heading {
                    level,
                    title: String::new(),
                    bytes,
                });
            }
            Event::End(TagEnd::Heading(_)) => found.extend(current.take().map(tidy)),
            Event::Text(text) | Event::Code(text) => append(current.as_mut(), &text),
            Event::SoftBreak | Event::HardBreak => append(current.as_mut(), " "),
            _ => {}
        }
    }
    found
}

fn append(heading: Option<&mut Heading>, text: &str) {
    if let Some(heading) = heading
        && heading.title.len() < 4 * MAX_TITLE_CHARACTERS
    {
        heading.title.push_str(text);
    }
}

fn tidy(heading: Heading) -> Heading {
    let words = heading.title.split_whitespace().collect::<Vec<_>>().join(" ");
    let title = match words.char_indices().nth(MAX_TITLE_CHARACTERS) {
        None => words,
        Some((end, _)) => format!("{}…", words[..end].trim_end()),
    };
    Heading { title, ..heading }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_over(document: &str, piece: &str) -> String {
        let start = document.find(piece).unwrap();
        HeadingPath::of(document).over(start..start + piece.len())
    }

    const GUIDE: &str = "# Guide\n\nWelcome.\n\nInstall *it* `now`\n---\n\nRun it.\n\n### Notes ###\n\nA note.\n\n\
        ```sh\n# not a heading\n```\n\n> # quoted\n\nLast words.\n\nSecond\n=====\n\nThe end.\n";

    #[test]
    fn the_path_follows_the_levels_of_both_kinds_of_headings() {
        assert_eq!(path_over(GUIDE, "Welcome."), "Guide");
        assert_eq!(path_over(GUIDE, "Run it."), "Guide > Install it now");
        assert_eq!(path_over(GUIDE, "A note."), "Guide > Install it now > Notes");
        assert_eq!(path_over(GUIDE, "Last words."), "Guide > Install it now > Notes");
        assert_eq!(path_over(GUIDE, "The end."), "Second");
    }

    #[test]
    fn headings_at_the_start_of_a_piece_belong_to_its_path() {
        assert_eq!(
            path_over("# A\n\n## B\n\ntext\n\n## C\n\nmore", "# A\n\n## B\n\ntext\n\n## C"),
            "A > B"
        );
        assert_eq!(path_over("# A\n\n## B\n\ntext", "# A"), "A");
        assert_eq!(path_over("before\n\n# A\n\ntext", "before"), "");
    }

    #[test]
    fn pieces_in_order_share_one_walk() {
        let mut path = HeadingPath::of("# A\n\none\n\n# B\n\ntwo");
        assert_eq!(path.over(0..8), "A");
        assert_eq!(path.over(10..18), "B");
    }

    #[test]
    fn a_long_paragraph_over_dashes_does_not_fill_the_path() {
        let document = format!("{}\n---\n\ntext", "word ".repeat(500));
        assert!(path_over(&document, "text").chars().count() <= MAX_TITLE_CHARACTERS + 1);
    }
}
