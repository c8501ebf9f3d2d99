//! BM25 as the textbook has it: every passage scored one by one, from the lexemes as they were stored.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Client;
use uuid::Uuid;

const K1: f64 = 1.2;
const B: f64 = 0.75;
const PARENT: f64 = 0.5;
const HEADER: f64 = 0.3;

/// How often each lexeme occurs.
type Counts = BTreeMap<String, f64>;

/// A passage as it was stored.
struct Passage {
    id: Uuid,
    document: Uuid,
    search: Counts,
    header: Counts,
}

/// All passages of some collections.
pub struct Reference {
    passages: Vec<Passage>,
    documents: BTreeMap<Uuid, Counts>,
}

impl Reference {
    pub async fn read(client: &Client, collections: &[Uuid]) -> Self {
        let rows = client
            .query(
                "SELECT passage_id, document_id,
                        (SELECT coalesce(jsonb_object_agg(lexeme, cardinality(positions)), '{}') FROM unnest(search)) AS search,
                        (SELECT coalesce(jsonb_object_agg(lexeme, cardinality(positions)), '{}') FROM unnest(header)) AS header
                 FROM passage_terms WHERE collection_id = ANY ($1)",
                &[&collections],
            )
            .await
            .unwrap();
        let counts = |value: serde_json::Value| serde_json::from_value::<Counts>(value).unwrap();
        let passages: Vec<Passage> = rows
            .iter()
            .map(|row| Passage {
                id: row.get("passage_id"),
                document: row.get("document_id"),
                search: counts(row.get("search")),
                header: counts(row.get("header")),
            })
            .collect();
        let documents = documents(&passages);
        Self { passages, documents }
    }

    /// The passages that have any of the lexemes, best first.
    pub fn rank(&self, asked: &BTreeSet<String>) -> Vec<(Uuid, f64)> {
        let searches: Vec<&Counts> = self.passages.iter().map(|passage| &passage.search).collect();
        let documents: Vec<&Counts> = self.documents.values().collect();
        let mut ranked: Vec<(Uuid, f64)> = self
            .passages
            .iter()
            .filter(|passage| asked.iter().any(|word| passage.search.contains_key(word)))
            .map(|passage| {
                let own = bm25(&passage.search, &searches, asked, B);
                let parent = bm25(&self.documents[&passage.document], &documents, asked, B);
                let header: f64 = asked
                    .iter()
                    .map(|word| idf(word, &searches) * saturation(&passage.header, word, K1))
                    .sum();
                (passage.id, own + PARENT * parent + HEADER * header)
            })
            .collect();
        ranked.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        ranked
    }
}

/// A document has the words of its passages' texts, and each title or heading once.
fn documents(passages: &[Passage]) -> BTreeMap<Uuid, Counts> {
    let mut documents: BTreeMap<Uuid, (Counts, Counts)> = BTreeMap::new();
    for passage in passages {
        let (texts, headers) = documents.entry(passage.document).or_default();
        for (word, n) in &passage.search {
            let in_header = passage.header.get(word).copied().unwrap_or_default();
            *texts.entry(word.clone()).or_default() += n - in_header;
            let most = headers.entry(word.clone()).or_default();
            *most = most.max(in_header);
        }
    }
    let sum = |(texts, headers): (Counts, Counts)| {
        texts
            .into_iter()
            .map(|(word, n)| {
                let total = n + headers[&word];
                (word, total)
            })
            .collect()
    };
    documents
        .into_iter()
        .map(|(document, counts)| (document, sum(counts)))
        .collect()
}

fn bm25(counts: &Counts, all: &[&Counts], asked: &BTreeSet<String>, b: f64) -> f64 {
    let average = all.iter().map(|counts| length(counts)).sum::<f64>() / all.len() as f64;
    let k = K1 * (1.0 - b + b * length(counts) / average);
    asked
        .iter()
        .map(|word| idf(word, all) * saturation(counts, word, k))
        .sum()
}

fn saturation(counts: &Counts, word: &str, k: f64) -> f64 {
    counts.get(word).map_or(0.0, |n| n / (n + k))
}

fn idf(word: &str, all: &[&Counts]) -> f64 {
    let found = all.iter().filter(|counts| counts.contains_key(word)).count() as f64;
    (1.0 + (all.len() as f64 - found + 0.5) / (found + 0.5)).ln()
}

fn length(counts: &Counts) -> f64 {
    counts.values().sum()
}
