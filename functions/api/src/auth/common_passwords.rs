//! Passwords that are guessed first, though they are long: the most common ones, and what people make of them to please
//! a rule. What is left is not judged: a blocklist and a length are what NIST SP 800-63B (section 3.1.1.2) asks for.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Where fingers run along: the keys of a row, its columns, and what is counted or spelled out.
const RUNS: [&str; 8] = [
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "azertyuiop",
    "01234567890",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik",
    "abcdefghijklmnopqrstuvwxyz",
];
/// A run of fewer characters comes up in any text.
const SHORTEST_RUN: usize = 3;
/// So many characters besides runs make a password that is not told by them.
const ENOUGH: usize = 4;
/// What is repeated and is longer could be a password by itself.
const LONGEST_UNIT: usize = 11;
/// Fewer different characters are the same ones again and again.
const DISTINCT: usize = 5;
/// A part of a name or an address that is shorter is in every other word.
const SHORTEST_OWN: usize = 3;

static WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("common_words.txt").lines();
    lines.filter(|line| !line.starts_with('#')).collect()
});

/// Whether a normalised password is common, or made of what its user is known by: an address, a name.
pub(super) fn is_common(password: &str, own: &[&str]) -> bool {
    let lower: Vec<char> = password.chars().flat_map(char::to_lowercase).collect();
    is_repetition(&lower) || is_run(&lower) || is_made_of_few_words(&lower, &own_words(own))
}

/// The same once more, whole or cut off, or hardly more than a few characters.
fn is_repetition(text: &[char]) -> bool {
    let repeats = |period: usize| text[period..] == text[..text.len() - period];
    text.iter().collect::<HashSet<_>>().len() < DISTINCT || (1..=LONGEST_UNIT.min(text.len() / 2)).any(repeats)
}

/// Hardly anything but runs, forwards or backwards, or of one character.
fn is_run(text: &[char]) -> bool {
    let mut rest = text;
    let mut others = 0;
    while !rest.is_empty() {
        let length = (1..=rest.len())
            .take_while(|length| is_one_run(&rest[..*length]))
            .last()
            .unwrap_or(1);
        if length < SHORTEST_RUN {
            others += 1;
        }
        rest = &rest[if length < SHORTEST_RUN { 1 } else { length }..];
    }
    others < ENOUGH
}

fn is_one_run(text: &[char]) -> bool {
    let forwards: String = text.iter().collect();
    let backwards: String = text.iter().rev().collect();
    let is_in = |run: &&str| run.contains(&forwards) || run.contains(&backwards);
    RUNS.iter().any(is_in) || text.iter().all(|c| *c == text[0])
}

/// At most two words with digits and signs around and between them. Three words are a phrase.
fn is_made_of_few_words(text: &[char], own: &HashSet<String>) -> bool {
    let is_word = |word: &str| WORDS.contains(word) || own.contains(word);
    readings(text).iter().any(|letters| {
        let splits = letters.char_indices().skip(1).map(|(at, _)| letters.split_at(at));
        is_word(letters) || splits.into_iter().any(|(one, other)| is_word(one) && is_word(other))
    })
}

/// The letters alone; and those of the middle, where a digit or sign may stand for the letter it looks like.
fn readings(text: &[char]) -> [String; 3] {
    let first = text.iter().position(|c| c.is_alphabetic()).unwrap_or_default();
    let last = text.iter().rposition(|c| c.is_alphabetic()).unwrap_or_default();
    let middle = text.get(first..=last).unwrap_or_default();
    let read = |one: char| -> String {
        let letter = |c: &char| Some(looks_like(*c, one)).filter(|c| c.is_alphabetic());
        middle.iter().filter_map(letter).collect()
    };
    [
        text.iter().filter(|c| c.is_alphabetic()).collect(),
        read('i'),
        read('l'),
    ]
}

fn looks_like(c: char, one: char) -> char {
    match c {
        '@' | '4' => 'a',
        '3' => 'e',
        '1' | '!' | '|' => one,
        '0' => 'o',
        '$' | '5' => 's',
        '7' | '+' => 't',
        other => other,
    }
}

/// What a user is known by, as letters: whole, and each part of it.
fn own_words(own: &[&str]) -> HashSet<String> {
    let letters = |text: &str| {
        text.chars()
            .flat_map(char::to_lowercase)
            .filter(|c| c.is_alphabetic())
            .collect::<String>()
    };
    let parts = own.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
    let words = own.iter().copied().chain(parts).map(letters);
    words.filter(|word| word.chars().count() >= SHORTEST_OWN).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn common_passwords_and_what_is_made_of_them_are_known() {
        for password in [
            "password1234",
            "123456789012",
            "qwertyuiop12",
            "passwordpassword",
            "iloveyou1234",
            "Administrator1!",
            "aaaaaaaaaaaaaa",
            "P@$$w0rd2024!",
            "1qaz2wsx3edc",
            "abcdefghijklmnop",
            "qwertyqwertyq",
            "0987654321098",
            "Welcome-2024-Welcome",
            "letmein password",
            "sunshine!!!!2025",
            "mnbvcxzlkjhg",
            "111122223333",
            "...............",
        ] {
            assert!(is_common(password, &[]), "{password}");
        }
    }

    #[test]
    fn phrases_and_random_text_are_not() {
        for password in [
            "correct horse battery staple",
            "a brand new passphrase",
            "correct horse battery",
            "xK9#mQ2$vL7p",
            "837492650173",
            "Vier Wörter für heute",
            "これは長いパスワードです",
            "тихий океан ночью поёт",
            "we walked to the sea at 7",
        ] {
            assert!(!is_common(password, &[]), "{password}");
        }
    }

    #[test]
    fn what_the_user_is_known_by_is_no_secret() {
        let own = ["augusta.ada@example.com", "Ada King-Lovelace"];
        for password in [
            "augusta.ada@example.com",
            "AdaLovelace1815",
            "Lovelace!!2025",
            "lovelace-password",
        ] {
            assert!(is_common(password, &own), "{password}");
        }
        assert!(
            !is_common("AdaLovelace1815", &[]),
            "a name is common to its bearer alone"
        );
        assert!(!is_common("lovelace likes long looms", &own));
    }

    #[test]
    fn the_list_is_there() {
        assert!(WORDS.len() > 3_000 && WORDS.contains("password"));
        assert!(
            WORDS
                .iter()
                .all(|word| word.len() >= 4 && word.bytes().all(|b| b.is_ascii_lowercase()))
        );
    }

    proptest! {
        #[test]
        fn no_password_makes_the_judgement_panic(password in "\\PC{0,80}", own in "\\PC{0,40}") {
            is_common(&password, &[&own]);
        }

        #[test]
        fn random_letters_and_digits_are_not_common(password in "[a-zA-Z0-9]{24}") {
            prop_assert!(!is_common(&password, &[]));
        }
    }
}
