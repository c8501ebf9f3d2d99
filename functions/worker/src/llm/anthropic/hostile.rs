//! Whatever comes over the wire: no panic, no answer that cannot be stored, no citation of what was not shown.

use futures_util::stream;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use shared::domain::{DocumentId, Passage, PassageId};

use super::client::read;
use super::stream::Reply;
use crate::llm::failure::LlmFailure;
use crate::outbound::Unread;
use crate::rag::citations::verify;
use crate::rag::draft::Draft;
use crate::rag::prompt::Handout;

fn passages() -> Vec<Passage> {
    let passage = |text: &str| Passage {
        id: PassageId::new(),
        document_id: DocumentId::new(),
        title: "Guide".to_owned(),
        source_url: None,
        heading: String::new(),
        text: text.to_owned(),
        start: 7,
        page: None,
    };
    vec![passage("Erste Übung. Second one."), passage("日本語。 Fourth one.")]
}

/// What the reply comes to when its bytes arrive in these pieces.
async fn gathered(pieces: Vec<Vec<u8>>, passages: &[Passage]) -> Result<Draft, LlmFailure> {
    let mut reply = Reply::from("claude-haiku-4-5");
    let pieces = stream::iter(pieces.into_iter().map(Ok::<_, Unread>));
    read(pieces, &mut reply).await?;
    reply.finish(&Handout::of(passages), passages)
}

fn run(pieces: Vec<Vec<u8>>) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let passages = passages();
    let Ok(draft) = runtime.unwrap().block_on(gathered(pieces, &passages)) else {
        return Ok(());
    };
    let answer = verify(draft, &passages).answer;
    prop_assert!(!answer.text.is_empty() && !answer.text.contains('\0') && !answer.model.contains('\0'));
    for citation in answer.citations {
        let cited = passages
            .iter()
            .find(|passage| passage.id == citation.passage_id)
            .unwrap();
        let length = citation.end - citation.start;
        let slice: String = cited
            .text
            .chars()
            .skip(citation.start - cited.start)
            .take(length)
            .collect();
        prop_assert_eq!(slice, citation.quote);
    }
    Ok(())
}

/// Cuts the bytes at these places.
fn cut(bytes: &[u8], cuts: &[Index]) -> Vec<Vec<u8>> {
    let mut ends: Vec<usize> = cuts
        .iter()
        .map(|cut| cut.index(bytes.len() + 1))
        .chain([bytes.len()])
        .collect();
    ends.sort_unstable();
    let mut start = 0;
    let piece = |end: usize| {
        let piece = bytes[start..end].to_vec();
        start = end;
        piece
    };
    ends.into_iter().map(piece).collect()
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0_u64..4).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!(u64::MAX)),
        Just(json!("1")),
        Just(Value::Null),
    ]
}

fn event() -> impl Strategy<Value = Value> {
    let words = "(\\PC{0,9}|Erste Übung\\. |Second one\\.|\0|\u{e0041}|https://evil\\.example/|\n)";
    let citation = (number(), number(), number(), words).prop_map(|(source, start, end, text)| {
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": {
            "type": "search_result_location", "cited_text": text, "search_result_index": source,
            "start_block_index": start, "end_block_index": end, "source": "s", "title": null}}})
    });
    let text =
        words.prop_map(|text| json!({"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}}));
    let begin = (words, number()).prop_map(|(model, tokens)| {
        json!({"type": "message_start", "message": {"model": model, "usage": {"input_tokens": tokens}}})
    });
    let end = (number(), "(end_turn|max_tokens|refusal|pause_turn|other)").prop_map(|(tokens, reason)| {
        json!({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": tokens}})
    });
    let fixed = |value: Value| Just(value).boxed();
    prop_oneof![
        4 => text,
        4 => citation,
        1 => begin,
        2 => end,
        1 => fixed(json!({"type": "message_stop"})),
        1 => fixed(json!({"type": "error", "error": {"type": "overloaded_error", "message": "m"}})),
        1 => fixed(json!({"type": "ping"})),
        1 => fixed(json!({"type": "content_block_start", "content_block": {"type": "thinking", "thinking": "t"}})),
        1 => fixed(json!([[]])),
    ]
}

fn line(event: &Value) -> Vec<u8> {
    format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or("x")).into_bytes()
}

/// A reply that ends well, whatever is in it.
fn ended(events: &[Value]) -> Vec<u8> {
    let stop = [
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
        json!({"type": "message_stop"}),
    ];
    events.iter().chain(&stop).flat_map(line).collect()
}

proptest! {
    #[test]
    fn events_in_any_order_and_number_make_an_answer_or_none(events in prop::collection::vec(event(), 0..20)) {
        run(vec![events.iter().flat_map(line).collect()])?;
        run(vec![ended(&events)])?;
    }

    #[test]
    fn bytes_may_be_cut_anywhere(
        events in prop::collection::vec(event(), 1..8), cuts in prop::collection::vec(any::<Index>(), 0..12),
    ) {
        let bytes = ended(&events);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let passages = passages();
        let whole = runtime.block_on(gathered(vec![bytes.clone()], &passages));
        let in_pieces = runtime.block_on(gathered(cut(&bytes, &cuts), &passages));
        prop_assert_eq!(whole.map_err(|failure| failure.verdict), in_pieces.map_err(|failure| failure.verdict));
    }

    #[test]
    fn broken_bytes_are_no_panic(
        events in prop::collection::vec(event(), 1..6), at in any::<Index>(), put in prop::collection::vec(any::<u8>(), 0..9),
        end in any::<Index>(),
    ) {
        let mut bytes = ended(&events);
        let at = at.index(bytes.len());
        bytes.splice(at..(at + put.len()).min(bytes.len()), put);
        bytes.truncate(end.index(bytes.len() + 1));
        run(vec![bytes])?;
    }
}

#[test]
fn nesting_is_bounded() {
    let deep = format!(
        "data: {{\"type\":\"ping\",\"x\":{}{}}}\n\n",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(run(vec![deep.into_bytes()]).is_ok());
}
