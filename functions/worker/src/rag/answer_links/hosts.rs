//! Which hosts an answer may link to, and what of a text names one.

use std::collections::BTreeSet;

use shared::domain::Passage;
use url::{Host, Url};

/// The hosts of the sources that an answer was made from.
pub(super) struct Hosts(BTreeSet<String>);

impl Hosts {
    /// Those of the passages' documents, each spelt as a browser spells it.
    pub(super) fn of(passages: &[Passage]) -> Self {
        let addresses = passages.iter().filter_map(|passage| passage.source_url.as_deref());
        Self(addresses.filter_map(host).collect())
    }

    /// The host and port at the beginning of `text`, in bytes, if they are one of the sources'. `text` begins after the
    /// two slashes. Only plain letters, digits, dots and hyphens name a host here: no name of a user, no escapes. What
    /// follows must be what ends a host in every program, for some go on where others stop.
    pub(super) fn known(&self, text: &str) -> Option<usize> {
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | ':');
        let whole = text.find(|c| !is_plain(c)).unwrap_or(text.len());
        let name = text[..whole].trim_end_matches(['.', '-', ':']);
        let is_end = if name.len() < whole {
            is_punctuation_before_space(&text[name.len()..])
        } else {
            text[whole..].starts_with(['/', '?', '#', '<', '>', '|']) || is_punctuation_before_space(&text[whole..])
        };
        let host = host(&format!("https://{name}/"))?;
        (is_end && self.0.contains(&host)).then_some(name.len())
    }

    /// Whether the whole text is an absolute address at one of these hosts.
    pub(super) fn link(&self, address: &str) -> bool {
        after_scheme(address).is_some_and(|rest| self.known(rest).is_some())
    }
}

/// What follows `http://` or `https://`, if the text begins so.
pub(super) fn after_scheme(text: &str) -> Option<&str> {
    ["https://", "http://"].into_iter().find_map(|scheme| {
        let start = text.get(..scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then(|| &text[scheme.len()..])
    })
}

/// By the rules of the WHATWG, as browsers do: `None` without a name that could be a source's.
fn host(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    match url.host()? {
        Host::Domain(name) => Some(name.to_owned()),
        Host::Ipv4(address) => Some(address.to_string()),
        Host::Ipv6(_) => None,
    }
}

/// The end of a sentence, or of the text.
fn is_punctuation_before_space(text: &str) -> bool {
    let after = text.trim_start_matches([
        '.', ',', ';', ':', '!', '?', ')', '"', '\'', '*', '_', '`', '~', ']', '-',
    ]);
    after.is_empty() || after.starts_with(char::is_whitespace)
}
