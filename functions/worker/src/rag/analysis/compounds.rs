//! Finds the words of a text, and which of them a writer tied together: `boundary-layer`, `std::fs`, `1,000.50`.

use unicode_normalization::char::is_combining_mark;

use super::words::Words;
use super::{cjk, identifiers, numbers};

/// More words than this are not taken for one compound: it bounds what a long chain costs.
const LONGEST_COMPOUND: usize = 8;

/// Words with nothing but a joining sign between them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Compound<'text> {
    /// Its words, each with the sign before it; before the first stands a space.
    pub(super) parts: Vec<(char, &'text str)>,
}

/// Walks over a text, compound by compound.
pub(super) struct Scanner<'text> {
    rest: &'text str,
}

impl<'text> Scanner<'text> {
    pub(super) fn new(text: &'text str) -> Self {
        Self { rest: text }
    }

    /// The word at the very beginning of what is left.
    fn word(&mut self) -> Option<&'text str> {
        let end = self.rest.find(|c| !is_of_a_word(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    /// Steps over the sign that ties the next word to the one before.
    fn joint(&mut self) -> Option<char> {
        let mut after = self.rest.chars();
        let sign = after.next()?;
        let rest = match sign {
            '.' | ',' | '@' | '/' | '\'' | '’' => after.as_str(),
            ':' => after.as_str().strip_prefix(':').unwrap_or(after.as_str()),
            '-' | '\u{2010}' => continued(after.as_str()),
            _ => return None,
        };
        if !rest.starts_with(begins_a_word) {
            return None;
        }
        self.rest = rest;
        Some(sign)
    }
}

/// What follows a hyphen: in the next line, where the hyphen stands at the end of one and a small letter goes on.
fn continued(after: &str) -> &str {
    let line_end = after.trim_start_matches([' ', '\r']);
    match line_end.strip_prefix('\n').map(|line| line.trim_start_matches(' ')) {
        Some(line) if line.starts_with(char::is_lowercase) => line,
        _ => after,
    }
}

impl<'text> Iterator for Scanner<'text> {
    type Item = Compound<'text>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.rest.find(begins_a_word)?;
        self.rest = &self.rest[start..];
        let mut parts = vec![(' ', self.word()?)];
        while parts.len() < LONGEST_COMPOUND
            && let Some(sign) = self.joint()
            && let Some(word) = self.word()
        {
            parts.push((sign, word));
        }
        Some(Compound { parts })
    }
}

fn begins_a_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_of_a_word(c: char) -> bool {
    begins_a_word(c) || is_combining_mark(c)
}

/// Writes the words of a compound, and beside them the compound as one word: whoever looks for `std::fs`, for
/// `dataBase` or for `e-mail` may mean the parts or the whole, and may tie them together in another way.
pub(super) fn write(compound: &Compound<'_>, words: &mut Words) {
    let mut rest = compound.parts.as_slice();
    while let Some(((_, first), others)) = rest.split_first() {
        rest = match numbers::number(rest, words.language()) {
            Some(number) => {
                write_word(number.name, words);
                number.forms.iter().for_each(|form| words.push(form));
                write_word(number.unit, words);
                &rest[number.parts..]
            }
            None => {
                write_word(first, words);
                others
            }
        };
    }
    let pairs = compound.parts.windows(2);
    for year in pairs.filter_map(|pair| numbers::fiscal_year(pair[0].1, pair[1].1)) {
        words.push(&year);
    }
    for tied in compound.parts.chunk_by(|_, (sign, _)| ties(*sign)) {
        write_whole(tied, words);
    }
}

fn write_word(word: &str, words: &mut Words) {
    for run in cjk::runs(word) {
        match run {
            cjk::Run::Unspaced(text) => cjk::bigrams(text).for_each(|bigram| words.push(bigram)),
            cjk::Run::Spaced(text) => identifiers::write(text, words),
        }
    }
}

/// The signs that make one name of several words. A comma, a slash or an apostrophe separates.
fn ties(sign: char) -> bool {
    matches!(sign, '-' | '\u{2010}' | '.' | ':' | '@')
}

fn write_whole(tied: &[(char, &str)], words: &mut Words) {
    let letters = tied.iter().any(|(_, word)| word.contains(char::is_alphabetic));
    let unspaced = tied.iter().any(|(_, word)| word.contains(cjk::is_unspaced));
    if tied.len() > 1 && letters && !unspaced {
        let whole: String = tied.iter().map(|(_, word)| *word).collect();
        identifiers::write_whole(&whole, words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rag::analysis::Language;

    fn written(text: &str) -> String {
        let mut words = Words::new(Language::ENGLISH, 0);
        Scanner::new(text).for_each(|compound| write(&compound, &mut words));
        words.finish()
    }

    #[test]
    fn words_that_are_tied_together_are_kept_whole_as_well() {
        for (text, expected) in [
            ("boundary-layer", "boundary layer boundarylayer"),
            ("e-mail", "e mail email"),
            ("std::fs", "std fs stdfs"),
            ("os.path", "os path ospath"),
            ("Env::max_load()", "env max load maxload envmaxload"),
            ("gpt-3.5-turbo", "gpt 3.5 turbo gpt35turbo"),
            ("UTF-8", "utf 8 utf8"),
            ("a@b.example", "a b example abexample"),
            ("COVID-19", "covid 19 covid19"),
        ] {
            assert_eq!(written(text), expected, "{text}");
        }
    }

    #[test]
    fn other_words_are_not() {
        for (text, expected) in [
            ("and/or", "and or"),
            ("one,two", "one two"),
            ("It's it’s", "it s it s"),
            ("End. Next", "end next"),
            ("a - b", "a b"),
            ("24-10", "24 10"),
            ("2019-05-01", "2019 05 01"),
            ("Vec<String>", "vec string"),
            ("...x --y:: z_", "x y z"),
            ("日本-東京", "日本 東京"),
            ("", ""),
        ] {
            assert_eq!(written(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_read_wherever_they_stand() {
        for (text, expected) in [
            ("$1,000.", "1000"),
            ("v1.2.3", "1.2.3 v123"),
            ("1.5M", "1.5 m 15m"),
            ("python3.11", "python 3.11 python311"),
            ("FY18 FY-19 FY'20", "fy fy18 2018 fy 19 2019 fy19 fy 20 2020"),
        ] {
            assert_eq!(written(text), expected, "{text}");
        }
    }

    #[test]
    fn a_word_that_goes_on_in_the_next_line_is_found() {
        assert_eq!(written("an exam-\n  ple"), "an exam ple example");
        assert_eq!(written("an exam-\r\nple"), "an exam ple example");
        assert_eq!(written("North-\nSouth a -\nb"), "north south a b");
    }

    #[test]
    fn a_long_chain_is_cut() {
        let mut chain = Scanner::new("a.b.c.d.e.f.g.h.i.j");
        let lengths: Vec<usize> = chain.by_ref().map(|compound| compound.parts.len()).collect();
        assert_eq!(lengths, [LONGEST_COMPOUND, 2]);
    }
}
