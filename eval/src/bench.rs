//! How long a search takes in a large collection, and how much of the exact ranking it finds there.
//!
//! The documents are made of a collection's own sentences, mostly of one document each, so that words are as common and
//! go together as in real texts.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use shared::db::search::{self, Search, Tuning};
use shared::db::{Session, statistics};
use shared::domain::{CollectionScope, MediaType, PassageId, QuestionText, UserId};
use worker::indexing;

use crate::collection::{Collection, Document, Part};
use crate::database::PrivateDatabase;
use crate::ingest;
use crate::measures::real;
use crate::progress::Progress;
use crate::statistics::Latency;

/// About how long a document is, in characters: some ten passages.
const LENGTH: usize = 8_000;
/// One sentence of so many comes from somewhere else.
const FOREIGN: usize = 4;
/// How many questions are timed, and how many compared with the exact ranking, which takes long.
const TIMED: usize = 300;
const COMPARED: usize = 60;
/// How many passages of the two rankings are compared.
const DEPTH: i32 = 10;

/// One size.
#[derive(Debug)]
pub struct Row {
    /// How many passages there were.
    pub passages: i64,
    /// How long a search for the candidates of both legs' depth took.
    pub latency: Latency,
    /// The share of the ten best by the exact ranking that are among the ten best found.
    pub overlap: f64,
}

/// Grows a collection to each of the sizes, in ascending order, and measures at each.
///
/// # Errors
/// If the database cannot be filled or asked.
pub async fn run(server: &str, collection: &Collection, sizes: &[i64]) -> Result<Vec<Row>> {
    let database = PrivateDatabase::create(server).await?;
    let rows = in_database(&database, collection, sizes).await;
    database.drop().await?;
    rows
}

async fn in_database(database: &PrivateDatabase, collection: &Collection, sizes: &[i64]) -> Result<Vec<Row>> {
    let db = database.pool()?;
    let owner = ingest::register(&db).await?;
    let mut maker = Maker::of(collection)?;
    let mut rows = Vec::new();
    let mut passages = 0;
    for &size in sizes {
        let mut progress = Progress::new(&format!("ingest up to {size} passages"), usize::try_from(size)?);
        while passages < size {
            let stored = ingest::store(&db, owner, &maker.document()).await?;
            stored.passages.iter().for_each(|_| progress.step());
            passages += i64::try_from(stored.passages.len())?;
        }
        progress.end();
        let mut session = db.session().await?;
        while statistics::fold(&mut session, ingest::FOLDED_AT_ONCE).await? > 0 {}
        database.tidy().await?;
        rows.push(measure(&mut session, owner, collection, passages).await?);
    }
    Ok(rows)
}

async fn measure(db: &mut Session, asker: UserId, collection: &Collection, passages: i64) -> Result<Row> {
    let step = collection.questions.len().div_ceil(TIMED).max(1);
    let questions: Vec<&QuestionText> = collection.questions.iter().step_by(step).map(|q| &q.text).collect();
    let found = Tuning::default();
    let mut durations = Vec::new();
    // Twice: the first round is to warm up.
    for round in 0..2 {
        for question in &questions {
            let start = Instant::now();
            best(db, asker, question, found).await?;
            if round == 1 {
                durations.push(start.elapsed());
            }
        }
    }
    let exact = Tuning {
        exact_up_to: i32::MAX,
        ..found
    };
    let (mut same, mut all) = (0, 0);
    for question in questions.iter().step_by(questions.len().div_ceil(COMPARED).max(1)) {
        let expected = best(db, asker, question, exact).await?;
        same += best(db, asker, question, found).await?.intersection(&expected).count();
        all += expected.len();
    }
    Ok(Row {
        passages,
        latency: Latency::of(durations).context("no questions")?,
        overlap: real(same) / real(all.max(1)),
    })
}

/// The best passages by words.
async fn best(
    db: &mut Session,
    asker: UserId,
    question: &QuestionText,
    tuning: Tuning,
) -> Result<BTreeSet<uuid::Uuid>> {
    let search = Search {
        asker,
        scope: &CollectionScope::everything_readable_by(asker),
        questions: &indexing::questions(question),
        vector: None,
        limit: DEPTH,
        tuning,
    };
    let found = search::candidates(db, &search).await?;
    Ok(found
        .iter()
        .map(|candidate| PassageId::uuid(candidate.passage))
        .collect())
}

/// Makes documents.
struct Maker {
    sentences: Vec<Vec<String>>,
    random: Rng,
    made: usize,
}

impl Maker {
    fn of(collection: &Collection) -> Result<Self> {
        let sentences = |document: &Document| -> Vec<String> {
            let text = document.text();
            text.split_inclusive(['.', '!', '?', '\n']).map(str::to_owned).collect()
        };
        let sentences: Vec<Vec<String>> = collection
            .documents
            .iter()
            .map(sentences)
            .filter(|s| !s.is_empty())
            .collect();
        ensure!(!sentences.is_empty(), "the collection has no text");
        Ok(Self {
            sentences,
            // The same documents in every run.
            random: Rng::with_seed(1),
            made: 0,
        })
    }

    fn document(&mut self) -> Document {
        let own = self.made % self.sentences.len();
        self.made += 1;
        let mut text = String::new();
        while text.len() < LENGTH {
            let from = if self.random.usize(..FOREIGN) == 0 {
                self.random.usize(..self.sentences.len())
            } else {
                own
            };
            let sentences = &self.sentences[from];
            text += &sentences[self.random.usize(..sentences.len())];
            text.push(' ');
        }
        Document {
            id: self.made.to_string(),
            title: format!("Document {}", self.made),
            media: MediaType::PlainText,
            parts: vec![Part {
                item: self.made.to_string(),
                heading: String::new(),
                text,
            }],
        }
    }
}

/// A table.
#[must_use]
pub fn markdown(rows: &[Row]) -> String {
    let head = "| passages | p50 ms | p95 ms | p99 ms | overlap@10 with the exact ranking |\n|---|---|---|---|---|\n";
    let line = |row: &Row| {
        let Latency { p50, p95, p99 } = row.latency;
        format!(
            "| {} | {p50:.1} | {p95:.1} | {p99:.1} | {:.3} |\n",
            row.passages, row.overlap
        )
    };
    head.to_owned() + &rows.iter().map(line).collect::<String>()
}
