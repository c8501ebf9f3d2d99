//! Takes the names of programs apart: `getUserName`, `HTTPServer2` and `max_tokens` are found by their parts as well.

use unicode_normalization::char::is_combining_mark;

use super::numbers;
use super::words::{LONGEST_WORD, Words};

/// Writes the parts of a name, and the name itself without the signs in it.
pub(super) fn write(name: &str, words: &mut Words) {
    let mut tied = name.split('_').filter(|word| !word.is_empty());
    tied.clone().for_each(|word| write_word(word, words));
    if tied.nth(1).is_some() {
        write_whole(name, words);
    }
}

fn write_word(word: &str, words: &mut Words) {
    let parts = if is_longer_than_a_word(word) {
        vec![word]
    } else {
        parts(word)
    };
    for (place, part) in parts.iter().enumerate() {
        if parts.len() > 1 && tells(part, place) {
            words.push(part);
        }
        if let Some(one) = singular(part) {
            words.push(one);
        }
    }
    words.push(word);
    if let [name, year] = parts[..]
        && let Some(year) = numbers::fiscal_year(name, year)
    {
        words.push(&year);
    }
}

/// Writes several words as a single one, unless that were longer than any name.
pub(super) fn write_whole(words_together: &str, words: &mut Words) {
    let whole = words_together.replace('_', "");
    if !is_longer_than_a_word(&whole) {
        words.push(&whole);
    }
}

fn is_longer_than_a_word(text: &str) -> bool {
    text.len() > LONGEST_WORD && text.chars().count() > LONGEST_WORD
}

/// A single letter says nothing without its name, nor do the last figures of one: `Q3`, `utf8`. A year does.
fn tells(part: &str, place: usize) -> bool {
    if part.starts_with(|c: char| c.is_ascii_digit()) {
        place == 0 || part.len() >= 4
    } else {
        part.chars().nth(1).is_some()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Upper,
    Lower,
    Digit,
}

fn kind(c: char) -> Kind {
    if c.is_ascii_digit() {
        Kind::Digit
    } else if c.is_uppercase() {
        Kind::Upper
    } else {
        Kind::Lower
    }
}

/// Cuts between letters and figures, before a capital letter that follows a small one, and before the last
/// of several capital letters if a small one follows: `HTTP|Server|2`.
fn parts(word: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut before: Option<Kind> = None;
    let mut characters = word.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if is_combining_mark(c) {
            continue;
        }
        let this = kind(c);
        let starts_a_word = this == Kind::Upper
            && before == Some(Kind::Upper)
            && characters.peek().is_some_and(|(_, next)| kind(*next) == Kind::Lower)
            && !is_plural(&word[at + c.len_utf8()..]);
        let changes = before.is_some_and(|before| before != this && (before, this) != (Kind::Upper, Kind::Lower));
        if (changes || starts_a_word) && start < at {
            parts.push(&word[start..at]);
            start = at;
        }
        before = Some(this);
    }
    parts.push(&word[start..]);
    parts
}

/// `LLM` of `LLMs`: stemmers leave the `s` where they see no vowel before it.
fn singular(part: &str) -> Option<&str> {
    part.strip_suffix('s')
        .filter(|capitals| capitals.chars().count() > 1 && capitals.chars().all(char::is_uppercase))
}

/// The `s` of `APIs`, which makes no word with the last capital letter.
fn is_plural(after_capitals: &str) -> bool {
    after_capitals
        .strip_prefix('s')
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rag::analysis::Language;

    fn written(name: &str) -> String {
        let mut words = Words::new(Language::ENGLISH, 0);
        write(name, &mut words);
        words.finish()
    }

    #[test]
    fn names_are_taken_apart_and_kept_whole() {
        for (name, expected) in [
            ("server", "server"),
            ("getUserName", "get user name getusername"),
            ("GetUserName", "get user name getusername"),
            ("get_user_name", "get user name getusername"),
            ("MAX_TOKENS", "max tokens maxtokens"),
            ("__init__", "init"),
            ("MyType_asText", "my type mytype as text astext mytypeastext"),
            ("_", ""),
            ("HTTPServer2", "http server httpserver2"),
            ("parseHTTPResponse", "parse http response parsehttpresponse"),
            ("utf8", "utf utf8"),
            ("Q3", "q3"),
            ("x86_64", "x86 64 x8664"),
            ("FY2018", "fy 2018 fy2018"),
            ("FY18", "fy fy18 2018"),
            ("5GB", "5 gb 5gb"),
            ("1980s", "1980 1980s"),
            ("mRNA", "rna mrna"),
            ("LLMs", "llm llms"),
            ("userIDs", "user ids id userids"),
            ("APIsOf", "apis api of apisof"),
            ("ИмяФайла", "имя файла имяфайла"),
        ] {
            assert_eq!(written(name), expected, "{name}");
        }
    }

    #[test]
    fn what_is_longer_than_a_name_is_cut_and_not_taken_apart() {
        let long = "aB".repeat(40);
        assert_eq!(written(&long), "ab".repeat(32));
        assert_eq!(written(&["two", &long].join("_")), ["two", &"ab".repeat(32)].join(" "));
        let mut words = Words::new(Language::ENGLISH, 0);
        write_whole(&long, &mut words);
        assert_eq!(words.finish(), "");
    }
}
