//! Finds a quotation in a text in which lines may be broken elsewhere. Pure.

use std::ops::Range;

/// Where the words of `quote` stand in `text`, in characters; white space of any length counts as one blank. `None` if
/// they do not, or more than once.
pub(super) fn find(text: &str, quote: &str) -> Option<Range<usize>> {
    let wanted: Vec<char> = collapsed(quote).map(|(_, c)| c).collect();
    let (places, characters): (Vec<usize>, Vec<char>) = collapsed(text).unzip();
    if wanted.is_empty() {
        return None;
    }
    let mut found = characters
        .windows(wanted.len())
        .enumerate()
        .filter(|(_, window)| *window == wanted)
        .map(|(index, _)| index);
    let first = found.next()?;
    if found.next().is_some() {
        return None;
    }
    Some(places[first]..places[first + wanted.len() - 1] + 1)
}

/// The characters with their places, every run of white space as one blank, none at the ends.
fn collapsed(text: &str) -> impl Iterator<Item = (usize, char)> {
    let end = text.trim_end().chars().count();
    let mut after_blank = true;
    text.chars().take(end).enumerate().filter_map(move |(place, c)| {
        let is_blank = c.is_whitespace();
        let keep = !(is_blank && after_blank);
        after_blank = is_blank;
        keep.then_some((place, if is_blank { ' ' } else { c }))
    })
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn a_quotation_is_found_across_line_breaks() {
        let text = "  Ä lease lasts\n30  seconds.\nA worker renews it.\n";
        let place = find(text, "lease lasts 30 seconds. A").unwrap();
        let found: String = text.chars().skip(place.start).take(place.len()).collect();
        assert_eq!(found, "lease lasts\n30  seconds.\nA");
    }

    #[test]
    fn what_is_not_there_or_not_unique_is_not_found() {
        assert_eq!(find("one two three", "two one"), None);
        assert_eq!(find("one two, one two", "one two"), None);
        assert_eq!(find("one", " "), None);
    }
}
