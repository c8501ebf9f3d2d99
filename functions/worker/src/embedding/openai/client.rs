//! Calls the embeddings API.

use std::pin::pin;
use std::time::Duration;

use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::header::{AUTHORIZATION, HeaderValue, InvalidHeaderValue};
use reqwest::{Client, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use shared::config::OpenAiConfig;
use time::OffsetDateTime;
use tokio::time::{Instant, sleep, timeout_at};

use super::batches::batches;
use super::status::refused;
use super::wire::{Kind, Reply, Request};
use crate::embedding::failure::{EmbeddingFailure, Verdict};
use crate::embedding::vectors::{self, MAX_DIMENSION};
use crate::outbound::{self, Key, Unread, bounded};

/// How many calls of one document run at once.
const CALLS_AT_ONCE: usize = 4;

/// How often a call that failed is repeated at once. What lasts longer is for the queue to repeat.
const MAX_REPEATS: u32 = 2;

/// The pause before the first repetition, if the service names none. The next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Somebody waits for the answer to a question, and passages are found by words alone if the vector does not come.
const QUESTION_LIMIT: Duration = Duration::from_secs(5);

/// The most bytes that a number, its comma and white space have in a reply.
const BYTES_OF_A_NUMBER: usize = 32;

/// The most bytes that are read of a refusal, and of a reply besides its numbers.
const BYTES_AROUND: usize = 64 * 1024;

/// What stands for a text without a visible character: the services refuse those.
const BLANK: &str = ".";

/// A connection to a service with the embeddings API of OpenAI, shared by all calls.
#[derive(Debug, Clone)]
pub struct OpenAi {
    http: Client,
    url: Url,
    /// `None` for a service that asks for no key.
    key: Option<Key>,
    config: OpenAiConfig,
}

impl OpenAi {
    /// Prepares the client. Nothing is sent yet.
    ///
    /// # Errors
    /// If the address or the key cannot be part of a request, or the TLS library cannot start.
    pub fn connect(config: OpenAiConfig) -> anyhow::Result<Self> {
        let address = format!("{}/embeddings", config.url);
        let http = outbound::client(&address)?;
        // Built once without being sent: a wrong address stops the start and not the first document.
        let sample = http.post(address).build().context("EMBEDDINGS_URL cannot be used")?;
        let keyed = |key| {
            let first = authorization(key)?;
            let variable = "EMBEDDINGS_API_KEY";
            anyhow::Ok(Key::new(&config.source, variable, AUTHORIZATION, first, authorization))
        };
        let key = config.api_key.as_ref().map(keyed).transpose();
        Ok(Self {
            http,
            url: sample.url().clone(),
            key: key.context("EMBEDDINGS_API_KEY cannot be sent")?,
            config,
        })
    }

    /// The model's name as the settings give it.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.config.model
    }

    /// The vectors of passages, in their order.
    ///
    /// # Errors
    /// [`EmbeddingFailure`], the first one.
    pub async fn passages(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbeddingFailure> {
        let calls = batches(texts, self.config.batch_size).into_iter().map(|batch| {
            let texts = batch.iter().map(String::as_str).collect();
            self.embed(texts, Kind::Document, self.config.timeout)
        });
        // The compiler cannot see otherwise that this may go to another thread.
        let calls: Vec<_> = calls.collect();
        let vectors: Vec<Vec<Vec<f32>>> = stream::iter(calls).buffered(CALLS_AT_ONCE).try_collect().await?;
        // Once more for all: another batch may have come from another model.
        vectors::checked(vectors.concat(), texts.len())
    }

    /// The vector of a question.
    ///
    /// # Errors
    /// [`EmbeddingFailure`], after some seconds at the latest.
    pub async fn question(&self, text: &str) -> Result<Vec<f32>, EmbeddingFailure> {
        let limit = self.config.timeout.min(QUESTION_LIMIT);
        let vectors = self.embed(vec![text], Kind::Query, limit).await?;
        Ok(vectors.concat())
    }

    /// One batch, with its repetitions.
    async fn embed(&self, texts: Vec<&str>, kind: Kind, limit: Duration) -> Result<Vec<Vec<f32>>, EmbeddingFailure> {
        let deadline = Instant::now() + limit;
        let blank = |text| if str::trim(text).is_empty() { BLANK } else { text };
        let request = Request {
            model: &self.config.model,
            input: texts.into_iter().map(blank).collect(),
            input_type: is_voyage(&self.url).then_some(kind),
        };
        let mut repeats = 0;
        loop {
            let outcome = timeout_at(deadline, self.call(&request)).await.unwrap_or_else(|_| {
                let reason = format!("the embeddings service gave no complete reply within {limit:?}");
                Err(EmbeddingFailure::new(Verdict::RETRY, reason))
            });
            let failure = match outcome {
                Ok(vectors) => return Ok(vectors),
                Err(failure) => failure,
            };
            let pause = pause(&failure, repeats).filter(|pause| Instant::now() + *pause < deadline);
            let Some(pause) = pause else { return Err(failure) };
            tracing::debug!(%failure, ?pause, "embeddings are asked for again");
            sleep(pause).await;
            repeats += 1;
        }
    }

    async fn call(&self, request: &Request<'_>) -> Result<Vec<Vec<f32>>, EmbeddingFailure> {
        let sending = self.http.post(self.url.clone()).json(request);
        let response = match &self.key {
            Some(key) => key.send(sending).await,
            None => sending.send().await,
        };
        let response = response.map_err(|error| unreachable(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        if status != StatusCode::OK {
            // If the body cannot be read, the status alone speaks.
            let body = read(response, BYTES_AROUND).await.unwrap_or_default();
            return Err(refused(status, &headers, &body, OffsetDateTime::now_utc()));
        }
        let texts = request.input.len();
        let limit = BYTES_AROUND + texts * MAX_DIMENSION * BYTES_OF_A_NUMBER;
        let body = read(response, limit).await.map_err(|unread| match unread {
            Unread::Broken(error) => unreachable(&error),
            Unread::TooLarge => unintelligible(&format!("is larger than {limit} bytes")),
        })?;
        // The parser's own message could repeat what was sent.
        let reply: Reply = serde_json::from_slice(&body)
            .map_err(|_| unintelligible("is no list of vectors in the form of OpenAI's"))?;
        vectors::checked(reply.in_order(texts)?, texts)
    }
}

fn authorization(key: &SecretString) -> Result<HeaderValue, InvalidHeaderValue> {
    HeaderValue::try_from(format!("Bearer {}", key.expose_secret()))
}

/// How long to wait before a failed call is repeated; `None`: it is not.
fn pause(failure: &EmbeddingFailure, repeats: u32) -> Option<Duration> {
    match failure.verdict {
        Verdict::Retry { after, .. } if repeats < MAX_REPEATS => {
            // Spread a little, so that calls that failed together do not come back together.
            let own = FIRST_PAUSE * 2_u32.pow(repeats);
            Some(after.unwrap_or_else(|| own.mul_f64(0.75 + 0.5 * fastrand::f64())))
        }
        Verdict::Retry { .. } | Verdict::Discard => None,
    }
}

/// Voyage's models are told what they embed. The vectors remain comparable with those made without.
fn is_voyage(url: &Url) -> bool {
    matches!(url.host_str(), Some("api.voyageai.com" | "ai.mongodb.com"))
}

async fn read(response: Response, limit: usize) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    let mut chunks = pin!(bounded(response, limit));
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(chunk?.as_ref());
    }
    Ok(body)
}

fn unintelligible(what: &str) -> EmbeddingFailure {
    EmbeddingFailure::new(Verdict::Discard, format!("the embeddings service's reply {what}"))
}

/// No connection, or one that broke: it may work the next time. The error's own text is not logged, for it holds the
/// address with whatever an operator put into it.
fn unreachable(error: &reqwest::Error) -> EmbeddingFailure {
    let what = match error {
        // Among them: plain HTTP to another machine.
        error if error.is_builder() => {
            return EmbeddingFailure::new(Verdict::Discard, "the request for embeddings could not be built");
        }
        error if error.is_timeout() => "did not accept a connection in time",
        error if error.is_connect() => "could not be connected to",
        _ => "broke the connection",
    };
    EmbeddingFailure::new(Verdict::RETRY, format!("the embeddings service {what}"))
}

#[cfg(test)]
mod tests;
