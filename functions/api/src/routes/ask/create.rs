//! `POST /api/ask`: answers from the cache at once, or accepts the question as a job.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde::{Deserialize, Serialize};
use shared::cache::Lookup;
use shared::db::idempotency::{self as idempotency_keys, Keyed, Operation, Taken};
use shared::db::jobs::{self, Acceptance, Limits, NewQuestion};
use shared::db::{Session, chats, collections};
use shared::domain::collection::ScopeError;
use shared::domain::{
    Answer, AnswerKey, ChatId, CollectionId, CollectionScope, Invalid, JobId, JobStatus, QuestionText, Recipe, UserId,
};
use shared::job_message::JobMessage;
use shared::telemetry::{Metric, measures};
use utoipa::ToSchema;

use super::AnswerView;
use crate::app::App;
use crate::auth::{Action, CurrentUser};
use crate::body::{Fields, JsonBody};
use crate::error::ApiError;
use crate::idempotency::{self, IdempotencyKey};
use crate::openapi::fields;
use crate::routes::send_to_worker;

/// The request.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Question)]
pub(crate) struct Body {
    #[schema(schema_with = fields::question)]
    query: String,
    /// Where the turn is recorded; an accepted question begins a chat if it is left out.
    #[schema(value_type = Option<ChatId>)]
    chat_id: Option<String>,
    /// Where to search; everywhere the caller may read, if it is left out.
    #[schema(value_type = Option<Vec<CollectionId>>, min_items = 1)]
    collections: Option<Vec<String>>,
}

/// A question whose asker may search where it wants to be searched.
struct Ask {
    asker: UserId,
    question: QuestionText,
    chat: Option<ChatId>,
    scope: CollectionScope,
    key: AnswerKey,
}

impl Ask {
    /// What is looked for in the cache.
    fn wanted(&self) -> (&AnswerKey, &CollectionScope) {
        (&self.key, &self.scope)
    }
}

/// The response of a cache hit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Answered {
    #[serde(flatten)]
    answer: AnswerView,
    chat_id: Option<ChatId>,
}

/// The response of an accepted question.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Accepted {
    job_id: JobId,
    chat_id: ChatId,
    status: JobStatus,
}

/// Answers a question from the cache at once, or accepts it as a job.
#[utoipa::path(
    post,
    path = "/api/ask",
    operation_id = "ask",
    params(IdempotencyKey),
    request_body = Body,
    responses(
        (status = 200, description = "Answered from the cache.", body = Answered),
        (status = 202, description = "Accepted as a job.", body = Accepted,
            headers(("Location" = String, description = "Where to poll."),
                    ("Retry-After" = u32, description = "Seconds to wait before the first poll.")),
            links(("poll" = (operation_id = "pollQuestion", parameters(("id" = "$response.body#/jobId")))),
                  ("cancel" = (operation_id = "cancelQuestion", parameters(("id" = "$response.body#/jobId")))),
                  ("deleteChat" = (operation_id = "deleteChat", parameters(("id" = "$response.body#/chatId")))),
                  ("messages" = (operation_id = "listMessages", parameters(("id" = "$response.body#/chatId")))),
                  ("goOn" = (operation_id = "ask", request_body = json!(
                      {"query": "And for how long?", "chatId": "$response.body#/chatId", "collections": null}))))),
        (status = 404, description = "`not_found`: no such chat or collection, or not the caller's."),
    ),
)]
pub(crate) async fn create(
    State(app): State<App>,
    user: CurrentUser,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(body): JsonBody<Body>,
) -> Result<Response, ApiError> {
    let fingerprint = idempotency::fingerprint(&body);
    if let Some(key) = key {
        let asker = user.admit(&app, Action::Ask).await?;
        let ask = parse(body, asker, &app.recipe)?;
        let request = Keyed {
            owner: ask.asker,
            operation: Operation::Ask,
            key: &key,
            fingerprint,
        };
        return accept_once(&app, &ask, &request).await;
    }
    let read = |asker| parse(body, asker, &app.recipe);
    let (ask, found) = user.admit_to_ask(&app, read, Ask::wanted).await?;
    match fresh_answer(&app, &ask, found).await? {
        Some(answer) => answer_now(&app, &ask, answer).await,
        None => {
            count_miss(&app);
            accept(&app, &ask).await
        }
    }
}

fn count_miss(app: &App) {
    if app.cache.is_configured() {
        measures::count(Metric::CacheMisses);
    }
}

fn parse(body: Body, asker: UserId, recipe: &Recipe) -> Result<Ask, ApiError> {
    let mut fields = Fields::default();
    let question = fields.take("query", QuestionText::parse(&body.query));
    let chat = fields.take("chatId", body.chat_id.map(|id| id.parse()).transpose());
    let named = fields.take("collections", parse_ids(body.collections));
    let (Some(question), Some(chat), Some(named)) = (question, chat, named) else {
        return Err(fields.into_error());
    };
    let scope = match named {
        None => CollectionScope::everything_readable_by(asker),
        Some(named) => CollectionScope::named(asker, named).map_err(|error| match error {
            ScopeError::Empty => ApiError::field("collections", &Invalid::new(error.to_string())),
            ScopeError::NotFound => ApiError::NotFound,
        })?,
    };
    let key = AnswerKey::new(&scope, &question, recipe);
    Ok(Ask {
        asker,
        question,
        chat,
        scope,
        key,
    })
}

fn parse_ids(ids: Option<Vec<String>>) -> Result<Option<Vec<CollectionId>>, Invalid> {
    ids.map(|ids| ids.iter().map(|id| id.parse()).collect()).transpose()
}

/// Only if Redis has forgotten the collections' versions, Postgres is asked for them.
async fn fresh_answer(app: &App, ask: &Ask, found: Lookup) -> Result<Option<Answer>, ApiError> {
    match found {
        Lookup::Fresh(answer) => Ok(Some(answer)),
        Lookup::Absent => Ok(None),
        Lookup::Unproven(cached) => {
            let today = collections::versions(&mut app.db.session().await?, ask.asker, &ask.scope).await?;
            app.cache.publish_versions(&today).await;
            Ok((cached.versions == today).then_some(cached.answer))
        }
    }
}

/// A turn in a chat is recorded before it is answered, so that the chat never misses one.
async fn answer_now(app: &App, ask: &Ask, answer: Answer) -> Result<Response, ApiError> {
    if let Some(chat) = ask.chat {
        let mut db = app.db.session().await?;
        if !chats::record_cached_turn(&mut db, ask.asker, chat, &ask.question, &answer).await? {
            return Err(ApiError::NotFound);
        }
    }
    measures::count(Metric::CacheHits);
    measures::note("outcome", "cache_hit");
    let answered = Answered {
        answer: AnswerView::new(answer, "cache".to_owned(), None),
        chat_id: ask.chat,
    };
    Ok(Json(answered).into_response())
}

async fn accept(app: &App, ask: &Ask) -> Result<Response, ApiError> {
    let accepted = store(app, &mut app.db.session().await?, ask).await?;
    Ok(send_off(app, ask.asker, accepted).await)
}

/// With an `Idempotency-Key` the answer is always a job, so that a repetition can be answered by the same one.
async fn accept_once(app: &App, ask: &Ask, request: &Keyed<'_>) -> Result<Response, ApiError> {
    let mut db = app.db.session().await?;
    db.begin().await?;
    match idempotency_keys::take(&mut db, request).await? {
        Taken::New => {
            let accepted = store(app, &mut db, ask).await?;
            idempotency_keys::keep(&mut db, request, accepted.job_id.uuid()).await?;
            db.commit().await?;
            drop(db);
            Ok(send_off(app, ask.asker, accepted).await)
        }
        Taken::Same(job) => {
            let job = jobs::find(&mut db, ask.asker, JobId::from(job)).await?;
            db.commit().await?;
            let job = job.ok_or(ApiError::NotFound)?;
            say("repeated", job.id);
            let accepted = Accepted {
                job_id: job.id,
                chat_id: job.chat,
                status: job.status,
            };
            Ok(accepted.into_response(0))
        }
        Taken::Other => Err(ApiError::IdempotencyKeyReused),
        Taken::NoSuchUser => Err(ApiError::Unauthorized),
    }
}

/// A job that was just stored.
struct Stored {
    job_id: JobId,
    chat_id: ChatId,
    leader: Option<JobId>,
    ahead: u32,
}

async fn store(app: &App, db: &mut Session, ask: &Ask) -> Result<Stored, ApiError> {
    let new = NewQuestion {
        owner: ask.asker,
        chat: ask.chat,
        question: &ask.question,
        scope: &ask.scope,
        key: ask.key,
        deadline: app.config.job_deadline,
        limits: Limits {
            per_user: app.config.max_open_jobs_per_user,
            in_all: app.config.max_open_jobs,
        },
        budget: app.budget,
    };
    match jobs::accept_question(db, &new).await? {
        Acceptance::Accepted {
            job,
            chat,
            leader,
            ahead,
        } => Ok(Stored {
            job_id: job,
            chat_id: chat,
            leader,
            ahead,
        }),
        Acceptance::NoSuchChat => Err(ApiError::NotFound),
        Acceptance::NoSuchUser => Err(ApiError::Unauthorized),
        Acceptance::TooManyOfUser => Err(ApiError::TooManyOpenJobs),
        Acceptance::TooManyInAll => Err(ApiError::Busy),
        Acceptance::BudgetExhausted(exhausted) => Err(ApiError::from(exhausted)),
    }
}

/// A follower waits for its leader's answer, and needs no message.
async fn send_off(app: &App, asker: UserId, stored: Stored) -> Response {
    let job_id = stored.job_id;
    match stored.leader {
        None => {
            send_to_worker(app, JobMessage::to_answer(job_id).of(asker)).await;
            say("accepted", job_id);
            measures::count(Metric::Accepted);
        }
        Some(leader) => {
            say("joined", job_id);
            measures::note("leader", leader.to_string());
            measures::count(Metric::Coalesced);
        }
    }
    let accepted = Accepted {
        job_id,
        chat_id: stored.chat_id,
        status: JobStatus::Queued,
    };
    accepted.into_response(stored.ahead)
}

fn say(outcome: &'static str, job: JobId) {
    measures::note("outcome", outcome);
    measures::note("job_id", job.to_string());
}

impl Accepted {
    /// `ahead` is how many jobs are to be done first.
    fn into_response(self, ahead: u32) -> Response {
        let headers = AppendHeaders([
            (header::LOCATION, format!("/api/ask/{}", self.job_id)),
            (header::RETRY_AFTER, seconds_to_wait(ahead).to_string()),
        ]);
        (StatusCode::ACCEPTED, headers, Json(self)).into_response()
    }
}

/// A worker does about ten jobs in the time of one, which is a few seconds; so ten jobs are counted as a second. Nobody
/// is kept from asking for more than a minute.
fn seconds_to_wait(ahead: u32) -> u32 {
    (1 + ahead / 10).min(60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_the_queue_the_longer_the_wait() {
        assert_eq!([0, 9, 10, 100, 1000].map(seconds_to_wait), [1, 1, 2, 11, 60]);
    }
}
