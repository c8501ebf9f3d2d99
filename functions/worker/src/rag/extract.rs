//! Answers without a model: quotes the sentences that say most about the question, or says that nothing does.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use shared::domain::{Passage, QuestionText, Usage};

use super::blocks::Kind;
use super::citations::NOTHING_FOUND;
use super::draft::{Draft, Quote};
use super::sentences::sentences;
use super::words::content_words;
use shared::domain::visible::visible;

/// The name under which these answers go.
pub const MODEL: &str = "extractive";

/// The most sentences an answer is made of.
const MOST_SENTENCES: usize = 3;

/// The least [`coverage`] of an answer.
pub const LEAST_COVERAGE: f64 = 0.4;

/// What a word counts that does not stand in the sentence itself, but above it or just before it.
const NEARBY: f64 = 0.5;

/// How much more a sentence with a number counts if the question asks for one.
const NUMBER_WANTED: f64 = 1.25;

/// Beginnings of questions for a number.
const FOR_A_NUMBER: [&str; 6] = ["how many", "how much", "how long", "how often", "how large", "how big"];

/// What is a number besides digits.
const NUMBERS: &str = "two three four five six seven eight nine ten twelve hundred thousand million";

/// How far behind the best sentence another may be and still be part of the answer.
const NEARLY_AS_GOOD: f64 = 0.7;

/// A sentence that might be quoted.
struct Candidate {
    passage: usize,
    bytes: Range<usize>,
    /// The question's words that stand in it.
    own: BTreeSet<String>,
    /// The question's words that stand in its title, its headings or the sentence before it.
    nearby: BTreeSet<String>,
    length: usize,
    has_number: bool,
}

/// Composes an answer of up to three sentences, each of them a quote. Passages are expected best first.
#[must_use]
pub fn draft(question: &QuestionText, passages: &[Passage]) -> Draft {
    let asked = content_words(question.as_str());
    let candidates = candidates(&asked, passages);
    let weights = weights(&asked, &candidates);
    let quotes: Vec<Quote> = best(&candidates, &weights, is_for_a_number(question))
        .into_iter()
        .map(|candidate| Quote {
            passage: candidate.passage,
            text: passages[candidate.passage].text[candidate.bytes.clone()].to_owned(),
        })
        .collect();
    let text = match quotes.is_empty() {
        true => NOTHING_FOUND.to_owned(),
        false => quotes
            .iter()
            .map(|quote| one_line(&quote.text))
            .collect::<Vec<_>>()
            .join(" "),
    };
    let usage = Usage {
        cost_micro_usd: Some(0),
        ..Usage::default()
    };
    Draft {
        text,
        quotes,
        model: MODEL.to_owned(),
        truncated: false,
        usage,
    }
}

/// The share of the question's words, weighed by their rarity, that the best sentence and its surroundings hold: from 0
/// to 1. Below [`LEAST_COVERAGE`], [`draft`] quotes nothing.
#[must_use]
pub fn coverage(question: &QuestionText, passages: &[Passage]) -> f64 {
    let asked = content_words(question.as_str());
    let candidates = candidates(&asked, passages);
    let weights = weights(&asked, &candidates);
    let scored = scored(&candidates, &weights, is_for_a_number(question));
    scored.first().map_or(0.0, |(_, first)| share_held(first, &weights))
}

fn is_for_a_number(question: &QuestionText) -> bool {
    let lower = question.as_str().to_lowercase();
    FOR_A_NUMBER.iter().any(|words| lower.contains(words))
}

fn candidates(asked: &BTreeSet<String>, passages: &[Passage]) -> Vec<Candidate> {
    let mut found = Vec::new();
    let numbers = content_words(NUMBERS);
    let is_number = |word: &String| word.contains(|c: char| c.is_ascii_digit()) || numbers.contains(word);
    for (index, passage) in passages.iter().enumerate() {
        let above = content_words(&format!("{} {}", passage.title, passage.heading));
        let mut heading = BTreeSet::new();
        let mut before = BTreeSet::new();
        for sentence in sentences(&passage.text) {
            let bytes = sentence.words(&passage.text);
            let words = content_words(&passage.text[bytes.clone()]);
            match sentence.kind {
                Kind::Heading => heading = words,
                Kind::Prose | Kind::Row => {
                    let around =
                        |word: &String| above.contains(word) || heading.contains(word) || before.contains(word);
                    let own: BTreeSet<String> = asked.intersection(&words).cloned().collect();
                    let nearby = asked.difference(&words).filter(|word| around(word)).cloned().collect();
                    let has_number = words.iter().any(is_number);
                    found.push(Candidate {
                        passage: index,
                        bytes,
                        own,
                        nearby,
                        length: words.len(),
                        has_number,
                    });
                    before = words;
                }
                Kind::Code | Kind::Ornament => {}
            }
        }
    }
    found
}

/// What each of the question's words is worth: the rarer among the sentences, the more. A word that stands nowhere is
/// worth most, for an answer that passes over it is likely to be about something else.
fn weights<'a>(asked: &'a BTreeSet<String>, candidates: &[Candidate]) -> BTreeMap<&'a str, f64> {
    let count = |n: usize| u32::try_from(n).map_or(f64::MAX, f64::from);
    let all = count(candidates.len());
    let weight = |word: &String| {
        let holding = candidates
            .iter()
            .filter(|candidate| candidate.own.contains(word))
            .count();
        (1.0 + (all + 1.0) / (count(holding) + 1.0)).ln()
    };
    asked.iter().map(|word| (word.as_str(), weight(word))).collect()
}

/// The weight of some of the question's words.
fn sum(words: &BTreeSet<String>, weights: &BTreeMap<&str, f64>) -> f64 {
    words.iter().filter_map(|word| weights.get(word.as_str())).sum()
}

fn share_held(candidate: &Candidate, weights: &BTreeMap<&str, f64>) -> f64 {
    (sum(&candidate.own, weights) + sum(&candidate.nearby, weights)) / weights.values().sum::<f64>()
}

/// The sentences that share words with the question, the best first.
fn scored<'a>(
    candidates: &'a [Candidate],
    weights: &BTreeMap<&str, f64>,
    for_number: bool,
) -> Vec<(f64, &'a Candidate)> {
    let score = |candidate: &Candidate| {
        let held = sum(&candidate.own, weights) + NEARBY * sum(&candidate.nearby, weights);
        if for_number && candidate.has_number {
            held * NUMBER_WANTED
        } else {
            held
        }
    };
    let mut scored: Vec<(f64, &Candidate)> = candidates
        .iter()
        .filter(|candidate| !candidate.own.is_empty() && candidate.length > 1)
        .map(|candidate| (score(candidate), candidate))
        .collect();
    // Among equals the shorter sentence says it more plainly. The sort is stable: after that the better passage, and in
    // it the earlier sentence, stays first.
    scored.sort_by(|(one, a), (other, b)| other.total_cmp(one).then(a.length.cmp(&b.length)));
    scored
}

/// The sentences to quote, the best one's passage first, and in the order of the text within a passage.
fn best<'a>(candidates: &'a [Candidate], weights: &BTreeMap<&str, f64>, for_number: bool) -> Vec<&'a Candidate> {
    let scored = scored(candidates, weights, for_number);
    let Some(&(top, first)) = scored.first() else {
        return Vec::new();
    };
    if share_held(first, weights) < LEAST_COVERAGE {
        return Vec::new();
    }
    let mut chosen: Vec<&Candidate> = scored
        .into_iter()
        .take_while(|(score, _)| *score >= NEARLY_AS_GOOD * top)
        .map(|(_, candidate)| candidate)
        .take(MOST_SENTENCES)
        .collect();
    chosen.sort_by_key(|candidate| {
        (
            candidate.passage != first.passage,
            candidate.passage,
            candidate.bytes.start,
        )
    });
    chosen
}

fn one_line(text: &str) -> String {
    visible(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use shared::domain::{DocumentId, Grounding, PassageId};

    use super::*;
    use crate::rag::citations::verify;

    fn passage(heading: &str, text: &str) -> Passage {
        Passage {
            id: PassageId::new(),
            document_id: DocumentId::new(),
            title: "How Docent works".to_owned(),
            source_url: None,
            heading: heading.to_owned(),
            text: text.to_owned(),
            start: 0,
            page: None,
        }
    }

    fn manual() -> Vec<Passage> {
        vec![
            passage(
                "Jobs > Leases",
                "## Leases\n\nA worker that takes a job holds a lease on it. The lease lasts 30 seconds and is renewed\n\
                 every 10 seconds while the job runs. If a worker dies, its lease runs out and another worker takes the job.\n\n\
                 ```\nlease = 99\n```\n",
            ),
            passage(
                "Cache",
                "Answers are kept in Redis for one hour. When a document changes, answers made from it are not served.",
            ),
            passage(
                "Limits",
                "- A question has at most 1000 characters.\n- A document has at most 1 MiB of text.\n",
            ),
        ]
    }

    fn answer(question: &str) -> Draft {
        draft(&QuestionText::parse(question).unwrap(), &manual())
    }

    #[test]
    fn the_sentence_that_answers_comes_with_its_quote() {
        let lease = answer("How long does a lease last?");
        assert!(
            lease
                .text
                .contains("The lease lasts 30 seconds and is renewed every 10 seconds"),
            "{}",
            lease.text
        );
        assert_eq!(lease.quotes[0].passage, 0);
        let limit = answer("How many characters may a question have?");
        assert_eq!(limit.text, "A question has at most 1000 characters.");
        let cache = answer("Where are answers kept?");
        assert!(cache.text.starts_with("Answers are kept in Redis"), "{}", cache.text);
    }

    #[test]
    fn every_quote_stands_the_check() {
        for question in [
            "How long does a lease last?",
            "What happens when a worker dies?",
            "When does a document change?",
        ] {
            let verified = verify(answer(question), &manual());
            assert!(verified.answer.citations.len() <= MOST_SENTENCES);
            assert_eq!(
                (verified.answer.grounded, verified.dropped),
                (Grounding::Full, 0),
                "{question}"
            );
            assert_eq!(verified.answer.model, "extractive");
        }
    }

    #[test]
    fn it_says_so_when_nothing_fits() {
        for question in [
            "What is the capital of France?",
            "Which colour has the lease's logo font?",
            "What is it?",
            "¿¡?!",
        ] {
            let draft = answer(question);
            assert_eq!(
                (draft.text.as_str(), draft.quotes.len()),
                (NOTHING_FOUND, 0),
                "{question}"
            );
        }
        let unasked = draft(&QuestionText::parse("How long does a lease last?").unwrap(), &[]);
        assert_eq!(unasked.text, NOTHING_FOUND);
    }

    #[test]
    fn coverage_decides_whether_there_is_an_answer() {
        for question in [
            "How long does a lease last?",
            "Which colour has the lease's logo font?",
            "Who takes the job when a worker dies at night?",
            "What is it?",
        ] {
            let asked = QuestionText::parse(question).unwrap();
            let coverage = coverage(&asked, &manual());
            assert!((0.0..=1.0).contains(&coverage), "{question}: {coverage}");
            let is_answered = !answer(question).quotes.is_empty();
            assert_eq!(is_answered, coverage >= LEAST_COVERAGE, "{question}: {coverage}");
        }
        let whole = QuestionText::parse("How long does a lease last?").unwrap();
        assert!((coverage(&whole, &manual()) - 1.0).abs() < 1e-9);
        assert!(coverage(&whole, &[]) == 0.0);
    }

    #[test]
    fn a_question_for_a_number_prefers_a_sentence_with_one() {
        let plain = "Attempts of jobs are counted. Jobs end after attempts. Attempts cost jobs money.";
        let passages = [passage(
            "",
            &format!("{plain} Unless a setting says otherwise, each job gets three attempts."),
        )];
        let ask = |question: &str| draft(&QuestionText::parse(question).unwrap(), &passages).text;
        assert!(ask("How many attempts has a job?").contains("three attempts"));
        assert_eq!(ask("Which attempts has a job?"), plain);
    }

    #[test]
    fn code_and_headings_are_not_quoted() {
        let draft = answer("Which lease has 99?");
        assert!(
            draft
                .quotes
                .iter()
                .all(|quote| !quote.text.contains("99") && !quote.text.contains('#'))
        );
    }

    #[test]
    fn the_same_question_gets_the_same_answer() {
        assert_eq!(
            answer("Who takes the job when a worker dies?"),
            answer("Who takes the job when a worker dies?")
        );
    }
}
