//! Takes out of an answer whatever could make a reader's program load or open something that is not a source of it.
//!
//! A document can order a model to hide what it was shown in the address of a picture or a link. So an answer has no
//! pictures and no HTML, and a link only to a host that a retrieved passage's document came from. Everything else that
//! some program might take for a link stays readable and is none: `https[:]//elsewhere[.]example/page`.
//!
//! Programs disagree about what Markdown is, and some link what no Markdown would. So the links that the parser finds are
//! replaced by their texts first, and then no rule asks what is a link, code or a comment: what looks like an address or
//! like markup is disarmed wherever it stands.

mod addresses;
mod hosts;
mod links;
mod markup;

use shared::domain::Passage;
use shared::domain::visible::visible;

use hosts::Hosts;

/// More than any text was seen to need; the bound is only there so that none could take for ever.
const ROUNDS: usize = 16;

/// The text with no links but to the hosts of the passages' sources, no pictures, no HTML and nothing invisible.
/// Cleaning a clean text changes nothing.
#[must_use]
pub fn clean(text: &str, passages: &[Passage]) -> String {
    let hosts = Hosts::of(passages);
    let mut text = visible(text);
    // What is disarmed can leave something beside it that looks like an address by itself.
    for _ in 0..ROUNDS {
        let cleaner = once(&text, &hosts);
        if cleaner == text {
            break;
        }
        text = cleaner;
    }
    text
}

fn once(text: &str, hosts: &Hosts) -> String {
    let text = links::unwrapped(text, hosts);
    let text = addresses::disarmed(&text, hosts);
    markup::disarmed(&text, hosts)
}

#[cfg(test)]
mod tests;
