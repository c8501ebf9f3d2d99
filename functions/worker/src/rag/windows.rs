//! Cuts a document into stretches of bounded size.
//!
//! The splitter looks at all the text that is left for each chunk it makes, so its time grows with the square of a text
//! that has no boundaries: one megabyte of a single letter would keep a worker busy for minutes. Within a window it
//! cannot, and a window is long enough that a cut between two of them hardly ever shows.

/// Cuts a text into windows of at most `size` bytes (at least 8), which cover it without a gap: before a heading if
/// there is one in the second half of a window, else at the end of a paragraph, a line, a word, or where it must be.
pub(super) fn windows(text: &str, size: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (window, after) = rest.split_at(cut(rest, size));
        rest = after;
        (!window.is_empty()).then_some(window)
    })
}

fn cut(text: &str, size: usize) -> usize {
    if text.len() <= size {
        return text.len();
    }
    let end = text.floor_char_boundary(size);
    let half = text.floor_char_boundary(size / 2);
    let late = &text[half..end];
    let heading = late.rfind("\n#").map(|at| at + 1);
    let paragraph = || late.rfind("\n\n").map(|at| at + 2);
    let line = || late.rfind('\n').map(|at| at + 1);
    let word = || {
        late.char_indices()
            .rev()
            .find(|(_, c)| c.is_whitespace())
            .map(|(at, c)| at + c.len_utf8())
    };
    heading
        .or_else(paragraph)
        .or_else(line)
        .or_else(word)
        .map_or(end, |at| half + at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_best_boundary_in_reach_is_taken() {
        let cuts = |text| windows(text, 12).collect::<Vec<_>>();
        assert_eq!(cuts("12345678\n# A\nb"), ["12345678\n", "# A\nb"]);
        assert_eq!(cuts("1234567\n\n9\nabc"), ["1234567\n\n", "9\nabc"]);
        assert_eq!(cuts("1234567\n9 abcd"), ["1234567\n", "9 abcd"]);
        assert_eq!(cuts("1234567 9abcdef"), ["1234567 ", "9abcdef"]);
        assert_eq!(cuts("123456789abcdef"), ["123456789abc", "def"]);
        assert_eq!(cuts(""), Vec::<&str>::new());
    }

    proptest! {
        #[test]
        fn windows_cover_any_text_within_their_size(text in "[a日\u{1f600} #\n]{0,200}", size in 8_usize..64) {
            let all: Vec<&str> = windows(&text, size).collect();
            prop_assert!(all.iter().all(|window| !window.is_empty() && window.len() <= size));
            prop_assert_eq!(all.concat(), text);
        }
    }
}
