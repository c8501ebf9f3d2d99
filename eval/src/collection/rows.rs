//! The rows of a collection's files, as they stand there.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// `corpus.jsonl`: a thing that can be relevant.
#[derive(Debug, Deserialize)]
pub(super) struct CorpusRow {
    pub(super) id: String,
    #[serde(default)]
    pub(super) title: String,
    pub(super) text: String,
}

/// `queries.jsonl`: a question.
#[derive(Debug, Deserialize)]
pub(super) struct QueryRow {
    pub(super) id: String,
    pub(super) text: String,
    /// Whether the documents hold an answer.
    pub(super) answerable: Option<bool>,
    /// What a right answer may say.
    #[serde(default)]
    pub(super) answers: Vec<String>,
}

/// `docs.jsonl`: a whole document, or the file it is in.
#[derive(Debug, Deserialize)]
pub(super) struct DocumentRow {
    pub(super) id: String,
    #[serde(default)]
    pub(super) title: String,
    pub(super) text: Option<String>,
    /// Relative to the collection's folder.
    pub(super) file: Option<PathBuf>,
}

/// `spans.jsonl`: where in a document a question is answered.
#[derive(Debug, Deserialize)]
pub(super) struct SpanRow {
    pub(super) query: String,
    pub(super) doc: String,
    #[serde(flatten)]
    pub(super) place: PlaceRow,
}

/// A place by its characters, or by its words.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum PlaceRow {
    Characters { start: usize, end: usize },
    Words { quote: String },
}

/// `qrels.tsv`: how relevant an item is to a question.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct JudgmentRow {
    pub(super) query: String,
    pub(super) item: String,
    pub(super) grade: i32,
}

/// Reads a file with one JSON object a line.
///
/// # Errors
/// Names the file and the line.
pub(super) fn json_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    lines(path, |line| serde_json::from_str(line).context("no such object"))
}

/// Reads judgments: tab-separated, the first line is a header.
///
/// # Errors
/// Names the file and the line.
pub(super) fn judgments(path: &Path) -> Result<Vec<JudgmentRow>> {
    let rows = lines(path, |line| Ok(line.to_owned()))?;
    rows.iter()
        .skip(1)
        .map(|line| judgment(line).with_context(|| format!("{}: {line:?} is no judgment", path.display())))
        .collect()
}

/// `query, item, grade`, or with the unused second column of `trec_eval`.
fn judgment(line: &str) -> Option<JudgmentRow> {
    let columns: Vec<&str> = line.split('\t').collect();
    let (query, item, grade) = match columns[..] {
        [query, item, grade] | [query, _, item, grade] => (query, item, grade),
        _ => return None,
    };
    Some(JudgmentRow {
        query: query.to_owned(),
        item: item.to_owned(),
        grade: grade.trim().parse().ok()?,
    })
}

fn lines<T>(path: &Path, parse: impl Fn(&str) -> Result<T>) -> Result<Vec<T>> {
    let name = || format!("read {}", path.display());
    let file = BufReader::new(File::open(path).with_context(name)?);
    let mut rows = Vec::new();
    for (number, line) in (1..).zip(file.lines()) {
        let line = line.with_context(name)?;
        if !line.trim().is_empty() {
            rows.push(parse(&line).with_context(|| format!("{}, line {number}", path.display()))?);
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judgments_have_three_columns_or_four() {
        let expected = JudgmentRow {
            query: "q1".to_owned(),
            item: "a b#2".to_owned(),
            grade: 2,
        };
        assert_eq!(judgment("q1\ta b#2\t2").as_ref(), Some(&expected));
        assert_eq!(judgment("q1\t0\ta b#2\t2"), Some(expected));
        assert_eq!(judgment("q1 a 2"), None);
        assert_eq!(judgment("q1\ta\tmuch"), None);
    }

    #[test]
    fn a_span_is_given_by_characters_or_by_words() {
        let span = |text| serde_json::from_str::<SpanRow>(text).unwrap().place;
        assert!(matches!(
            span(r#"{"query":"1","doc":"a","start":3,"end":9}"#),
            PlaceRow::Characters { start: 3, end: 9 }
        ));
        assert!(matches!(
            span(r#"{"query":"1","doc":"a","quote":"three words here"}"#),
            PlaceRow::Words { quote } if quote == "three words here"
        ));
        assert!(serde_json::from_str::<SpanRow>(r#"{"query":"1","doc":"a"}"#).is_err());
    }
}
