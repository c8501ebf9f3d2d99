//! From passages to what the judgments speak of. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use shared::domain::DocumentId;

use crate::collection::{Collection, Judgments, Span};
use crate::ingest::{Ingested, Stored};
use crate::measures::{Relevant, Unit};

/// A passage that was found: its document and its first character in it.
pub type Hit = (DocumentId, usize);

/// The units of an ingested collection, and which of them are relevant.
pub struct Units {
    of_passage: HashMap<Hit, Unit>,
    relevant: HashMap<String, Relevant>,
}

impl Units {
    /// Numbers the units: the items of the corpus; or, judged by spans, every passage.
    #[must_use]
    pub fn new(collection: &Collection, ingested: &Ingested) -> Self {
        match &collection.judgments {
            Judgments::Items(judged) => items(collection, ingested, judged),
            Judgments::Spans(judged) => passages(collection, ingested, judged),
        }
    }

    /// What is relevant to a question; `None` if nobody has said.
    #[must_use]
    pub fn relevant_to(&self, question: &str) -> Option<&Relevant> {
        self.relevant.get(question)
    }

    /// The units in the order of their best passages.
    #[must_use]
    pub fn ranking(&self, hits: impl IntoIterator<Item = Hit>) -> Vec<Unit> {
        let mut seen = HashSet::new();
        hits.into_iter()
            .filter_map(|hit| self.of_passage.get(&hit).copied())
            .filter(|unit| seen.insert(*unit))
            .collect()
    }
}

fn items(collection: &Collection, ingested: &Ingested, judged: &HashMap<String, BTreeMap<String, u32>>) -> Units {
    let mut numbers: HashMap<&str, Unit> = HashMap::new();
    let mut of_passage = HashMap::new();
    for (document, stored) in collection.documents.iter().zip(&ingested.documents) {
        for passage in &stored.passages {
            let next = numbers.len();
            let unit = *numbers.entry(&document.parts[passage.part].item).or_insert(next);
            of_passage.insert((stored.id, passage.start), unit);
        }
    }
    // An item that is judged relevant and is not in the corpus cannot be found, and counts as missed.
    let unknown = numbers.len();
    let relevant = judged.iter().map(|(question, grades)| {
        let units = grades
            .iter()
            .enumerate()
            .map(|(index, (item, grade))| (numbers.get(item.as_str()).copied().unwrap_or(unknown + index), *grade));
        (question.clone(), units.collect())
    });
    Units {
        relevant: relevant.collect(),
        of_passage,
    }
}

fn passages(collection: &Collection, ingested: &Ingested, judged: &HashMap<String, Vec<Span>>) -> Units {
    let mut firsts: HashMap<&str, (Unit, &Stored)> = HashMap::new();
    let mut of_passage = HashMap::new();
    for (document, stored) in collection.documents.iter().zip(&ingested.documents) {
        firsts.insert(&document.id, (of_passage.len(), stored));
        for passage in &stored.passages {
            let unit = of_passage.len();
            of_passage.insert((stored.id, passage.start), unit);
        }
    }
    let all = of_passage.len();
    let mut relevant = HashMap::new();
    for (question, spans) in judged {
        let mut units = Relevant::new();
        for (index, span) in spans.iter().enumerate() {
            let answering: Vec<Unit> = firsts
                .get(span.document.as_str())
                .map_or_else(Vec::new, |(first, stored)| {
                    answering(stored, &span.place).map(|place| first + place).collect()
                });
            // A place that was cut into pieces too small to answer counts as missed.
            let missed = answering.is_empty().then_some(all + index);
            units.extend(answering.into_iter().chain(missed).map(|unit| (unit, 1)));
        }
        relevant.insert(question.clone(), units);
    }
    Units { of_passage, relevant }
}

/// The passages that hold at least half of a place.
fn answering(stored: &Stored, place: &Range<usize>) -> impl Iterator<Item = usize> {
    let holds = |start: usize, end: usize| 2 * end.min(place.end).saturating_sub(start.max(place.start)) >= place.len();
    stored
        .passages
        .iter()
        .enumerate()
        .filter(move |(_, passage)| holds(passage.start, passage.end))
        .map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use shared::domain::{MediaType, UserId};

    use super::*;
    use crate::collection::{Document, Part};
    use crate::ingest::StoredPassage;

    /// Two documents; the first of two parts with three passages, the second of one with one.
    fn collection(judgments: Judgments) -> (Collection, Ingested) {
        let part = |item: &str| Part {
            item: item.to_owned(),
            heading: String::new(),
            text: String::new(),
        };
        let document = |id: &str, parts| Document {
            id: id.to_owned(),
            title: String::new(),
            media: MediaType::PlainText,
            parts,
        };
        let passage = |part, start, end| StoredPassage { part, start, end };
        let stored = |passages| Stored {
            id: DocumentId::new(),
            passages,
        };
        let collection = Collection {
            name: "c".to_owned(),
            documents: vec![
                document("a", vec![part("a#1"), part("a#2")]),
                document("b", vec![part("b")]),
            ],
            questions: Vec::new(),
            judgments,
        };
        let ingested = Ingested {
            owner: UserId::new(),
            documents: vec![
                stored(vec![passage(0, 0, 10), passage(1, 12, 20), passage(1, 20, 30)]),
                stored(vec![passage(0, 0, 10)]),
            ],
        };
        (collection, ingested)
    }

    #[test]
    fn an_item_stands_where_its_best_passage_does() {
        let grades = BTreeMap::from([("a#2".to_owned(), 2), ("gone".to_owned(), 1)]);
        let (collection, ingested) = collection(Judgments::Items(HashMap::from([("q".to_owned(), grades)])));
        let units = Units::new(&collection, &ingested);
        let [a, b] = [ingested.documents[0].id, ingested.documents[1].id];
        assert_eq!(units.ranking([(b, 0), (a, 20), (a, 0), (a, 12)]), [2, 1, 0]);
        let relevant = units.relevant_to("q").unwrap();
        assert_eq!(relevant.get(&1), Some(&2));
        assert_eq!(relevant.len(), 2, "an unknown item still counts as missed");
        assert!(units.relevant_to("other").is_none());
    }

    #[test]
    fn a_passage_answers_if_it_holds_half_of_the_place() {
        let span = |document: &str, place| Span {
            document: document.to_owned(),
            place,
        };
        let judged = [
            // Eight characters, four of them in each of two passages.
            ("halves", vec![span("a", 16..24)]),
            // Ten characters; only the second passage has five of them or more.
            ("one", vec![span("a", 18..28)]),
            // No passage has half of it; the other place is in the second document.
            ("none", vec![span("a", 0..30), span("b", 2..4)]),
        ];
        let judged = judged
            .into_iter()
            .map(|(question, spans)| (question.to_owned(), spans))
            .collect();
        let (collection, ingested) = collection(Judgments::Spans(judged));
        let units = Units::new(&collection, &ingested);
        let relevant = |question| units.relevant_to(question).unwrap().keys().copied().collect::<Vec<_>>();
        assert_eq!(relevant("halves"), [1, 2]);
        assert_eq!(relevant("one"), [2]);
        assert_eq!(relevant("none"), [3, 4]);
        assert_eq!(units.ranking([(ingested.documents[1].id, 0)]), [3]);
    }
}
