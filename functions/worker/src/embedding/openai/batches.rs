//! Cuts many texts into calls.

/// The most characters of one call, well below the 120,000 tokens that the strictest service allows.
const MAX_CHARACTERS: usize = 100_000;

/// The texts in their order, in batches of at most `count` texts and [`MAX_CHARACTERS`]. A text that is longer than that
/// is a batch of its own: whether it is too long is for the service to say.
pub(super) fn batches(texts: &[String], count: usize) -> Vec<&[String]> {
    let mut batches = Vec::new();
    let (mut start, mut characters) = (0, 0);
    for (index, text) in texts.iter().enumerate() {
        let length = text.chars().count();
        if index > start && (index - start >= count || characters + length > MAX_CHARACTERS) {
            batches.push(&texts[start..index]);
            (start, characters) = (index, 0);
        }
        characters += length;
    }
    if start < texts.len() {
        batches.push(&texts[start..]);
    }
    batches
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sizes(lengths: &[usize], count: usize) -> Vec<usize> {
        let texts: Vec<String> = lengths.iter().map(|length| "ä".repeat(*length)).collect();
        batches(&texts, count).into_iter().map(<[String]>::len).collect()
    }

    #[test]
    fn a_batch_ends_at_its_count_and_at_its_characters() {
        assert_eq!(sizes(&[], 2), [0; 0]);
        assert_eq!(sizes(&[1, 1, 1, 1, 1], 2), [2, 2, 1]);
        assert_eq!(sizes(&[60_000, 40_000, 1], 10), [2, 1]);
        assert_eq!(sizes(&[1, 200_000, 1], 10), [1, 1, 1]);
        assert_eq!(sizes(&[200_000], 10), [1]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_the_order_stays(lengths in prop::collection::vec(0_usize..60_000, 0..40), count in 1_usize..9) {
            let texts: Vec<String> = lengths.iter().enumerate().map(|(i, length)| format!("{i} {}", "x".repeat(*length))).collect();
            let batches = batches(&texts, count);
            prop_assert_eq!(batches.concat(), texts.clone());
            for batch in batches {
                let characters: usize = batch.iter().map(String::len).sum();
                prop_assert!(!batch.is_empty() && batch.len() <= count);
                prop_assert!(batch.len() == 1 || characters <= MAX_CHARACTERS);
            }
        }
    }
}
