//! Brings documents and questions into the form in which the database compares them. The one place where both sides
//! call the analyser, so that they cannot part ways.

use shared::db::passages::NewPassage;
use shared::db::search::AnalysedQuestion;
use shared::domain::{PassageId, QuestionText};

use crate::rag::analysis::{self, Language};
use crate::rag::chunking::Chunk;

/// A document's passages, ready to be stored.
#[derive(Debug)]
pub struct Indexed {
    /// The language that all of them were analysed in.
    pub language: Language,
    /// The passages in order.
    pub passages: Vec<NewPassage>,
}

/// Analyses the chunks of a document in the language of the whole text.
#[must_use]
pub fn passages(title: &str, text: &str, chunks: Vec<Chunk>) -> Indexed {
    let language = analysis::language_of(text);
    let title = analysis::for_index(title, language);
    let passage = |chunk: Chunk| NewPassage {
        id: PassageId::new(),
        indexed_header: format!("{title}\n{}", analysis::for_index(&chunk.heading, language)),
        indexed_text: analysis::for_index(&chunk.text, language),
        heading: chunk.heading,
        text: chunk.text,
        start: chunk.start,
        end: chunk.end,
        page: None,
        context: None,
    };
    Indexed {
        language,
        passages: chunks.into_iter().map(passage).collect(),
    }
}

impl Indexed {
    /// Adds what a model wrote about a passage, so that it is found by that too.
    pub fn add_context(&mut self, passage: usize, context: String) {
        if let Some(passage) = self.passages.get_mut(passage) {
            let words = analysis::for_index(&context, self.language);
            passage.indexed_header.push('\n');
            passage.indexed_header.push_str(&words);
            passage.context = Some(context);
        }
    }
}

/// A passage as an embedding model is given it: below its document's title, its headings and what was written about it,
/// as it is indexed.
#[must_use]
pub fn embedded(title: &str, heading: &str, context: Option<&str>, text: &str) -> String {
    let mut whole = title.to_owned();
    if !heading.is_empty() {
        whole.push_str(" > ");
        whole.push_str(heading);
    }
    for part in context.into_iter().chain([text]) {
        whole.push('\n');
        whole.push_str(part);
    }
    whole
}

/// Analyses a question once for each language that documents may be in: which of them are, the database knows.
#[must_use]
pub fn questions(question: &QuestionText) -> Vec<AnalysedQuestion> {
    Language::all()
        .map(|language| AnalysedQuestion {
            configuration: language.configuration(),
            text: analysis::for_question(question.as_str(), language),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(heading: &str, text: &str) -> Chunk {
        Chunk {
            heading: heading.to_owned(),
            text: text.to_owned(),
            start: 0,
            end: text.chars().count(),
        }
    }

    #[test]
    fn words_of_a_question_meet_those_of_title_heading_and_text() {
        let indexed = passages("leaseTime", "", vec![chunk("Back-ups", "see `max_tokens`")]);
        let found = &indexed.passages[0];
        let words = format!("{} {}", found.indexed_header, found.indexed_text);
        let words: Vec<&str> = words.split_whitespace().collect();
        let asked = questions(&QuestionText::parse("lease_time backups maxTokens").unwrap());
        let asked = asked
            .iter()
            .find(|question| question.configuration == indexed.language.configuration())
            .unwrap();
        for word in ["leasetime", "backups", "maxtokens"] {
            assert!(
                words.contains(&word) && asked.text.split(' ').any(|asked| asked == word),
                "{word}: {words:?} {asked:?}"
            );
        }
        assert_eq!(
            (found.heading.as_str(), found.text.as_str()),
            ("Back-ups", "see `max_tokens`")
        );
    }
}
