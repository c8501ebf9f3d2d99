//! The form of requests and replies.

use serde::{Deserialize, Serialize};

use crate::embedding::failure::{EmbeddingFailure, Verdict};

/// What is embedded. Some models treat the two differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// A passage of a document.
    Document,
    /// A question.
    Query,
}

/// A call.
#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    pub(super) model: &'a str,
    pub(super) input: Vec<&'a str>,
    /// For Voyage alone: others refuse what they do not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input_type: Option<Kind>,
}

/// What comes back. Everything else in it is not looked at.
#[derive(Debug, Deserialize)]
pub(super) struct Reply {
    data: Vec<Item>,
}

#[derive(Debug, Deserialize)]
struct Item {
    embedding: Vec<f32>,
    /// The text's place in the request; where a service leaves it out, the vectors stand in order.
    index: Option<usize>,
}

impl Reply {
    /// The vectors in the order of the texts.
    ///
    /// # Errors
    /// If they are not as many as the texts, or two are for the same text.
    pub(super) fn in_order(self, texts: usize) -> Result<Vec<Vec<f32>>, EmbeddingFailure> {
        let count = self.data.len();
        let mut places: Vec<Option<Vec<f32>>> = vec![None; texts];
        for (position, item) in self.data.into_iter().enumerate() {
            if let Some(place) = places.get_mut(item.index.unwrap_or(position)) {
                *place = Some(item.embedding);
            }
        }
        let vectors: Option<Vec<_>> = places.into_iter().collect();
        vectors.filter(|_| count == texts).ok_or_else(|| {
            EmbeddingFailure::new(
                Verdict::Discard,
                format!("the embeddings service sent {count} vectors for {texts} texts, or two for one of them"),
            )
        })
    }
}

/// What is read of an error. OpenAI, Voyage's proxy, Ollama and vLLM nest it; others put it at the top.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ErrorBody {
    pub(super) error: serde_json::Value,
}

impl ErrorBody {
    /// The names that the service gives to the error, never its text: that may repeat what was sent.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        ["code", "type"]
            .into_iter()
            .filter_map(|name| self.error.get(name)?.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_order(reply: &str, texts: usize) -> Result<Vec<Vec<f32>>, EmbeddingFailure> {
        serde_json::from_str::<Reply>(reply).unwrap().in_order(texts)
    }

    #[test]
    fn the_index_says_which_text_a_vector_is_for() {
        let reply = r#"{"object": "list", "data": [{"index": 1, "embedding": [2]}, {"index": 0, "embedding": [1.5]}],
            "model": "m", "usage": {"prompt_tokens": 4}}"#;
        assert_eq!(in_order(reply, 2).unwrap(), [[1.5], [2.0]]);
        let without = r#"{"data": [{"embedding": [1]}, {"embedding": [2]}]}"#;
        assert_eq!(in_order(without, 2).unwrap(), [[1.0], [2.0]]);
    }

    #[test]
    fn each_text_has_exactly_one_vector() {
        let two = r#"{"data": [{"index": 0, "embedding": [1]}, {"index": 1, "embedding": [2]}]}"#;
        assert!(in_order(two, 1).is_err() && in_order(two, 3).is_err());
        let twice = r#"{"data": [{"index": 0, "embedding": [1]}, {"index": 0, "embedding": [2]}]}"#;
        let beyond = r#"{"data": [{"index": 0, "embedding": [1]}, {"index": 9, "embedding": [2]}]}"#;
        assert!(in_order(twice, 2).is_err() && in_order(beyond, 2).is_err());
        assert!(in_order(r#"{"data": []}"#, 0).unwrap().is_empty());
    }
}
