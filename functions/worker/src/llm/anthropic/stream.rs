//! Gathers the events of a streamed reply into a draft.

use std::time::{Duration, Instant};

use shared::domain::{FailureCode, Passage, Usage};

use super::price::cost_micro_usd;
use super::status::broken_off;
use super::wire::{Event, Part, StopReason, reference};
use crate::llm::Written;
use crate::llm::failure::{Kind, LlmFailure, Verdict};
use crate::rag::draft::Draft;
use crate::rag::prompt::{Handout, Reference};

/// The longest name of a model that is kept.
const MAX_MODEL_CHARACTERS: usize = 200;

/// What has come of a reply so far.
#[derive(Debug)]
pub(super) struct Reply {
    model: String,
    text: String,
    references: Vec<Reference>,
    usage: Usage,
    stop_reason: Option<StopReason>,
    complete: bool,
    began: Instant,
    first_text: Option<Duration>,
    /// The id under which the provider knows the call.
    pub(super) request_id: String,
}

impl Reply {
    /// Nothing has come yet. `model` is the one that was asked for.
    pub(super) fn from(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            text: String::new(),
            references: Vec::new(),
            usage: Usage::default(),
            stop_reason: None,
            complete: false,
            began: Instant::now(),
            first_text: None,
            request_id: String::new(),
        }
    }

    /// Takes the data of the next event.
    ///
    /// # Errors
    /// If it is not an event of the agreed form, or is one that reports an error.
    pub(super) fn push(&mut self, data: &str) -> Result<(), LlmFailure> {
        let event = serde_json::from_str(data).map_err(|error| {
            LlmFailure::new(
                Kind::Protocol,
                Verdict::PROTOCOL,
                format!("an event is no JSON of the agreed form: {:?}", error.classify()),
            )
        })?;
        match event {
            Event::MessageStart { message } => {
                message.usage.update(&mut self.usage);
                let model: String = storable(&message.model).chars().take(MAX_MODEL_CHARACTERS).collect();
                if !model.is_empty() {
                    self.model = model;
                }
            }
            Event::ContentBlockStart { content_block: part } | Event::ContentBlockDelta { delta: part } => {
                self.add(part);
            }
            Event::MessageDelta { delta, usage } => {
                usage.update(&mut self.usage);
                self.stop_reason = delta.stop_reason.or(self.stop_reason);
            }
            Event::MessageStop => self.complete = true,
            Event::Error { error } => return Err(broken_off(&error, &self.request_id)),
            Event::Other => {}
        }
        Ok(())
    }

    /// The blocks of an answer follow each other without a gap: a new one begins wherever a citation begins or ends.
    fn add(&mut self, part: Part) {
        match part {
            Part::Text { text } => {
                if self.first_text.is_none() && !text.is_empty() {
                    self.first_text = Some(self.began.elapsed());
                }
                self.text.push_str(&text);
            }
            Part::CitationsDelta { citation } => self.references.push(reference(citation)),
            Part::Other => {}
        }
    }

    /// The last event has come; nothing of interest follows.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// How long the first text was waited for, if any came.
    pub(super) fn first_text(&self) -> Option<Duration> {
        self.first_text
    }

    /// What the call has consumed as far as it was reported, with its price.
    pub(super) fn usage(&self) -> Usage {
        Usage {
            cost_micro_usd: cost_micro_usd(&self.model, &self.usage),
            ..self.usage
        }
    }

    /// The answer that the reply is, once the stream has ended.
    ///
    /// # Errors
    /// If it is no answer.
    pub(super) fn finish(&self, handout: &Handout, passages: &[Passage]) -> Result<Draft, LlmFailure> {
        let (text, truncated) = self.judged()?;
        let usage = self.usage();
        let quotes = self
            .references
            .iter()
            .cloned()
            .map(|reference| handout.quote(passages, reference))
            .collect();
        Ok(Draft {
            text,
            quotes,
            model: self.model.clone(),
            truncated,
            usage,
        })
    }

    /// The reply as plain text, once the stream has ended. One that ran into its limit ends where it ends.
    ///
    /// # Errors
    /// If it is none.
    pub(super) fn text(&self) -> Result<Written, LlmFailure> {
        let (text, _) = self.judged()?;
        let usage = self.usage();
        Ok(Written { text, usage })
    }

    /// The text, and whether it stops early.
    fn judged(&self) -> Result<(String, bool), LlmFailure> {
        let fail = |kind, verdict, reason: &str| {
            Err(LlmFailure::new(
                kind,
                verdict,
                format!("{reason}, request {}", self.request_id),
            ))
        };
        if !self.complete {
            return fail(Kind::Network, Verdict::RETRY, "the reply was cut off");
        }
        let truncated = match self.stop_reason {
            Some(StopReason::EndTurn | StopReason::StopSequence) => false,
            Some(StopReason::MaxTokens | StopReason::ModelContextWindowExceeded) => true,
            Some(StopReason::Refusal) => {
                return fail(
                    Kind::Refused,
                    Verdict::Discard {
                        code: FailureCode::LlmRefused,
                    },
                    "the model declined to answer",
                );
            }
            // No tool was offered and no pause allowed; a reason that is not known cannot be trusted to mean success.
            Some(StopReason::ToolUse | StopReason::PauseTurn | StopReason::Unknown) | None => {
                return fail(
                    Kind::Protocol,
                    Verdict::PROTOCOL,
                    &format!("the model stopped for an unexpected reason: {:?}", self.stop_reason),
                );
            }
        };
        let text = storable(&self.text);
        if text.is_empty() {
            return fail(Kind::Protocol, Verdict::RETRY, "the model wrote nothing");
        }
        Ok((text, truncated))
    }
}

/// Without the control characters that the database refuses: an answer that was paid for must not be lost to one.
fn storable(text: &str) -> String {
    let kept: String = text
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'))
        .collect();
    kept.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::domain::{DocumentId, PassageId};

    use super::*;
    use crate::rag::citations::verify;

    fn passages() -> Vec<Passage> {
        let passage = |text: &str| Passage {
            id: PassageId::new(),
            document_id: DocumentId::new(),
            title: "Guide".to_owned(),
            source_url: None,
            heading: String::new(),
            text: text.to_owned(),
            start: 0,
            page: None,
        };
        vec![passage("First one. Second one."), passage("Third one. Fourth one.")]
    }

    fn text(text: &str) -> Value {
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})
    }

    fn cite(result: Value, blocks: [usize; 2], cited: &str) -> Value {
        let citation = json!({"type": "search_result_location", "search_result_index": result, "start_block_index": blocks[0],
            "end_block_index": blocks[1], "cited_text": cited, "source": "x", "title": "x"});
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": citation}})
    }

    fn stop(reason: Value) -> [Value; 2] {
        let delta = json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": 7}});
        [delta, json!({"type": "message_stop"})]
    }

    fn gather(events: &[Value]) -> Result<Draft, LlmFailure> {
        let mut reply = Reply::from("claude-haiku-4-5");
        for event in events {
            reply.push(&event.to_string())?;
        }
        let passages = passages();
        reply.finish(&Handout::of(&passages), &passages)
    }

    fn ended(reason: &str, words: &str) -> Result<Draft, LlmFailure> {
        gather(&[vec![text(words)], stop(json!(reason)).to_vec()].concat())
    }

    #[test]
    fn texts_are_joined_and_citations_become_quotes() {
        let usage = json!({"input_tokens": 5, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 2, "output_tokens": 1,
            "service_tier": "standard"});
        let mut events = vec![
            json!({"type": "message_start", "message": {"id": "msg_1", "model": "claude-haiku-4-5-20251001", "content": [], "usage": usage}}),
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}}),
            json!({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": "It is "}}),
            text("the "),
            text("fourth"),
            cite(json!(1), [1, 2], "Fourth one."),
            cite(json!(0), [0, 2], "First one. Second one."),
            json!({"type": "content_block_stop", "index": 1}),
            json!({"type": "some_new_event", "anything": [1]}),
            json!({"type": "content_block_start", "index": 2, "content_block": {"type": "text", "text": "."}}),
        ];
        events.extend(stop(json!("end_turn")));
        let draft = gather(&events).unwrap();
        assert_eq!(draft.text, "It is the fourth.");
        let quotes: Vec<_> = draft
            .quotes
            .iter()
            .map(|quote| (quote.passage, quote.text.as_str()))
            .collect();
        assert_eq!(quotes, [(1, "Fourth one."), (0, "First one. Second one.")]);
        assert_eq!(draft.model, "claude-haiku-4-5-20251001");
        let usage = Usage {
            input_tokens: 5,
            output_tokens: 7,
            cache_read_tokens: 2,
            cache_write_tokens: 3,
            cost_micro_usd: Some(44),
        };
        assert_eq!(draft.usage, usage);
    }

    #[test]
    fn citations_of_nothing_that_was_sent_are_counted_and_dropped() {
        let mut events = vec![
            text("An answer."),
            cite(json!(1), [0, 1], "Third one. "),
            cite(json!(2), [0, 1], "Third one."),
            cite(json!(0), [1, 3], "Second one."),
            cite(json!(0), [0, 1], "Invented."),
            cite(json!("none"), [0, 1], "First one."),
            json!({"type": "content_block_delta", "delta": {"type": "citations_delta", "citation": {"type": "char_location"}}}),
        ];
        events.extend(stop(json!("end_turn")));
        let verified = verify(gather(&events).unwrap(), &passages());
        assert_eq!((verified.answer.citations.len(), verified.dropped), (1, 5));
    }

    #[test]
    fn only_a_finished_text_is_an_answer() {
        for reason in ["end_turn", "stop_sequence"] {
            assert!(!ended(reason, "Yes.").unwrap().truncated, "{reason}");
        }
        for reason in ["max_tokens", "model_context_window_exceeded"] {
            assert!(ended(reason, "Yes, bec").unwrap().truncated, "{reason}");
        }
        let verdict = |reason: &str| ended(reason, "Yes.").unwrap_err().verdict;
        assert_eq!(
            verdict("refusal"),
            Verdict::Discard {
                code: FailureCode::LlmRefused
            }
        );
        for reason in ["tool_use", "pause_turn", "invented_tomorrow"] {
            assert_eq!(verdict(reason), Verdict::PROTOCOL, "{reason}");
        }
        let without = gather(&[vec![text("Yes.")], stop(Value::Null).to_vec()].concat());
        assert_eq!(without.unwrap_err().verdict, Verdict::PROTOCOL);
    }

    #[test]
    fn silence_and_broken_streams_are_worth_another_attempt() {
        for reason in ["end_turn", "max_tokens"] {
            assert_eq!(ended(reason, " \n").unwrap_err().verdict, Verdict::RETRY);
        }
        assert_eq!(gather(&[]).unwrap_err().verdict, Verdict::RETRY);
        assert_eq!(
            gather(&[text("Yes."), stop(json!("end_turn"))[0].clone()])
                .unwrap_err()
                .verdict,
            Verdict::RETRY
        );
    }

    #[test]
    fn what_is_not_of_the_agreed_form_is_no_answer_and_never_logged() {
        for event in [
            json!([]),
            json!({"type": 1}),
            json!({"type": "message_delta"}),
            json!("secret"),
            json!({"no": "type"}),
        ] {
            let failure = gather(std::slice::from_ref(&event)).unwrap_err();
            assert_eq!(failure.verdict, Verdict::PROTOCOL, "{event}");
            assert!(!failure.reason.contains("secret"));
        }
        let wrong = json!({"type": "content_block_delta", "delta": {"type": "text_delta", "text": {"secret": 1}}});
        assert_eq!(gather(&[wrong]).unwrap_err().verdict, Verdict::PROTOCOL);
    }

    #[test]
    fn an_answer_can_always_be_stored() {
        assert_eq!(
            ended("end_turn", "\u{0}Yes,\u{1b}[1m\nit is.\t").unwrap().text,
            "Yes,[1m\nit is."
        );
    }
}
