//! Makes words, lines and paragraphs of letters that only have places.
//!
//! Letters are taken in the order in which the page writes them, which is the order of reading for nearly every document;
//! distances decide where words, lines and paragraphs end. All lengths are in the units of the page, and those that are
//! compared with a letter's size are multiples of it.

use hayro_interpret::kurbo::{Point, Vec2};

/// Between two letters a gap of this is a space. A full line is squeezed to spaces of a sixth of the size; within words
/// letters are moved by less than a tenth.
const SPACE: f64 = 0.13;
/// Chinese and Japanese letters stand apart by themselves.
const WIDE_SPACE: f64 = 0.5;
/// Letters of one line may be raised or lowered by this: notes, exponents, indices.
const SAME_LINE: f64 = 0.5;
/// Going back by this is the beginning of something else.
const BACK: f64 = 1.0;
/// A line further below than this, or than the lines before it by so much, begins a paragraph.
const PARAGRAPH: f64 = 2.2;
const PARAGRAPH_TO_LEADING: f64 = 1.3;
/// Letters larger or smaller by this factor are a heading, or the text below it.
const OTHER_SIZE: f64 = 1.2;
/// A line that reaches so far into its paragraph was broken because it was full.
const FULL_LINE: f64 = 0.75;
/// In a narrower paragraph (as a multiple of the size) lines end where their author wanted.
const NARROW: f64 = 15.0;

/// A letter (or the letters of a ligature) on a page.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    pub(super) text: String,
    /// Where it starts on the base line.
    pub(super) origin: Point,
    /// Where the next one would start.
    pub(super) end: Point,
    /// The size of the font.
    pub(super) size: f64,
}

/// A line as far as it is written.
#[derive(Debug)]
struct Line {
    text: String,
    start: Point,
    end: Point,
    /// The direction of writing, of length 1.
    along: Vec2,
    size: f64,
}

impl Line {
    fn new(letter: &Letter, along: Vec2) -> Self {
        Self {
            text: letter.text.clone(),
            start: letter.origin,
            end: letter.end,
            along,
            size: letter.size,
        }
    }

    fn reach(&self) -> (f64, f64) {
        let along = |point: Point| point.to_vec2().dot(self.along);
        (along(self.start), along(self.end))
    }
}

/// A page as far as it is written.
#[derive(Debug, Default)]
pub(super) struct Layout {
    text: String,
    /// The lines of the last paragraph.
    lines: Vec<Line>,
    /// The distance between the last two of them.
    leading: Option<f64>,
}

/// Where a letter goes.
enum Place {
    Here { after_space: bool },
    NextLine { below: f64 },
    NextParagraph,
}

impl Layout {
    /// Adds a letter after those that are there.
    pub(super) fn place(&mut self, letter: &Letter) {
        let step = letter.end - letter.origin;
        let length = step.hypot();
        // A mark that takes no room of its own goes where the letters before it go.
        let along = if length > 0.0 { Some(step / length) } else { None };
        let place = self.lines.last().map(|line| self.find(line, letter, along));
        match place {
            Some(Place::Here { after_space }) => {
                if let Some(line) = self.lines.last_mut() {
                    write(line, letter, after_space);
                }
                return;
            }
            Some(Place::NextLine { below }) => self.leading = Some(below),
            Some(Place::NextParagraph) | None => self.end_paragraph(),
        }
        let along = along.unwrap_or(Vec2::new(1.0, 0.0));
        self.lines.push(Line::new(letter, along));
    }

    fn find(&self, line: &Line, letter: &Letter, along: Option<Vec2>) -> Place {
        if along.is_some_and(|along| along.dot(line.along) < 0.99) {
            return Place::NextParagraph;
        }
        let moved = letter.origin - line.end;
        let (forward, below) = (moved.dot(line.along), -line.along.cross(moved));
        let size = line.size.max(letter.size);
        if below.abs() < SAME_LINE * size {
            if forward < -BACK * size {
                return Place::NextLine { below: size };
            }
            let gap = if is_wide(line.text.chars().next_back()) || is_wide(letter.text.chars().next()) {
                WIDE_SPACE
            } else {
                SPACE
            };
            return Place::Here {
                after_space: forward > gap * size,
            };
        }
        let far = self.leading.map_or(PARAGRAPH * size, |leading| {
            (PARAGRAPH_TO_LEADING * leading).min(PARAGRAPH * size)
        });
        let ratio = size / line.size.min(letter.size);
        if below < 0.0 || below > far || ratio > OTHER_SIZE {
            Place::NextParagraph
        } else {
            Place::NextLine { below }
        }
    }

    fn end_paragraph(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        self.leading = None;
        let paragraph = join(&lines);
        if !paragraph.is_empty() {
            if !self.text.is_empty() {
                self.text.push_str("\n\n");
            }
            self.text.push_str(&paragraph);
        }
    }

    /// The text of the page.
    pub(super) fn finish(mut self) -> String {
        self.end_paragraph();
        self.text
    }
}

fn write(line: &mut Line, letter: &Letter, after_space: bool) {
    if after_space && !line.text.ends_with(' ') && !letter.text.starts_with(' ') {
        line.text.push(' ');
    }
    line.text.push_str(&letter.text);
    line.end = letter.end;
    line.size = line.size.max(letter.size);
}

/// Lines that were full flow on into the next; others end where they end.
fn join(lines: &[Line]) -> String {
    let reaches = || lines.iter().map(Line::reach);
    let left = reaches().map(|(start, _)| start).fold(f64::INFINITY, f64::min);
    let right = reaches().map(|(_, end)| end).fold(f64::NEG_INFINITY, f64::max);
    let mut text = String::new();
    let mut flows_on = false;
    for line in lines {
        let words = line.text.trim();
        if words.is_empty() {
            continue;
        }
        if flows_on && !begins_item(words) {
            flow(&mut text, words);
        } else {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(words);
        }
        let wide = right - left > NARROW * line.size;
        flows_on = wide && line.reach().1 - left > FULL_LINE * (right - left);
    }
    text
}

/// Goes on in the same paragraph. A word that was parted at the end of a line becomes whole again.
fn flow(text: &mut String, words: &str) {
    let first = words.chars().next();
    let mut end = text.chars().rev();
    match (end.next(), end.next()) {
        (Some('\u{ad}'), _) => drop(text.pop()),
        (Some('-' | '\u{2010}'), Some(before)) if before.is_lowercase() && first.is_some_and(char::is_lowercase) => {
            text.pop();
        }
        (last, _) if is_wide(last) && is_wide(first) => {}
        _ => text.push(' '),
    }
    text.push_str(words);
}

/// Whether a line begins with the mark of a list's item.
fn begins_item(words: &str) -> bool {
    let rest = words.trim_start_matches(|c: char| c.is_ascii_digit());
    let after_number = (rest.len() < words.len())
        .then(|| rest.strip_prefix(['.', ')']))
        .flatten();
    let item = words.strip_prefix(['•', '◦', '▪', '–', '-', '*', '·']).or(after_number);
    item.is_some_and(|rest| rest.starts_with(char::is_whitespace))
}

/// Letters that are set without spaces between words.
fn is_wide(c: Option<char>) -> bool {
    c.is_some_and(|c| {
        matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}'
            | '\u{20000}'..='\u{3ffff}')
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sets a line of letters that are half as wide as high.
    fn set(layout: &mut Layout, text: &str, x: f64, y: f64, size: f64) {
        for (index, c) in (0_u32..).zip(text.chars()) {
            let origin = Point::new(x + f64::from(index) * size / 2.0, y);
            layout.place(&Letter {
                text: c.to_string(),
                origin,
                end: origin + Vec2::new(size / 2.0, 0.0),
                size,
            });
        }
    }

    fn text_of(lines: &[(&str, f64, f64, f64)]) -> String {
        let mut layout = Layout::default();
        for &(text, x, y, size) in lines {
            set(&mut layout, text, x, y, size);
        }
        layout.finish()
    }

    #[test]
    fn gaps_are_spaces_and_full_lines_flow_on() {
        let lines = [
            ("The lease of a job lasts for", 0.0, 100.0, 10.0),
            ("30", 142.0, 100.0, 10.0),
            ("seconds and is renewed in the be-", 0.0, 88.0, 10.0),
            ("tween.", 0.0, 76.0, 10.0),
        ];
        assert_eq!(
            text_of(&lines),
            "The lease of a job lasts for 30 seconds and is renewed in the between."
        );
    }

    #[test]
    fn headings_paragraphs_and_columns_stand_apart() {
        let lines = [
            ("Leases", 0.0, 130.0, 18.0),
            ("A worker owns a job for a little", 0.0, 110.0, 10.0),
            ("while.", 0.0, 98.0, 10.0),
            ("Then it is lost.", 0.0, 74.0, 10.0),
            ("Beside", 300.0, 110.0, 10.0),
        ];
        assert_eq!(
            text_of(&lines),
            "Leases\n\nA worker owns a job for a little while.\n\nThen it is lost.\n\nBeside"
        );
    }

    #[test]
    fn items_and_short_lines_keep_their_lines() {
        let lines = [
            ("• one is as long as the line is", 0.0, 100.0, 10.0),
            ("• two is as long as the line is", 0.0, 88.0, 10.0),
            ("short", 0.0, 76.0, 10.0),
            ("last", 0.0, 64.0, 10.0),
        ];
        assert_eq!(
            text_of(&lines),
            "• one is as long as the line is\n• two is as long as the line is short\nlast"
        );
    }

    #[test]
    fn letters_without_spaces_between_words_get_none() {
        let lines = [
            (
                "東京都庁舎の展望室は毎日午前の九時から午後の十時まで無料で開放されて",
                0.0,
                100.0,
                10.0,
            ),
            ("いる場所です。", 0.0, 88.0, 10.0),
        ];
        assert_eq!(
            text_of(&lines),
            "東京都庁舎の展望室は毎日午前の九時から午後の十時まで無料で開放されている場所です。"
        );
    }

    proptest! {
        #[test]
        fn no_letter_is_lost(places in proptest::collection::vec((-1e3..1e3_f64, -1e3..1e3_f64, 0.1..99.0_f64), 0..60)) {
            let mut layout = Layout::default();
            for &(x, y, size) in &places {
                set(&mut layout, "ab", x, y, size);
            }
            let text = layout.finish();
            prop_assert_eq!(text.chars().filter(|c| c.is_alphabetic()).count(), 2 * places.len());
        }
    }
}
