//! The question a user asks.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use super::Invalid;
use super::text::parse_line;

/// A question of 1 to 1000 characters, trimmed and free of control characters.
#[derive(Clone, PartialEq, Eq)]
pub struct QuestionText(String);

impl QuestionText {
    /// The longest question that is accepted, in characters after trimming.
    pub const MAX_CHARACTERS: usize = 1000;

    /// Parses what a user typed.
    ///
    /// # Errors
    /// [`Invalid`] if it is empty, too long, or carries control characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        parse_line(text, Self::MAX_CHARACTERS).map(Self)
    }

    /// The question as it was asked.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The spelling under which equal questions meet: Unicode NFKC, lower case, white space collapsed.
    ///
    /// Lower-casing can undo the normal form (and the other way round), so the form is taken last.
    #[must_use]
    pub fn normalised(&self) -> String {
        let folded: String = self.0.nfkc().collect::<String>().to_lowercase().nfkc().collect();
        folded.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// Question text never reaches a log: only its length is shown.
impl fmt::Debug for QuestionText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QuestionText({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn length_is_counted_in_characters_after_trimming() {
        assert!(QuestionText::parse(&format!("  {}  ", "ä".repeat(1000))).is_ok());
        assert!(QuestionText::parse(&"ä".repeat(1001)).is_err());
        assert!(QuestionText::parse(" \n ").is_err());
    }

    #[test]
    fn control_characters_are_refused_but_line_breaks_are_not() {
        assert!(QuestionText::parse("what\0?").is_err());
        assert!(QuestionText::parse("what\u{1b}[31m?").is_err());
        assert!(QuestionText::parse("what\nis it?").is_ok());
    }

    #[test]
    fn spelling_case_and_white_space_do_not_make_another_question() {
        let asked = |text| QuestionText::parse(text).unwrap().normalised();
        assert_eq!(asked("What  is\n a LEASE?"), asked("what is a lease?"));
        assert_eq!(asked("ﬁle Å"), asked("file A\u{30a}"));
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC{1,60}") {
            if let Ok(question) = QuestionText::parse(&text) {
                let once = question.normalised();
                if let Ok(again) = QuestionText::parse(&once) {
                    prop_assert_eq!(again.normalised(), once);
                }
            }
        }
    }
}
