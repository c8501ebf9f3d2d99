//! What the Messages API is asked, as far as it is used. <https://platform.claude.com/docs/en/api/messages>

use std::borrow::Cow;

use serde::Serialize;
use shared::domain::QuestionText;

use crate::rag::prompt::{self, Handout};
use crate::rag::task::Task;

/// The body of `POST /v1/messages`. No temperature: the newest models refuse any but their own.
#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    model: &'a str,
    max_tokens: u64,
    stream: bool,
    system: &'a str,
    messages: [Message<'a>; 1],
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    role: &'a str,
    content: Vec<Content<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Content<'a> {
    SearchResult {
        source: &'a str,
        title: &'a str,
        content: Vec<Text<'a>>,
        citations: Citations,
    },
    Text {
        text: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
}

/// The provider keeps the request up to and including this block, and reads it again for the next that begins the same.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum CacheControl {
    /// For five minutes after each use.
    Ephemeral,
}

#[derive(Debug, Serialize)]
struct Text<'a> {
    r#type: &'a str,
    text: &'a str,
}

#[derive(Debug, Serialize)]
struct Citations {
    enabled: bool,
}

impl<'a> Request<'a> {
    /// The passages first, each a search result of its own, then the question.
    pub(super) fn new(model: &'a str, max_tokens: u64, question: &QuestionText, handout: &'a Handout) -> Self {
        let results = handout.sources.iter().map(|source| Content::SearchResult {
            source: &source.address,
            title: &source.title,
            content: source
                .blocks
                .iter()
                .map(|block| Text {
                    r#type: "text",
                    text: &block.text,
                })
                .collect(),
            citations: Citations { enabled: true },
        });
        let question = Content::Text {
            text: prompt::question(question).into(),
            cache_control: None,
        };
        let content = results.chain([question]).collect();
        Self {
            model,
            max_tokens,
            stream: true,
            system: prompt::SYSTEM,
            messages: [Message { role: "user", content }],
        }
    }

    /// What the task shares with others first, marked to be kept.
    pub(super) fn of_task(model: &'a str, task: &'a Task<'_>) -> Self {
        let shared = task.shared.map(|text| Content::Text {
            text: text.into(),
            cache_control: Some(CacheControl::Ephemeral),
        });
        let own = Content::Text {
            text: task.own.as_str().into(),
            cache_control: None,
        };
        Self {
            model,
            max_tokens: task.max_tokens,
            stream: true,
            system: task.instructions,
            messages: [Message {
                role: "user",
                content: shared.into_iter().chain([own]).collect(),
            }],
        }
    }
}
