//! Takes the letters from what a page draws.

use std::collections::HashSet;

use hayro_interpret::font::{Glyph, GlyphRun, PositionedGlyph};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect, Vec2};
use hayro_interpret::{BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask};

use super::layout::{Layout, Letter};

/// Glyphs are measured in thousandths of their font's size.
const UNITS_PER_EM: f64 = 1000.0;

/// What a font's advance is taken for if it does not say.
const USUAL_ADVANCE: f32 = 500.0;

/// The same letter within about this part of its size is the same letter. The thinnest are four times as wide.
const SAME_PLACE: f64 = 0.05;

/// The bullet of the symbol fonts, which have their letters in Unicode's private area.
const SYMBOL_BULLET: char = '\u{f0b7}';

/// Collects what is written on a page and ignores what is drawn.
pub(super) struct TextDevice {
    visible: Rect,
    layout: Layout,
    /// Letters and their places, in [`SAME_PLACE`]s: bold is often imitated by writing twice.
    written: HashSet<(char, i64, i64)>,
}

impl TextDevice {
    /// Letters outside `visible` are on no page that anybody sees.
    pub(super) fn new(visible: Rect) -> Self {
        Self {
            visible,
            layout: Layout::default(),
            written: HashSet::new(),
        }
    }

    /// The text of the page.
    pub(super) fn finish(self) -> String {
        self.layout.finish()
    }

    fn letter(&mut self, glyph: &PositionedGlyph<'_>, to_page: Affine, mode: WritingMode) {
        let transform = to_page * glyph.transform();
        let origin = transform * Point::ZERO;
        let size = (transform * Point::new(0.0, UNITS_PER_EM) - origin).hypot();
        let is_seen = origin.is_finite() && self.visible.inflate(1.0, 1.0).contains(origin);
        if !is_seen || !size.is_normal() {
            return;
        }
        let text = text_of(glyph);
        let place = origin.to_vec2() / (SAME_PLACE * size);
        if text.chars().next().is_none_or(|first| self.is_written(first, place)) {
            return;
        }
        let advance = match mode {
            WritingMode::Horizontal => Vec2::new(advance_of(glyph), 0.0),
            WritingMode::Vertical => Vec2::new(0.0, -UNITS_PER_EM),
        };
        let end = transform * advance.to_point();
        if end.is_finite() {
            self.layout.place(&Letter {
                text,
                origin,
                end,
                size,
            });
        }
    }

    /// Whether a letter is there already; if not, it is now.
    fn is_written(&mut self, letter: char, place: Vec2) -> bool {
        let (x, y) = (whole(place.x), whole(place.y));
        let near = |at: i64| at.saturating_sub(1)..=at.saturating_add(1);
        let is_there = near(x).any(|x| near(y).any(|y| self.written.contains(&(letter, x, y))));
        is_there || !self.written.insert((letter, x, y))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "what is out of range becomes the end of the range"
)]
fn whole(place: f64) -> i64 {
    place.round() as i64
}

fn advance_of(glyph: &PositionedGlyph<'_>) -> f64 {
    let advance = match &**glyph {
        Glyph::Outline(glyph) => glyph.advance_width(),
        Glyph::Type3(glyph) => glyph.advance_width(),
    };
    f64::from(advance.unwrap_or(USUAL_ADVANCE))
}

/// What a glyph stands for.
fn text_of(glyph: &PositionedGlyph<'_>) -> String {
    let mut text = String::new();
    match glyph.as_unicode() {
        Some(BfString::Char(c)) => push(&mut text, c),
        Some(BfString::String(letters)) => letters.chars().for_each(|c| push(&mut text, c)),
        None if glyph.char_code() == u32::from(' ') => text.push(' '),
        None => text.push(char::REPLACEMENT_CHARACTER),
    }
    text
}

/// Takes ligatures apart, so that a quotation of the word is found in the text.
fn push(text: &mut String, c: char) {
    match c {
        '\u{fb00}' => text.push_str("ff"),
        '\u{fb01}' => text.push_str("fi"),
        '\u{fb02}' => text.push_str("fl"),
        '\u{fb03}' => text.push_str("ffi"),
        '\u{fb04}' => text.push_str("ffl"),
        '\u{fb05}' | '\u{fb06}' => text.push_str("st"),
        SYMBOL_BULLET => text.push('•'),
        _ => text.push(c),
    }
}

impl<'a> Device<'a> for TextDevice {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        for glyph in run.glyphs() {
            self.letter(glyph, props.transform, run.writing_mode());
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}

    fn draw_rect(&mut self, _: &Rect, _: DrawProps<'a>, _: &DrawMode) {}

    fn push_clip_path(&mut self, _: &ClipPath) {}

    fn push_clip_rect(&mut self, _: &Rect) {}

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}

    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {}

    fn pop_clip(&mut self) {}

    fn pop_transparency_group(&mut self) {}
}
