//! Tables: rows of words, as opposed to those that only place things on the page.

use super::content::Main;
use super::markdown::cell;
use super::tree::{NodeId, Tree};

/// A table with one of these in a cell places things on the page.
const NOT_IN_CELLS: [&str; 9] = [
    "table",
    "h1",
    "h2",
    "h3",
    "h4",
    "article",
    "section",
    "pre",
    "blockquote",
];

/// Whether a table holds data.
pub(super) fn is_data(page: &Tree, table: NodeId) -> bool {
    let mut is_data = true;
    page.walk(table, |id| {
        is_data &= id == table || !NOT_IN_CELLS.contains(&page.name(id));
        is_data
    });
    is_data
}

/// The table as Markdown, without its caption; empty if it has no words.
pub(super) fn rows(page: &Tree, main: Main, table: NodeId) -> String {
    let mut lines = Vec::new();
    for row in below(page, table, &["tr"]) {
        let cells = below(page, row, &["td", "th"]);
        let cells: Vec<String> = cells
            .into_iter()
            .filter(|&id| main.includes(page, id))
            .map(|id| cell(page, main, id))
            .collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            lines.push(format!("| {} |", cells.join(" | ")));
            if lines.len() == 1 {
                lines.push(format!("|{}", "---|".repeat(cells.len())));
            }
        }
    }
    lines.join("\n")
}

/// The table's captions.
pub(super) fn captions(page: &Tree, table: NodeId) -> Vec<NodeId> {
    below(page, table, &["caption"])
}

fn below(page: &Tree, from: NodeId, names: &[&str]) -> Vec<NodeId> {
    let mut found = Vec::new();
    page.walk(from, |id| {
        let is_one = id != from && names.contains(&page.name(id));
        if is_one {
            found.push(id);
        }
        !is_one
    });
    found
}
