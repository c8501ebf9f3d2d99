//! Disarms addresses: of other hosts, and of schemes that are no host's.

use super::hosts::{Hosts, after_scheme};

/// What runs or shows something when it is opened, without two slashes.
const SCHEMES: [&str; 13] = [
    "http",
    "https",
    "ftp",
    "ws",
    "wss",
    "file",
    "javascript",
    "vbscript",
    "data",
    "blob",
    "mailto",
    "tel",
    "sms",
];

/// Endings of names that programs link without any scheme before them, if a path follows. They leave out `md`, `rs`,
/// `py`, `sh` and other endings that names of files have.
const ENDINGS: [&str; 34] = [
    "com", "net", "org", "edu", "gov", "info", "biz", "name", "pro", "shop", "dev", "app", "io", "co", "ai", "me",
    "xyz", "online", "site", "top", "link", "click", "example", "test", "invalid", "de", "uk", "fr", "eu", "ru", "cn",
    "in", "us", "ly",
];

/// The text in which no address is one that leads elsewhere: a colon and dots of it stand in brackets.
pub(super) fn disarmed(text: &str, hosts: &Hosts) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let (before, here) = (&text[..at], &text[at..]);
        let found = match c {
            ':' => after_colon(before, here, hosts),
            '/' | '\\' => after_slashes(before, here),
            'w' | 'W' => of_the_web(before, here, hosts),
            _ => None,
        };
        let found = found.or_else(|| name_with_path(before, here, hosts));
        match found {
            Some((length, replacement)) => {
                safe.push_str(&replacement);
                at += length;
            }
            None => {
                safe.push(c);
                at += c.len_utf8();
            }
        }
    }
    safe
}

/// How many bytes are replaced, and by what.
type Found = Option<(usize, String)>;

/// `scheme://host`, `scheme:\\host`, `https:host` and `javascript:code`; with backslashes wherever a program drops them.
fn after_colon(before: &str, here: &str, hosts: &Hosts) -> Found {
    let scheme = scheme(before);
    let slashes = here[1..].len() - here[1..].trim_start_matches(['/', '\\']).len();
    let rest = &here[1 + slashes..];
    let is_scheme = SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme));
    let leads_on = !rest.is_empty() && !rest.starts_with(char::is_whitespace);
    if !leads_on || (slashes < 2 && !is_scheme) {
        return None;
    }
    if let Some(length) = known(before, here, scheme, hosts) {
        return Some((length, here[..length].to_owned()));
    }
    let name = authority(rest);
    Some((
        1 + slashes + name.len(),
        format!("[:]{}{}", &here[1..=slashes], dotless(name)),
    ))
}

/// The colon, slashes and host of an address that may stay.
fn known(before: &str, here: &str, scheme: &str, hosts: &Hosts) -> Option<usize> {
    let start = before.len() - scheme.len();
    if !before.is_char_boundary(start) || &before[start..] != scheme {
        return None;
    }
    let address = format!("{scheme}{here}");
    let rest = after_scheme(&address)?;
    let in_link = before[..start].ends_with("](");
    // In a link, the bracket ends the address, whatever follows.
    let rest = if in_link {
        &rest[..rest.find(')').unwrap_or(rest.len())]
    } else {
        rest
    };
    hosts.known(rest).map(|length| "://".len() + length)
}

/// The word before a colon that could be a scheme.
fn scheme(before: &str) -> &str {
    let before = before.trim_end_matches('\\');
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-');
    &before[before.trim_end_matches(is_part).len()..]
}

/// `//host.example`, which goes where the page's own scheme goes.
fn after_slashes(before: &str, here: &str) -> Found {
    let slashes = here.len() - here.trim_start_matches(['/', '\\']).len();
    let name = authority(&here[slashes..]);
    let is_address = slashes >= 2 && !before.ends_with(['/', '\\']) && dots(name) > 0;
    is_address.then(|| (slashes + name.len(), format!("{}{}", &here[..slashes], dotless(name))))
}

/// `www.host.example`.
fn of_the_web(before: &str, here: &str, hosts: &Hosts) -> Found {
    let name = authority(here);
    let is_www = name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("www"));
    let is_address = is_www && begins_word(before) && name[3..].starts_with(['.', '\\']) && dots(name) > 0;
    if !is_address || hosts.known(here).is_some() {
        return None;
    }
    Some((name.len(), dotless(name)))
}

/// `host.example/path`.
fn name_with_path(before: &str, here: &str, hosts: &Hosts) -> Found {
    if !begins_word(before) || !here.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '\\');
    let name = &here[..here.find(|c| !is_part(c)).unwrap_or(here.len())];
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let port = here[name.len()..].strip_prefix(':').unwrap_or(&here[name.len()..]);
    let path = port.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_address =
        ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending)) && path.starts_with(['/', '?', '#']);
    if !is_address || hosts.known(here).is_some() {
        return None;
    }
    Some((name.len(), dotless(name)))
}

/// What comes after an address that was let through belongs to it and not to a name of its own.
fn begins_word(before: &str) -> bool {
    !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// Everything up to where the host ends for any program, the name of a user included.
fn authority(text: &str) -> &str {
    let ends = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '/' | '?' | '#' | '<' | '>' | '"' | '\'' | '(' | ')' | '[' | ']' | '|' | '`'
            )
    };
    &text[..text.find(ends).unwrap_or(text.len())]
}

fn dots(name: &str) -> usize {
    let inside = name.trim_matches(['.', '\\']);
    inside.matches(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']).count()
}

/// With its dots in brackets, also those that browsers take for one.
fn dotless(name: &str) -> String {
    let mut safe = String::with_capacity(name.len() * 2);
    for c in name.chars() {
        match c {
            '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}' => safe.push_str("[.]"),
            ':' => safe.push_str("[:]"),
            c => safe.push(c),
        }
    }
    safe
}
