//! Scripts that put no space between words: without a dictionary, every two neighbouring characters make a word.

use unicode_normalization::char::is_combining_mark;

/// A part of a word, by the way its script is written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Run<'text> {
    /// Words of a script with spaces between them.
    Spaced(&'text str),
    /// One or many words without a space.
    Unspaced(&'text str),
}

/// Chinese, Japanese, Korean, Thai, Lao, Burmese and Khmer. Korean puts spaces between phrases, not between words.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Burmese
        | '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}' // Hangul
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{318f}' | '\u{31a0}'..='\u{31ff}' // kana and marks of repetition
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Cuts a word where its script changes.
pub(super) fn runs(word: &str) -> impl Iterator<Item = Run<'_>> {
    let mut rest = word;
    std::iter::from_fn(move || {
        let unspaced = is_unspaced(rest.chars().next()?);
        let end = rest
            .find(|c| is_unspaced(c) != unspaced && !is_combining_mark(c))
            .unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        Some(if unspaced { Run::Unspaced(run) } else { Run::Spaced(run) })
    })
}

/// Every two neighbouring characters, or the only one. A mark stays with the character that bears it.
pub(super) fn bigrams(run: &str) -> impl Iterator<Item = &str> {
    let mut starts: Vec<usize> = run
        .char_indices()
        .filter(|(at, c)| *at == 0 || !is_combining_mark(*c))
        .map(|(at, _)| at)
        .collect();
    starts.push(run.len());
    let characters = starts.len() - 1;
    let width = characters.min(2);
    (0..=characters - width).map(move |first| &run[starts[first]..starts[first + width]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_characters_make_words() {
        for (run, expected) in [
            ("東", "東"),
            ("東京", "東京"),
            ("東京都庁", "東京 京都 都庁"),
            ("タワー", "タワ ワー"),
            ("서울에서", "서울 울에 에서"),
            // The marks above belong to the letters below them.
            ("ที่นี่", "ที่นี่"),
            ("", ""),
        ] {
            assert_eq!(bigrams(run).collect::<Vec<_>>().join(" "), expected);
        }
    }

    #[test]
    fn a_word_is_cut_where_the_script_changes() {
        let found: Vec<_> = runs("2018年のAPI仕様").collect();
        assert_eq!(
            found,
            [
                Run::Spaced("2018"),
                Run::Unspaced("年の"),
                Run::Spaced("API"),
                Run::Unspaced("仕様")
            ]
        );
        assert_eq!(runs("").count(), 0);
    }
}
