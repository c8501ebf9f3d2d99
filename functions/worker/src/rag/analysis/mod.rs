//! Brings a text into the words that the full-text index keeps: the same for documents and for questions.
//!
//! The output consists of words in lower case, with one space between two of them. A word is made of letters, digits
//! and the marks above and below them; only a number may hold points as well. So the database's own parser has
//! nothing to decide: it sees no addresses, file names, tags or signs, in which it would hide or fuse words, and its
//! answer does not hang on the locale of the database. What is left to it are the stop words and the stems. (A checksum
//! that begins like a number, such as `18e4f7`, it still cuts, in documents and in questions alike.)
//!
//! Invariant: a change to what these functions return is a new [`VERSION`], because words of two versions need not
//! meet.

mod cjk;
mod compounds;
mod detection;
mod function_words;
mod identifiers;
mod language;
mod numbers;
mod words;

use unicode_normalization::UnicodeNormalization;

use self::compounds::Scanner;
pub use self::detection::language_of;
pub use self::language::Language;
use self::numbers::ascii_digit;
use self::words::Words;
use shared::domain::visible::bare;

/// The version of the rules. Passages that were indexed under another one have to be indexed again.
pub const VERSION: u32 = 1;

/// What of a document's text goes into the index: hand it to `to_tsvector` with the language's configuration.
///
/// Takes time and space in proportion to the text. The output has no places in the text: it is to be searched, not to
/// be shown.
pub fn for_index(text: &str, language: Language) -> String {
    analysed(text, language)
}

/// What of a question is looked for in the passages that were indexed in this language.
///
/// A question goes through it once for each language of the passages asked, whatever language it is in itself: only
/// the words of one and the same configuration meet.
pub fn for_question(text: &str, language: Language) -> String {
    analysed(text, language)
}

fn analysed(text: &str, language: Language) -> String {
    let text: String = bare(text).nfkc().map(ascii_digit).collect();
    let mut words = Words::new(language, text.len());
    for compound in Scanner::new(&text) {
        compounds::write(&compound, &mut words);
    }
    words.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use unicode_normalization::char::is_combining_mark;

    use super::*;

    fn english(text: &str) -> String {
        for_index(text, Language::ENGLISH)
    }

    #[test]
    fn ways_to_write_the_same_give_the_same() {
        for (one, other) in [
            ("ﬁle ＡＢＣ", "file abc"),
            ("a\u{200b}b\u{ad}c\0 \u{e0041}d", "abc d"),
            ("\u{202e}x\u{feff}", "x"),
            ("cafe\u{301}", "CAFÉ"),
            ("２０１８", "2018"),
            ("1\u{2011}on", "1-on"),
            ("ﾄｳｷｮｳ", "トウキョウ"),
        ] {
            assert_eq!(english(one), english(other), "{one}");
        }
    }

    #[test]
    fn a_mixed_text_keeps_its_words() {
        assert_eq!(english("部署到AWS Lambda（2018年）"), "部署 署到 aws lambda 2018 年");
        assert_eq!(english("परिस्थिति"), "परिस्थिति");
    }

    /// What a question and a document may have in common, however each of them writes it.
    #[test]
    fn questions_meet_documents() {
        for (document, question) in [
            ("fn max_tokens()", "maxTokens"),
            ("HTTPServer", "http server"),
            ("http_server", "HTTPServer"),
            ("revenue in FY2018", "2018"),
            ("revenue in FY18", "2018"),
            ("1,000 items", "1000"),
            ("pre-training", "pretraining"),
            ("Vec<String>", "string"),
            ("see src/main.rs", "main"),
            ("東京都庁", "京都庁"),
        ] {
            let found: BTreeSet<String> = english(document).split(' ').map(str::to_owned).collect();
            let asked = for_question(question, Language::ENGLISH);
            assert!(
                asked.split(' ').any(|word| found.contains(word)),
                "{document} {question}"
            );
        }
    }

    fn is_a_word(word: &str) -> bool {
        let number = word.contains('.') && word.chars().all(|c| c.is_ascii_digit() || c == '.');
        let letters = word.chars().all(|c| c.is_alphanumeric() || is_combining_mark(c));
        !word.is_empty() && (letters || number) && !word.chars().any(|c| c.is_ascii_uppercase())
    }

    proptest! {
        #[test]
        fn any_text_gives_plain_words(text in "(\\PC|[\0-\u{7f}]|[a-zA-Z0-9_.,:/-]|[あ-ん가-힣一-龥ก-๛]){0,80}") {
            for language in [Language::ENGLISH, Language::SIMPLE, language_of(&text)] {
                let words = for_index(&text, language);
                prop_assert!(words.is_empty() || words.split(' ').all(is_a_word), "{:?}", words);
                prop_assert_eq!(&words, &for_question(&text, language));
                prop_assert!(words.split(' ').all(|word| word.len() < 2_000));
            }
        }

        /// What stands elsewhere changes nothing: a question's words are found in any document that has them.
        #[test]
        fn texts_are_independent(one in "[a-zA-Z0-9_.,:/ é東京-]{0,40}", other in "[a-zA-Z0-9_.,:/ é東京-]{0,40}") {
            let both = english(&[one.as_str(), other.as_str()].join(" ; "));
            let apart = [english(&one), english(&other)];
            let apart: Vec<&str> = apart.iter().map(String::as_str).filter(|words| !words.is_empty()).collect();
            prop_assert_eq!(both, apart.join(" "));
        }

        #[test]
        fn every_plain_word_stays(words in proptest::collection::vec("[a-z]{1,20}|[0-9]{1,9}", 0..20)) {
            prop_assert_eq!(english(&words.join(" ")), words.join(" "));
        }

        #[test]
        fn the_output_is_in_proportion_to_the_text(text in "[a-zA-Z0-9_.:-]{0,400}") {
            prop_assert!(english(&text).len() <= 5 * text.len() + 8);
        }
    }
}
