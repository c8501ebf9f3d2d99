//! Puts items that were cut from one document together again. Pure.

use std::collections::HashMap;

use shared::domain::{DocumentText, MediaType};

use super::rows::CorpusRow;
use super::{Document, Part};

/// What stands between two items of one document.
pub(super) const BETWEEN: &str = "\n\n";

/// The documents of a corpus, in the order of their first items; each item is a part of exactly one.
///
/// Items whose ids agree up to the last `#`, or up to `_chunk_<number>`, are one document; an item that shares its
/// prefix with no other is a document of its own. An item without text is its title. One with neither is left out.
/// `titles` has the documents' own titles, by id.
pub(super) fn documents(rows: Vec<CorpusRow>, titles: &HashMap<String, String>) -> Vec<Document> {
    let mut shared: HashMap<String, usize> = HashMap::new();
    for row in &rows {
        if let Some(prefix) = prefix(&row.id) {
            *shared.entry(prefix.to_owned()).or_default() += 1;
        }
    }
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<(String, Vec<CorpusRow>)> = Vec::new();
    for row in rows.into_iter().filter_map(with_text) {
        let id = prefix(&row.id)
            .filter(|prefix| shared.get(*prefix).is_some_and(|count| *count > 1))
            .unwrap_or(&row.id)
            .to_owned();
        match places.get(&id) {
            Some(&place) if size(&groups[place].1) + row.text.len() <= DocumentText::MAX_BYTES => {
                groups[place].1.push(row);
            }
            // A document of which there was none yet; or the rest of one that is larger than Docent accepts.
            _ => {
                places.insert(id.clone(), groups.len());
                groups.push((id, vec![row]));
            }
        }
    }
    groups
        .into_iter()
        .map(|(id, items)| {
            let title = titles.get(&id).cloned();
            document(id, title, items)
        })
        .collect()
}

/// The part of an id that names the document, if it looks like that of an item.
fn prefix(id: &str) -> Option<&str> {
    let before_hash = id.rsplit_once('#').map(|(prefix, _)| prefix);
    let before_number = || {
        id.rsplit_once("_chunk_")
            .filter(|(_, number)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
            .map(|(prefix, _)| prefix)
    };
    before_hash.or_else(before_number).filter(|prefix| !prefix.is_empty())
}

fn with_text(mut row: CorpusRow) -> Option<CorpusRow> {
    if row.text.trim().is_empty() {
        row.text.clone_from(&row.title);
    }
    (!row.text.trim().is_empty()).then_some(row)
}

fn size(items: &[CorpusRow]) -> usize {
    items.iter().map(|item| item.text.len() + BETWEEN.len()).sum()
}

/// A title that all items have is the document's; titles of their own stand above the items, as headings do.
fn document(id: String, title: Option<String>, items: Vec<CorpusRow>) -> Document {
    let common = items
        .first()
        .map(|first| first.title.clone())
        .filter(|title| items.iter().all(|item| item.title == *title));
    let title = title.or_else(|| common.clone()).unwrap_or_default();
    let parts = items.into_iter().map(|item| Part {
        heading: if common.is_some() { String::new() } else { item.title },
        item: item.id,
        text: item.text,
    });
    Document {
        id,
        title,
        media: MediaType::PlainText,
        parts: parts.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, title: &str, text: &str) -> CorpusRow {
        CorpusRow {
            id: id.to_owned(),
            title: title.to_owned(),
            text: text.to_owned(),
        }
    }

    fn shape(rows: Vec<CorpusRow>) -> Vec<(String, String, Vec<String>)> {
        documents(rows, &HashMap::new())
            .into_iter()
            .map(|d| (d.id, d.title, d.parts.into_iter().map(|part| part.item).collect()))
            .collect()
    }

    fn expected(id: &str, title: &str, items: &[&str]) -> (String, String, Vec<String>) {
        let items = items.iter().map(|item| (*item).to_owned()).collect();
        (id.to_owned(), title.to_owned(), items)
    }

    #[test]
    fn items_of_one_document_meet_again() {
        let rows = vec![
            row("Rome#1", "Rome", "a"),
            row("doc_1_chunk_0", "", "b"),
            row("Rome#2", "Rome", "c"),
            row("doc_1_chunk_10", "", "d"),
            row("C#alone", "C", "e"),
            row("plain", "P", "f"),
        ];
        let documents = shape(rows);
        assert_eq!(
            documents,
            [
                expected("Rome", "Rome", &["Rome#1", "Rome#2"]),
                expected("doc_1", "", &["doc_1_chunk_0", "doc_1_chunk_10"]),
                expected("C#alone", "C", &["C#alone"]),
                expected("plain", "P", &["plain"]),
            ]
        );
    }

    #[test]
    fn titles_that_differ_are_headings() {
        let rows = vec![row("page#a", "Start", "x"), row("page#b", "Models", "y")];
        let titles = HashMap::from([("page".to_owned(), "The page".to_owned())]);
        let documents = documents(rows, &titles);
        assert_eq!((documents.len(), documents[0].title.as_str()), (1, "The page"));
        let headings: Vec<&str> = documents[0].parts.iter().map(|part| part.heading.as_str()).collect();
        assert_eq!(headings, ["Start", "Models"]);
    }

    #[test]
    fn an_item_without_text_is_its_title_and_one_with_neither_is_left_out() {
        let documents = documents(vec![row("1", "Only a title", " \n"), row("2", "", "")], &HashMap::new());
        assert_eq!(documents.len(), 1);
        assert_eq!(documents[0].parts[0].text, "Only a title");
    }

    #[test]
    fn a_document_larger_than_docent_accepts_becomes_several() {
        let half = "x".repeat(DocumentText::MAX_BYTES / 2);
        let rows = (0..3).map(|n| row(&format!("big#{n}"), "Big", &half)).collect();
        let documents = shape(rows);
        assert_eq!(documents.iter().map(|d| d.2.len()).collect::<Vec<_>>(), [1, 1, 1]);
    }
}
