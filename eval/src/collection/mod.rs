//! A collection: documents, questions, and what is relevant to each question.
//!
//! In a folder: `corpus.jsonl` {id, title, text}, `queries.jsonl` {id, text}, `qrels.tsv` (query, item, grade; below a
//! header). Instead of corpus and judgments, or beside them, `docs.jsonl` {id, title, text | file} with `spans.jsonl`
//! {query, doc, start, end | quote}: whole documents and the places in them that answer, which judge any way of cutting
//! the documents. This is the format of BEIR with two small additions, so most public collections fit.

mod parents;
mod quotes;
mod rows;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail};
use shared::domain::{MediaType, QuestionText};

/// Documents with judged questions.
#[derive(Debug)]
pub struct Collection {
    /// The folder's name.
    pub name: String,
    /// What is searched.
    pub documents: Vec<Document>,
    /// What is asked, judged or not.
    pub questions: Vec<Question>,
    /// What is relevant.
    pub judgments: Judgments,
}

/// A document to be ingested.
#[derive(Debug)]
pub struct Document {
    /// Its name in the collection.
    pub id: String,
    /// Its title; empty if the collection knows none.
    pub title: String,
    /// How it is cut.
    pub media: MediaType,
    /// What it consists of, in order.
    pub parts: Vec<Part>,
}

/// A piece of a document that no passage crosses: an item of the corpus, or the whole text.
#[derive(Debug)]
pub struct Part {
    /// The item's id; the document's, if it is the whole text.
    pub item: String,
    /// What stands above it; empty if nothing does.
    pub heading: String,
    /// Its text.
    pub text: String,
}

/// A question.
#[derive(Debug)]
pub struct Question {
    /// Its name in the collection.
    pub id: String,
    /// What is asked.
    pub text: QuestionText,
    /// Whether the documents hold an answer, where somebody has judged that.
    pub answerable: Option<bool>,
    /// What a right answer may say, where the collection knows.
    pub answers: Vec<String>,
}

/// What is relevant to each question, by the question's id.
#[derive(Debug)]
pub enum Judgments {
    /// Items of the corpus with their grades.
    Items(HashMap<String, BTreeMap<String, u32>>),
    /// Places in the documents.
    Spans(HashMap<String, Vec<Span>>),
}

/// A place that answers a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The document's name in the collection.
    pub document: String,
    /// The characters.
    pub place: Range<usize>,
}

impl Collection {
    /// Reads a folder: by spans if that is wished or the only possibility, otherwise by items.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn load(folder: &Path, by_spans: bool) -> Result<Self> {
        let path = folder
            .canonicalize()
            .with_context(|| format!("find {}", folder.display()))?;
        let name = path.file_name().context("name the collection")?;
        let by_spans = by_spans || !path.join("corpus.jsonl").exists();
        let (documents, judgments) = if by_spans {
            with_spans(&path)?
        } else {
            with_items(&path)?
        };
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            documents,
            questions: questions(&path.join("queries.jsonl"))?,
            judgments,
        })
    }

    /// Whether a folder holds a corpus with judged questions.
    #[must_use]
    pub fn is_at(folder: &Path) -> bool {
        ["corpus.jsonl", "queries.jsonl", "qrels.tsv"]
            .iter()
            .all(|file| folder.join(file).is_file())
    }
}

impl Document {
    /// The text to be stored: the parts, a blank line between two of them.
    #[must_use]
    pub fn text(&self) -> String {
        let parts: Vec<&str> = self.parts.iter().map(|part| part.text.as_str()).collect();
        parts.join(parents::BETWEEN)
    }

    /// The parts with the character at which each starts in [`Self::text`].
    pub fn placed_parts(&self) -> impl Iterator<Item = (usize, &Part)> {
        let mut end = 0;
        self.parts.iter().map(move |part| {
            let start = end;
            end += part.text.chars().count() + parents::BETWEEN.len();
            (start, part)
        })
    }
}

fn with_items(folder: &Path) -> Result<(Vec<Document>, Judgments)> {
    let whole = folder.join("docs.jsonl");
    let titles = if whole.exists() {
        rows::json_lines::<rows::DocumentRow>(&whole)?
    } else {
        Vec::new()
    };
    let titles = titles
        .into_iter()
        .filter(|row| !row.title.is_empty())
        .map(|row| (row.id, row.title))
        .collect();
    let documents = parents::documents(rows::json_lines(&folder.join("corpus.jsonl"))?, &titles);
    let mut relevant: HashMap<String, BTreeMap<String, u32>> = HashMap::new();
    for row in rows::judgments(&folder.join("qrels.tsv"))? {
        // A grade of 0 or less says that somebody looked and found it not relevant.
        if let Some(grade) = u32::try_from(row.grade).ok().filter(|grade| *grade > 0) {
            relevant.entry(row.query).or_default().insert(row.item, grade);
        }
    }
    Ok((documents, Judgments::Items(relevant)))
}

fn with_spans(folder: &Path) -> Result<(Vec<Document>, Judgments)> {
    let documents: Vec<Document> = rows::json_lines(&folder.join("docs.jsonl"))?
        .into_iter()
        .map(|row| whole_document(folder, row))
        .collect::<Result<_>>()?;
    let texts: HashMap<&str, &Part> = documents
        .iter()
        .filter_map(|document| Some((document.id.as_str(), document.parts.first()?)))
        .collect();
    let mut relevant: HashMap<String, Vec<Span>> = HashMap::new();
    for row in rows::json_lines::<rows::SpanRow>(&folder.join("spans.jsonl"))? {
        let text = texts.get(row.doc.as_str()).map(|part| part.text.as_str());
        let text = text.with_context(|| format!("spans.jsonl names the unknown document {:?}", row.doc))?;
        let place = match row.place {
            rows::PlaceRow::Characters { start, end } => start..end,
            rows::PlaceRow::Words { quote } => quotes::find(text, &quote)
                .with_context(|| format!("the words {quote:?} do not stand exactly once in {}", row.doc))?,
        };
        if place.is_empty() || place.end > text.chars().count() {
            bail!("spans.jsonl: {place:?} is no place in {}", row.doc);
        }
        relevant.entry(row.query).or_default().push(Span {
            document: row.doc,
            place,
        });
    }
    Ok((documents, Judgments::Spans(relevant)))
}

fn whole_document(folder: &Path, row: rows::DocumentRow) -> Result<Document> {
    let (text, media) = match (row.text, &row.file) {
        (Some(text), _) => (text, MediaType::PlainText),
        (None, Some(file)) => {
            let path = folder.join(file);
            let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
            let is_markdown = path.extension().is_some_and(|extension| extension == "md");
            let media = if is_markdown {
                MediaType::Markdown
            } else {
                MediaType::PlainText
            };
            (text, media)
        }
        (None, None) => bail!("docs.jsonl: {} has neither text nor file", row.id),
    };
    let heading = || text.lines().find_map(|line| line.strip_prefix("# "));
    let title = match (row.title.is_empty(), media) {
        (true, MediaType::Markdown) => heading().unwrap_or_default().trim().to_owned(),
        _ => row.title,
    };
    Ok(Document {
        title,
        media,
        parts: vec![Part {
            item: row.id.clone(),
            heading: String::new(),
            text,
        }],
        id: row.id,
    })
}

fn questions(path: &Path) -> Result<Vec<Question>> {
    rows::json_lines::<rows::QueryRow>(path)?
        .into_iter()
        .map(|row| {
            let text = QuestionText::parse(&row.text)
                .with_context(|| format!("{}: the question {} cannot be asked", path.display(), row.id))?;
            Ok(Question {
                id: row.id,
                text,
                answerable: row.answerable,
                answers: row.answers,
            })
        })
        .collect()
}
