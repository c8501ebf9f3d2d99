//! Disarms what is left of markup, whatever stands around it: a space keeps its signs apart.

use super::hosts::Hosts;

/// The text in which nothing opens an HTML element, stands for another character, is a picture, names an address for a
/// link elsewhere, or is a link, except to these hosts.
pub(super) fn disarmed(text: &str, hosts: &Hosts) -> String {
    let mut safe = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let after = &text[at + c.len_utf8()..];
        safe.push(c);
        let joins = match c {
            '<' => after.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')),
            '&' => is_entity(after),
            '!' => after.starts_with('['),
            ']' => after.starts_with(':') || (after.starts_with('(') && !hosts.link(target(&after[1..]))),
            _ => false,
        };
        if joins {
            safe.push(' ');
        }
    }
    safe
}

/// What a link would lead to: up to the bracket that closes it, so that the host ends there.
fn target(after_bracket: &str) -> &str {
    &after_bracket[..after_bracket.find(')').unwrap_or(after_bracket.len())]
}

/// `&amp;`, `&#58;`, and those that some programs read without the semicolon at their end.
fn is_entity(after: &str) -> bool {
    let name = after.len() - after.trim_start_matches(|c: char| c.is_ascii_alphanumeric()).len();
    after.starts_with('#') || (name > 0 && after[name..].starts_with(';'))
}
