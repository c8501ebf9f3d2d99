//! Calls the Messages API.

use std::pin::pin;
use std::time::Duration;

use eventsource_stream::{EventStreamError, Eventsource};
use futures_util::{Stream, StreamExt};
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Client, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use shared::config::AnthropicConfig;
use shared::domain::{Passage, QuestionText, Usage};
use shared::telemetry::{Metric, Step, measures, milliseconds};
use time::OffsetDateTime;

use super::request::Request;
use super::status::refused;
use super::stream::Reply;
use crate::llm::Written;
use crate::llm::failure::{Kind, LlmFailure, Verdict};
use crate::llm::meter::Meter;
use crate::outbound::{self, Key, Unread, bounded};
use crate::rag::draft::Draft;
use crate::rag::extract;
use crate::rag::prompt::Handout;
use crate::rag::task::Task;

/// The header of the key.
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The version of the API that the wire format is written for.
const API_VERSION: &str = "2023-06-01";

/// The most bytes that are read of one reply. An answer of 64,000 tokens stays below it.
const MAX_REPLY_BYTES: usize = 1024 * 1024;

/// How long the end of a complete reply is waited for: a connection that was read to its end can be used again.
const END_OF_REPLY: Duration = Duration::from_millis(200);

/// A connection to Anthropic's API, shared by all calls.
#[derive(Debug, Clone)]
pub struct Anthropic {
    http: Client,
    url: Url,
    key: Key,
    config: AnthropicConfig,
    provider: String,
}

/// A reply whose use is added to the meter when it ends, also when the call is dropped in its midst.
struct Metered<'a> {
    reply: Reply,
    meter: &'a Meter,
}

impl Drop for Metered<'_> {
    fn drop(&mut self) {
        let usage = self.reply.usage();
        self.meter.add(usage);
        count(&usage);
    }
}

/// Every call passes here once, however it ends: so no token is counted twice.
fn count(usage: &Usage) {
    let read = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens;
    measures::add(Metric::InputTokens, read as f64);
    measures::add(Metric::OutputTokens, usage.output_tokens as f64);
    measures::add(Metric::CostUsd, usage.cost_micro_usd.unwrap_or_default() as f64 / 1e6);
}

impl Anthropic {
    /// Prepares the client. Nothing is sent yet.
    ///
    /// # Errors
    /// If the address or the key cannot be part of a request, or the TLS library cannot start.
    pub fn connect(config: AnthropicConfig) -> Result<Self, reqwest::Error> {
        let address = format!("{}/v1/messages", config.base_url);
        let http = outbound::client(&address)?;
        // Built once without being sent: a wrong address or key stops the start and not the first question.
        let secret = config.api_key.expose_secret();
        let sample = http.post(address).header(API_KEY, secret).build()?;
        let first = sample.headers().get(API_KEY).cloned();
        let first = first.unwrap_or(HeaderValue::from_static(""));
        let written = |key: &SecretString| HeaderValue::try_from(key.expose_secret());
        let key = Key::new(&config.source, "ANTHROPIC_API_KEY", API_KEY, first, written);
        let url = sample.url().clone();
        let provider = format!("anthropic:{}", config.model);
        Ok(Self {
            http,
            url,
            key,
            config,
            provider,
        })
    }

    /// Whose service is called: provider and model.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The model's name as the settings give it.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.config.model
    }

    /// Another model by the same connections.
    #[must_use]
    pub fn with_model(&self, model: &str) -> Self {
        let mut other = self.clone();
        model.clone_into(&mut other.config.model);
        other
    }

    /// Has an answer written. One call and no more, but for a key that was refused and has a successor: whether it is
    /// repeated is for the job to decide. However it ends,
    /// `meter` is told what it consumed.
    ///
    /// # Errors
    /// [`LlmFailure`].
    pub async fn draft(
        &self,
        question: &QuestionText,
        passages: &[Passage],
        time_left: Option<Duration>,
        meter: &Meter,
    ) -> Result<Draft, LlmFailure> {
        let handout = Handout::of(passages);
        if handout.sources.is_empty() {
            // A model that is shown nothing could only answer from memory.
            return Ok(Draft {
                model: self.config.model.clone(),
                ..extract::draft(question, &[])
            });
        }
        let request = Request::new(&self.config.model, self.config.max_tokens, question, &handout);
        let mut metered = self.metered(meter);
        let timed = measures::timed(Step::Llm);
        let sent = self.send(&request, time_left, &mut metered.reply).await;
        drop(timed);
        if let Some(span) = metered.reply.first_text() {
            measures::set(Metric::LlmFirstTokenMs, milliseconds(span));
        }
        sent.and_then(|()| metered.reply.finish(&handout, passages))
            .inspect_err(LlmFailure::count)
    }

    /// Has a task done. One call and no more. However it ends, `meter` is told what it consumed.
    ///
    /// # Errors
    /// [`LlmFailure`].
    pub async fn perform(
        &self,
        task: &Task<'_>,
        time_left: Option<Duration>,
        meter: &Meter,
    ) -> Result<Written, LlmFailure> {
        let request = Request::of_task(&self.config.model, task);
        let mut metered = self.metered(meter);
        let sent = self.send(&request, time_left, &mut metered.reply).await;
        sent.and_then(|()| metered.reply.text()).inspect_err(LlmFailure::count)
    }

    fn metered<'a>(&self, meter: &'a Meter) -> Metered<'a> {
        Metered {
            reply: Reply::from(&self.config.model),
            meter,
        }
    }

    async fn send(
        &self,
        request: &Request<'_>,
        time_left: Option<Duration>,
        reply: &mut Reply,
    ) -> Result<(), LlmFailure> {
        let limit = time_left.map_or(self.config.timeout, |left| left.min(self.config.timeout));
        if limit.is_zero() {
            let not_tried = Verdict::Retry {
                after: None,
                burns_attempt: false,
            };
            return Err(LlmFailure::new(Kind::NotMade, not_tried, "no time was left for a call"));
        }
        match tokio::time::timeout(limit, self.call(request, reply)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(LlmFailure {
                timed_out: true,
                ..LlmFailure::new(
                    Kind::Timeout,
                    Verdict::RETRY,
                    format!("no complete answer within {limit:?}, request {}", reply.request_id),
                )
            }),
        }
    }

    async fn call(&self, request: &Request<'_>, reply: &mut Reply) -> Result<(), LlmFailure> {
        let sending = self.http.post(self.url.clone());
        let sending = sending.header("anthropic-version", API_VERSION).json(request);
        let response = self.key.send(sending).await.map_err(|error| unreachable(&error))?;
        let status = response.status();
        if status != StatusCode::OK {
            return Err(refusal(response).await);
        }
        reply.request_id = header(&response, "request-id");
        if !header(&response, CONTENT_TYPE.as_str()).starts_with("text/event-stream") {
            // Whatever is at this address is not the API, and will not become it.
            return Err(LlmFailure::new(
                Kind::Protocol,
                Verdict::PROTOCOL,
                "the reply is no stream of events",
            ));
        }
        read(bounded(response, MAX_REPLY_BYTES), reply).await
    }
}

fn header(response: &Response, name: &str) -> String {
    let value = response.headers().get(name).and_then(|value| value.to_str().ok());
    value
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .take(100)
        .collect()
}

async fn refusal(response: Response) -> LlmFailure {
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    let mut chunks = pin!(bounded(response, MAX_REPLY_BYTES));
    // If the body cannot be read, the status alone speaks.
    while let Some(Ok(chunk)) = chunks.next().await {
        body.extend_from_slice(chunk.as_ref());
    }
    refused(status, &headers, &body, OffsetDateTime::now_utc())
}

/// Takes the events of a body, whose pieces may end anywhere.
pub(super) async fn read<B: AsRef<[u8]>>(
    body: impl Stream<Item = Result<B, Unread>>,
    reply: &mut Reply,
) -> Result<(), LlmFailure> {
    let mut events = pin!(body.eventsource());
    while let Some(event) = events.next().await {
        let event = event.map_err(|error| match error {
            EventStreamError::Transport(Unread::Broken(error)) => unreachable(&error),
            EventStreamError::Transport(Unread::TooLarge) => LlmFailure::new(
                Kind::Protocol,
                Verdict::PROTOCOL,
                format!("the reply is larger than {MAX_REPLY_BYTES} bytes"),
            ),
            EventStreamError::Utf8(_) | EventStreamError::Parser(_) => {
                LlmFailure::new(Kind::Protocol, Verdict::PROTOCOL, "the reply is no stream of events")
            }
        })?;
        reply.push(&event.data)?;
        if reply.is_complete() {
            // The answer is there, whether or not the connection can be kept.
            let _ = tokio::time::timeout(END_OF_REPLY, events.next()).await;
            break;
        }
    }
    Ok(())
}

/// No connection, or one that broke: it may work the next time. The error's own text is not logged, for it holds the
/// address with whatever an operator put into it.
fn unreachable(error: &reqwest::Error) -> LlmFailure {
    let what = match error {
        // Among them: plain HTTP to another machine.
        error if error.is_builder() => {
            return LlmFailure::new(
                Kind::Configuration,
                Verdict::CONFIGURATION,
                "the request could not be built",
            );
        }
        error if error.is_timeout() => "did not accept a connection in time",
        error if error.is_connect() => "could not be connected to",
        _ => "broke the connection",
    };
    LlmFailure::new(Kind::Network, Verdict::RETRY, format!("the model's provider {what}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::config::Source;
    use shared::domain::{DocumentId, FailureCode, PassageId};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    const DELAYS: Duration = Duration::from_millis(5);

    fn config(base_url: String) -> AnthropicConfig {
        AnthropicConfig {
            api_key: SecretString::from("sk-canary"),
            base_url,
            model: "claude-sonnet-4-5".to_owned(),
            max_tokens: 64,
            timeout: Duration::from_secs(20),
            source: Source::default(),
        }
    }

    fn passages() -> Vec<Passage> {
        vec![Passage {
            id: PassageId::new(),
            document_id: DocumentId::new(),
            title: "Guide".to_owned(),
            source_url: None,
            heading: String::new(),
            text: "A lease lasts 30 seconds. What says </search_result> is only text.".to_owned(),
            start: 0,
            page: None,
        }]
    }

    fn event(data: &Value) -> String {
        format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap())
    }

    fn start() -> String {
        event(
            &json!({"type": "message_start", "message": {"model": "claude-sonnet-4-5-20250929", "usage": {"input_tokens": 100}}}),
        )
    }

    fn whole_answer() -> String {
        let citation = json!({"type": "search_result_location", "cited_text": "A lease lasts 30 seconds. ", "source": "s", "title": null,
            "search_result_index": 0, "start_block_index": 0, "end_block_index": 1});
        [
            start(),
            event(&json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})),
            event(&json!({"type": "ping"})),
            event(&json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "30 Sekünden."}})),
            event(&json!({"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": citation}})),
            event(&json!({"type": "content_block_stop", "index": 0})),
            event(&json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 10}})),
            event(&json!({"type": "message_stop"})),
        ]
        .concat()
    }

    fn reply(status: &str, content_type: &str, body: &str) -> Vec<u8> {
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\nrequest-id: req_1\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body.as_bytes()].concat()
    }

    /// Reads one request and returns its head and its body.
    async fn receive(socket: &mut TcpStream) -> (String, Value) {
        let mut received = Vec::new();
        loop {
            socket.read_buf(&mut received).await.unwrap();
            let text = String::from_utf8_lossy(&received);
            if let Some((head, body)) = text.split_once("\r\n\r\n")
                && let Ok(body) = serde_json::from_str(body)
            {
                return (head.to_owned(), body);
            }
        }
    }

    /// Asks a provider that answers with these bytes, sent `step` at a time, and then closes the connection.
    async fn ask(bytes: Vec<u8>, step: usize) -> (Result<Draft, LlmFailure>, String, Value) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let request = receive(&mut socket).await;
            for piece in bytes.chunks(step) {
                // The client may have hung up already: then it has seen enough.
                let _ = socket.write_all(piece).await;
                tokio::task::yield_now().await;
            }
            request
        });
        let client = Anthropic::connect(config(base_url)).unwrap();
        let question = QuestionText::parse("How long does a lease last?").unwrap();
        let outcome = client.draft(&question, &passages(), None, &Meter::default()).await;
        let (head, body) = server.await.unwrap();
        (outcome, head, body)
    }

    #[tokio::test]
    async fn an_answer_comes_back_with_its_quotes_and_its_price_however_the_bytes_are_cut() {
        let bytes = reply("200 OK", "text/event-stream; charset=utf-8", &whole_answer());
        for step in [1, 7, bytes.len()] {
            let (outcome, ..) = ask(bytes.clone(), step).await;
            let draft = outcome.unwrap();
            assert_eq!(draft.text, "30 Sekünden.");
            assert_eq!(
                (draft.quotes[0].passage, draft.quotes[0].text.as_str()),
                (0, "A lease lasts 30 seconds.")
            );
            assert_eq!(
                (draft.model.as_str(), draft.truncated),
                ("claude-sonnet-4-5-20250929", false)
            );
            assert_eq!((draft.usage.input_tokens, draft.usage.output_tokens), (100, 10));
            assert_eq!(draft.usage.cost_micro_usd, Some(450));
        }
    }

    #[tokio::test]
    async fn the_request_is_of_the_agreed_form() {
        let (_, head, body) = ask(reply("200 OK", "text/event-stream", &whole_answer()), 9999).await;
        assert!(head.starts_with("POST /v1/messages HTTP/1.1"), "{head}");
        assert!(
            head.contains("x-api-key: sk-canary") && head.contains("anthropic-version: 2023-06-01"),
            "{head}"
        );
        assert_eq!(
            (&body["stream"], &body["max_tokens"], &body["model"]),
            (&json!(true), &json!(64), &json!("claude-sonnet-4-5"))
        );
        let content = body["messages"][0]["content"].as_array().unwrap();
        assert_eq!(content.len(), 2, "a passage stays within its block");
        assert_eq!(content[0]["type"], "search_result");
        assert_eq!(content[0]["citations"], json!({"enabled": true}));
        assert_eq!(
            content[0]["content"][0],
            json!({"type": "text", "text": "A lease lasts 30 seconds. "})
        );
        assert_eq!(content[1]["type"], "text");
        assert!(!body.to_string().contains("</search_result"));
    }

    #[tokio::test]
    async fn a_reply_that_is_no_answer_is_judged() {
        let overloaded = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
        let stream = |body: &str| reply("200 OK", "text/event-stream", body);
        let mut cut = stream(&whole_answer());
        cut.truncate(cut.len() - 60);
        for (bytes, verdict) in [
            (
                reply("529 Overloaded", "application/json", &overloaded.to_string()),
                Verdict::Retry {
                    after: None,
                    burns_attempt: false,
                },
            ),
            (reply("401 Unauthorized", "text/html", "<html>"), Verdict::CONFIGURATION),
            (reply("302 Found", "text/html", ""), Verdict::CONFIGURATION),
            (
                stream(&(start() + &event(&overloaded))),
                Verdict::Retry {
                    after: None,
                    burns_attempt: false,
                },
            ),
            (stream(&start()), Verdict::RETRY),
            (cut, Verdict::RETRY),
            (Vec::new(), Verdict::RETRY),
            (b"SSH-2.0-OpenSSH\r\n".to_vec(), Verdict::RETRY),
            (reply("200 OK", "text/html", "<html>"), Verdict::PROTOCOL),
            (stream("data: {\"type\": \"message_start\"\n\n"), Verdict::PROTOCOL),
            (stream(&":\n".repeat(MAX_REPLY_BYTES)), Verdict::PROTOCOL),
            (
                stream(&format!("data: {}", "x".repeat(2 * MAX_REPLY_BYTES))),
                Verdict::PROTOCOL,
            ),
        ] {
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
            let failure = ask(bytes, 100_000).await.0.unwrap_err();
            assert_eq!(failure.verdict, verdict, "{failure} for {shown}");
            assert!(!failure.reason.contains("canary"), "{failure}");
        }
    }

    #[tokio::test]
    async fn what_was_consumed_before_a_call_broke_or_was_dropped_is_metered() {
        for breaks in [true, false] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let client = Anthropic::connect(config(format!("http://{}", listener.local_addr().unwrap()))).unwrap();
            let (sent, was_sent) = tokio::sync::oneshot::channel();
            let provider = tokio::spawn(async move {
                let (mut socket, _) = listener.accept().await.unwrap();
                receive(&mut socket).await;
                // A whole first event of a reply that is said to be longer.
                let beginning = String::from_utf8(reply("200 OK", "text/event-stream", &start())).unwrap();
                let beginning = beginning.replace("content-length: ", "content-length: 9");
                socket.write_all(beginning.as_bytes()).await.unwrap();
                let _ = sent.send(());
                if !breaks {
                    std::future::pending::<()>().await;
                }
            });
            let question = QuestionText::parse("How long?").unwrap();
            let (meter, sources) = (Meter::default(), passages());
            tokio::select! {
                () = async {
                    was_sent.await.unwrap();
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }, if !breaks => {}
                outcome = client.draft(&question, &sources, None, &meter) => {
                    assert_eq!(outcome.unwrap_err().verdict, Verdict::RETRY);
                }
            }
            provider.abort();
            let usage = meter.total();
            assert_eq!(
                (usage.input_tokens, usage.cost_micro_usd),
                (100, Some(300)),
                "breaks: {breaks}"
            );
        }
    }

    #[tokio::test]
    async fn a_provider_that_does_not_answer_costs_no_more_than_the_time_left() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = Anthropic::connect(config(format!("http://{}", listener.local_addr().unwrap()))).unwrap();
        let question = QuestionText::parse("How long?").unwrap();
        let failure = client
            .draft(&question, &passages(), Some(DELAYS), &Meter::default())
            .await
            .unwrap_err();
        assert_eq!(failure.verdict, Verdict::RETRY, "{failure}");
        let failure = client
            .draft(&question, &passages(), Some(Duration::ZERO), &Meter::default())
            .await
            .unwrap_err();
        assert_eq!(
            failure.verdict,
            Verdict::Retry {
                after: None,
                burns_attempt: false
            }
        );
        drop(listener);
        let failure = client
            .draft(&question, &passages(), None, &Meter::default())
            .await
            .unwrap_err();
        assert_eq!(
            (failure.verdict, failure.reason.as_str()),
            (Verdict::RETRY, "the model's provider could not be connected to")
        );
        let unasked = client.draft(&question, &[], None, &Meter::default()).await.unwrap();
        assert_eq!((unasked.quotes.len(), unasked.model.as_str()), (0, "claude-sonnet-4-5"));
    }

    #[tokio::test]
    async fn nothing_travels_in_the_clear_to_another_machine() {
        let question = QuestionText::parse("How long?").unwrap();
        for base_url in ["http://192.0.2.1", "http://localhost:80@192.0.2.1"] {
            let client = Anthropic::connect(config(base_url.to_owned())).unwrap();
            let failure = client
                .draft(&question, &passages(), Some(Duration::from_secs(5)), &Meter::default())
                .await
                .unwrap_err();
            assert_eq!(
                failure.verdict,
                Verdict::Discard {
                    code: FailureCode::LlmConfiguration
                },
                "{failure}"
            );
        }
    }

    #[test]
    fn what_cannot_be_sent_stops_the_start_and_the_key_is_never_shown() {
        assert!(Anthropic::connect(config("https://exa mple".to_owned())).is_err());
        let key = AnthropicConfig {
            api_key: SecretString::from("a\nb"),
            ..config("https://example.com".to_owned())
        };
        assert!(Anthropic::connect(key).is_err());
        let client = Anthropic::connect(config("https://example.com".to_owned())).unwrap();
        assert!(!format!("{client:?}").contains("canary"));
    }
}
