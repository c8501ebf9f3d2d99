//! How many passages a model is shown.

use shared::domain::Passage;

/// A token has about four bytes of English and about three of a Chinese character or of a word in code. Three is on the
/// safe side of both: the budget is about money and attention, so nobody has to know it exactly.
const BYTES_PER_TOKEN: usize = 3;

/// The passages from the best on that fit the budget together; the first always does. A long one that does not fit ends
/// the list: what comes after it is worse, and a shorter one is no better for being shorter.
#[must_use]
pub fn fit(mut passages: Vec<Passage>, tokens: usize) -> Vec<Passage> {
    let mut used = 0;
    let fitting = passages.iter().take_while(|passage| {
        used += estimate(passage);
        used <= tokens
    });
    let count = fitting.count().max(1);
    passages.truncate(count);
    passages
}

fn estimate(passage: &Passage) -> usize {
    let Passage {
        title, heading, text, ..
    } = passage;
    (title.len() + heading.len() + text.len()).div_ceil(BYTES_PER_TOKEN)
}

#[cfg(test)]
mod tests {
    use shared::domain::{DocumentId, PassageId};

    use super::*;

    fn passages(lengths: &[usize]) -> Vec<Passage> {
        let passage = |&length: &usize| Passage {
            id: PassageId::new(),
            document_id: DocumentId::new(),
            title: String::new(),
            source_url: None,
            heading: String::new(),
            text: "x".repeat(length),
            start: 0,
            page: None,
        };
        lengths.iter().map(passage).collect()
    }

    #[test]
    fn the_best_come_first_until_the_budget_is_used() {
        let lengths = |tokens| {
            let kept = fit(passages(&[300, 300, 900, 3]), tokens);
            kept.iter().map(|passage| passage.text.len()).collect::<Vec<_>>()
        };
        assert_eq!(lengths(1_000), [300, 300, 900, 3]);
        assert_eq!(lengths(501), [300, 300, 900, 3]);
        assert_eq!(lengths(500), [300, 300, 900]);
        assert_eq!(lengths(499), [300, 300]);
        assert_eq!(lengths(10), [300], "something has to be shown");
        assert!(fit(Vec::new(), 10).is_empty());
    }
}
