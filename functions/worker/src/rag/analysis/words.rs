//! The words of the output, in the one form in which they are compared.

use unicode_normalization::UnicodeNormalization;

use super::Language;

/// Longer words are cut to this many characters: a name or a checksum is shorter, and what is longer is no word.
pub(super) const LONGEST_WORD: usize = 64;

/// Collects words.
pub(super) struct Words {
    language: Language,
    text: String,
}

impl Words {
    pub(super) fn new(language: Language, capacity: usize) -> Self {
        Self {
            language,
            text: String::with_capacity(capacity),
        }
    }

    pub(super) fn language(&self) -> Language {
        self.language
    }

    pub(super) fn push(&mut self, word: &str) {
        if word.is_ascii() {
            self.write(&word[..word.len().min(LONGEST_WORD)].to_ascii_lowercase());
        } else {
            let lower = word.chars().take(LONGEST_WORD).collect::<String>().to_lowercase();
            self.write(&self.folded(&lower));
        }
    }

    fn write(&mut self, word: &str) {
        if word.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(word);
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    /// English writes foreign names with and without their accents. To other languages an accent makes another word.
    fn folded(&self, lower: &str) -> String {
        if self.language == Language::ENGLISH {
            let mut letter = ' ';
            let is_latin_accent = |c: char| {
                let accent = matches!(c, '\u{300}'..='\u{36f}');
                letter = if accent { letter } else { c };
                accent && letter.is_ascii_lowercase()
            };
            lower.nfd().filter(without(is_latin_accent)).nfc().collect()
        } else {
            // The small form of the Turkish capital i has a second dot, which no keyboard writes.
            lower.replace("i\u{307}", "i")
        }
    }
}

fn without(mut unwanted: impl FnMut(char) -> bool) -> impl FnMut(&char) -> bool {
    move |c| !unwanted(*c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(word: &str, language: &str) -> String {
        let mut words = Words::new(Language::from_configuration(language).unwrap(), 0);
        words.push(word);
        words.finish()
    }

    #[test]
    fn words_are_brought_to_one_form() {
        for (word, language, expected) in [
            ("API", "english", "api"),
            ("Café", "english", "cafe"),
            ("Café", "french", "café"),
            ("Müller", "english", "muller"),
            ("Müller", "german", "müller"),
            ("Файл", "english", "файл"),
            ("İstanbul", "turkish", "istanbul"),
            ("ΟΔΟΣ", "greek", "οδος"),
            ("ЁЛКА", "russian", "ёлка"),
        ] {
            assert_eq!(pushed(word, language), expected);
        }
    }

    #[test]
    fn long_words_are_cut_between_characters() {
        assert_eq!(pushed(&"A".repeat(100), "simple"), "a".repeat(LONGEST_WORD));
        assert_eq!(pushed(&"Ü".repeat(100), "simple"), "ü".repeat(LONGEST_WORD));
    }
}
