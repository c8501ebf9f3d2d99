//! Reads the main content of an HTML page as Markdown, so that its headings, lists, tables and code guide the cutting
//! into passages.

mod content;
mod encoding;
mod markdown;
mod table;
mod tree;

use shared::domain::Charset;

use super::{Text, Unreadable};

/// Reads the page.
pub(super) fn read(bytes: &[u8], charset: Option<Charset>) -> Result<Text, Unreadable> {
    let source = encoding::decode(bytes, charset)?;
    let page = tree::parse(&source)?;
    Text::of_one(&markdown::write(&page, content::main(&page)))
}

#[cfg(test)]
mod tests;
