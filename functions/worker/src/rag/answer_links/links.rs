//! Replaces links and pictures by their texts.

use std::ops::Range;

use pulldown_cmark::{CowStr, Event, LinkType, Parser, Tag, TagEnd};

use super::hosts::Hosts;

/// A link or a picture that is being read.
struct Open<'a> {
    bytes: Range<usize>,
    /// The bytes of what stands in it; empty at first.
    inner: Range<usize>,
    becomes: Becomes<'a>,
}

/// What becomes of a link.
enum Becomes<'a> {
    /// It stays as it is written.
    Itself,
    /// A link to this address, written in one place.
    Link(CowStr<'a>),
    /// Its text.
    Text,
}

/// A stretch of the text and what takes its place.
type Edit = (Range<usize>, String);

/// The text without pictures, without links to other hosts, and without addresses that are named apart from their links.
pub(super) fn unwrapped(text: &str, hosts: &Hosts) -> String {
    let events = Parser::new(text).into_offset_iter();
    let definitions = events.reference_definitions();
    let mut edits: Vec<Edit> = definitions
        .iter()
        .map(|(_, definition)| (definition.span.clone(), String::new()))
        .collect();
    let mut open: Vec<Open<'_>> = Vec::new();
    for (event, bytes) in events {
        match event {
            Event::Start(Tag::Link {
                link_type, dest_url, ..
            }) => {
                grow(&mut open, &bytes);
                open.push(Open::of(bytes, becomes(link_type, dest_url, hosts)));
            }
            Event::Start(Tag::Image { .. }) => {
                grow(&mut open, &bytes);
                open.push(Open::of(bytes, Becomes::Text));
            }
            Event::End(TagEnd::Link | TagEnd::Image) => {
                edits.extend(open.pop().map(Open::edits).into_iter().flatten());
            }
            _ => grow(&mut open, &bytes),
        }
    }
    applied(text, edits)
}

impl<'a> Open<'a> {
    fn of(bytes: Range<usize>, becomes: Becomes<'a>) -> Self {
        let inner = bytes.end..bytes.end;
        Self { bytes, inner, becomes }
    }

    /// What is before and after the inner text is replaced, so that what is nested in it can be replaced, too.
    fn edits(self) -> Vec<Edit> {
        let (before, after) = match self.becomes {
            Becomes::Itself => return Vec::new(),
            Becomes::Link(address) => ("[".to_owned(), format!("]({address})")),
            Becomes::Text => (String::new(), String::new()),
        };
        vec![
            (self.bytes.start..self.inner.start, before),
            (self.inner.end..self.bytes.end, after),
        ]
    }
}

fn becomes<'a>(kind: LinkType, address: CowStr<'a>, hosts: &Hosts) -> Becomes<'a> {
    let is_plain = !address.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | '\\'));
    match kind {
        _ if !hosts.link(&address) => Becomes::Text,
        LinkType::Inline => Becomes::Itself,
        LinkType::Reference | LinkType::Collapsed | LinkType::Shortcut if is_plain => Becomes::Link(address),
        _ => Becomes::Text,
    }
}

/// Whatever stands in the innermost link belongs to its text.
fn grow(open: &mut [Open<'_>], bytes: &Range<usize>) {
    if let Some(open) = open.last_mut() {
        if open.inner.is_empty() {
            open.inner = bytes.clone();
        }
        open.inner.end = open.inner.end.max(bytes.end).min(open.bytes.end);
    }
}

/// Of edits that overlap, the first counts.
fn applied(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(bytes, _)| (bytes.start, bytes.end));
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    for (bytes, replacement) in edits {
        if bytes.start >= done {
            result.push_str(&text[done..bytes.start]);
            result.push_str(&replacement);
            done = bytes.end;
        }
    }
    result.push_str(&text[done..]);
    result
}
