//! The stages that are off unless somebody switches them on.

mod contexts;
mod rerank;

use serde_json::json;

use crate::support::{Reply, events};

/// When a call that hangs is late.
const LATE: (&str, &str) = ("LLM_TIMEOUT_SECONDS", "3");

fn says(words: &str) -> Reply {
    Reply::Events(events::answer(words, &[], "end_turn"))
}

fn status(code: u16) -> Reply {
    let error = json!({"type": "error", "error": {"type": "api_error", "message": "as the test wants"}});
    Reply::Status(code, vec![], error.to_string())
}
