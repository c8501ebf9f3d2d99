//! `POST /api/ask`: answers from the cache at once, or accepts the question as a job.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde::{Deserialize, Serialize};
use shared::cache::Lookup;
use shared::db::jobs::{self, Acceptance, NewQuestion};
use shared::db::{chats, collections};
use shared::domain::collection::ScopeError;
use shared::domain::{
    Answer, AnswerKey, ChatId, CollectionId, CollectionScope, Invalid, JobId, JobKind, JobStatus, QuestionText, Recipe,
    UserId,
};
use shared::job_message::JobMessage;

use super::AnswerView;
use crate::app::App;
use crate::auth::CurrentUser;
use crate::body::{Fields, JsonBody};
use crate::error::ApiError;
use crate::routes::send_to_worker;

/// The request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Body {
    query: String,
    chat_id: Option<String>,
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

/// The response of a cache hit.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    #[serde(flatten)]
    answer: AnswerView,
    chat_id: Option<ChatId>,
}

/// The response of an accepted question.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Accepted {
    job_id: JobId,
    chat_id: ChatId,
    status: JobStatus,
}

pub(crate) async fn create(
    State(app): State<App>,
    user: CurrentUser,
    JsonBody(body): JsonBody<Body>,
) -> Result<Response, ApiError> {
    let ask = parse(body, user.0, &app.recipe)?;
    match fresh_answer(&app, &ask).await? {
        Some(answer) => answer_now(&app, &ask, answer).await,
        None => accept(&app, &ask).await,
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

/// One Redis round trip. Only if Redis has forgotten the collections' versions, Postgres is asked for them.
async fn fresh_answer(app: &App, ask: &Ask) -> Result<Option<Answer>, ApiError> {
    match app.cache.find(&ask.key, &ask.scope).await {
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
    tracing::info!(outcome = "cache_hit", "question answered");
    let answered = Answered {
        answer: AnswerView::new(answer, "cache".to_owned(), None),
        chat_id: ask.chat,
    };
    Ok(Json(answered).into_response())
}

async fn accept(app: &App, ask: &Ask) -> Result<Response, ApiError> {
    let new = NewQuestion {
        owner: ask.asker,
        chat: ask.chat,
        question: &ask.question,
        scope: &ask.scope,
        key: ask.key,
        deadline: app.config.job_deadline,
    };
    let accepted = jobs::accept_question(&mut app.db.session().await?, &new).await?;
    let (job_id, chat_id) = match accepted {
        Acceptance::Accepted { job, chat } => (job, chat),
        Acceptance::NoSuchChat => return Err(ApiError::NotFound),
        Acceptance::NoSuchUser => return Err(ApiError::Unauthorized),
    };
    send_to_worker(
        app,
        JobMessage {
            kind: JobKind::AnswerQuestion,
            job_id,
        },
    )
    .await;
    tracing::info!(outcome = "accepted", %job_id, "question accepted");
    let headers = AppendHeaders([
        (header::LOCATION, format!("/api/ask/{job_id}")),
        (header::RETRY_AFTER, "1".to_owned()),
    ]);
    Ok((
        StatusCode::ACCEPTED,
        headers,
        Json(Accepted {
            job_id,
            chat_id,
            status: JobStatus::Queued,
        }),
    )
        .into_response())
}
