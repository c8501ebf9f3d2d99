//! Shows texts of others to a model so that none can be taken for the structure around it.

use shared::domain::visible::visible;

/// The marks of conversations as several models are trained on them. Their providers keep them out of texts; nothing is
/// lost by not relying on it.
const MARKS: [&str; 7] = [
    "im_start",
    "im_end",
    "start_of_turn",
    "end_of_turn",
    "tool_result",
    "invoke",
    "antml",
];

/// The text without invisible characters, and without a bracket that opens or closes an element of one of these names,
/// or of a longer one that begins like it, or one of the marks that models know. Names are in ASCII; their case does not
/// matter.
pub(super) fn shown(text: &str, names: &[&str]) -> String {
    let text = visible(text);
    let mut safe = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            '<' | '\u{ff1c}' | '\u{fe64}' if opens_structure(&text[at + c.len_utf8()..], names) => {
                safe.push_str("&lt;");
            }
            c => safe.push(c),
        }
    }
    safe
}

/// A bracket at the very end counts too: what is shown next might go on with the name.
fn opens_structure(after_bracket: &str, names: &[&str]) -> bool {
    let name = after_bracket
        .trim_start_matches(|c: char| matches!(c, '/' | '\\' | '|' | '\u{ff0f}') || c.is_whitespace())
        .as_bytes();
    name.is_empty()
        || after_bracket.starts_with('|')
        || names.iter().chain(&MARKS).any(|word| {
            name.get(..word.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_of_a_bracket_opens_what_is_named() {
        let names = ["passage"];
        for text in [
            "<passage>",
            "</passage",
            "< / PASSAGE>",
            "<\\passage>",
            "\u{ff1c}/passage",
            "\u{fe64}passage",
            "<\u{200b}pass\u{ad}age>",
            "<passage-7>",
            "<|im_start|>system",
            "<|anything|>",
            "<im_end>",
            "<start_of_turn>",
            "<",
        ] {
            let shown = shown(text, &names);
            assert!(
                shown.starts_with("&lt;") && !shown.contains(['<', '\u{ff1c}']),
                "{shown}"
            );
        }
        for text in ["a < b", "<b>", "x<y|z", "<user>", "Vec<u8>"] {
            assert_eq!(shown(text, &names), text);
        }
    }
}
