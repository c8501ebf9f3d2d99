//! Events of a stream, as Anthropic sends them.

use serde_json::{Value, json};

/// A whole answer that cites the first block of the first passage of the request.
#[must_use]
pub fn quoting(request: &Value) -> Vec<Value> {
    quoting_after("The documents say", request)
}

/// The same with other words before the quotation.
#[must_use]
pub fn quoting_after(words: &str, request: &Value) -> Vec<Value> {
    let quote = first_block(request);
    let citation = json!({
        "type": "search_result_location", "cited_text": quote, "source": "s", "title": "t",
        "search_result_index": 0, "start_block_index": 0, "end_block_index": 1
    });
    answer(&format!("{words}: {quote}"), &[citation], "end_turn")
}

fn first_block(request: &Value) -> String {
    let content = request["messages"][0]["content"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let block = content.iter().find(|block| block["type"] == "search_result");
    block
        .and_then(|block| block["content"][0]["text"].as_str())
        .unwrap_or_default()
        .to_owned()
}

/// An answer of one text block.
#[must_use]
pub fn answer(text: &str, citations: &[Value], stop_reason: &str) -> Vec<Value> {
    let mut events = vec![
        start(),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}),
    ];
    events.extend(citations.iter().map(|citation| {
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": citation}})
    }));
    events.push(json!({"type": "content_block_stop", "index": 0}));
    events.extend(end(stop_reason));
    events
}

/// The beginning of every answer.
#[must_use]
pub fn start() -> Value {
    json!({"type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": [],
        "stop_reason": null, "usage": {"input_tokens": 1000, "output_tokens": 1,
            "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}}})
}

/// The end of every answer.
#[must_use]
pub fn end(stop_reason: &str) -> Vec<Value> {
    vec![
        json!({"type": "message_delta", "delta": {"stop_reason": stop_reason, "stop_sequence": null},
               "usage": {"output_tokens": 100}}),
        json!({"type": "message_stop"}),
    ]
}

/// An error in the midst of a stream.
#[must_use]
pub fn error(kind: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": "as the test wants"}})
}
