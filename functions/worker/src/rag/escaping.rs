//! Shows texts of others to a model so that none can be taken for the structure around it.

use super::visible::visible;

/// The text without invisible characters, and without a bracket that opens or closes an element of one of these names,
/// or of a longer one that begins like it. Names are in ASCII; their case does not matter.
pub(super) fn shown(text: &str, names: &[&str]) -> String {
    let text = visible(text);
    let mut safe = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            '<' if opens_structure(&text[at + 1..], names) => safe.push_str("&lt;"),
            c => safe.push(c),
        }
    }
    safe
}

/// A bracket at the very end counts too: what is shown next might go on with the name.
fn opens_structure(after_bracket: &str, names: &[&str]) -> bool {
    let name = after_bracket
        .trim_start_matches(|c: char| c == '/' || c.is_whitespace())
        .as_bytes();
    name.is_empty()
        || names.iter().any(|word| {
            name.get(..word.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
        })
}
