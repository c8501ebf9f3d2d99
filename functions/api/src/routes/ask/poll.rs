//! `GET /api/ask/{id}`: how a question stands. A job that failed is read like any other: the status says so.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::db::jobs::{self, JobView};
use shared::domain::{ChatId, FailureCode, JobId, JobStatus};
use utoipa::ToSchema;

use super::AnswerView;
use crate::app::App;
use crate::auth::{Action, CurrentUser};
use crate::error::ApiError;
use crate::routes::{PathId, rfc3339};

/// The response. What a status has nothing to say about is left out.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Job {
    job_id: JobId,
    chat_id: ChatId,
    status: JobStatus,
    #[schema(minimum = 0)]
    attempt: i32,
    #[schema(format = DateTime)]
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    finished_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    retry_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = FailureCode)]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    answer: Option<AnswerView>,
}

/// Says how a question stands.
#[utoipa::path(
    get,
    path = "/api/ask/{id}",
    operation_id = "pollQuestion",
    params(("id" = JobId, Path)),
    responses(
        (status = 200, description = "How the question stands.", body = Job,
            links(("again" = (operation_id = "pollQuestion", parameters(("id" = "$response.body#/jobId")))),
                  ("cancel" = (operation_id = "cancelQuestion", parameters(("id" = "$response.body#/jobId")))),
                  ("messages" = (operation_id = "listMessages", parameters(("id" = "$response.body#/chatId")))))),
    ),
)]
pub(crate) async fn poll(
    State(app): State<App>,
    user: CurrentUser,
    PathId(id): PathId<JobId>,
) -> Result<Json<Job>, ApiError> {
    let owner = user.admit(&app, Action::Poll).await?;
    let found = jobs::find(&mut app.db.session().await?, owner, id).await?;
    found.map(|job| Json(Job::from(job))).ok_or(ApiError::NotFound)
}

impl From<JobView> for Job {
    fn from(job: JobView) -> Self {
        let (source, usage) = (job.source.unwrap_or_default(), job.usage);
        let answer = job.answer.map(|answer| AnswerView::new(answer, source, usage));
        Self {
            job_id: job.id,
            chat_id: job.chat,
            status: job.status,
            attempt: job.attempt,
            created_at: rfc3339(job.created_at),
            finished_at: job.finished_at.map(rfc3339),
            retry_at: job.retry_at.map(rfc3339),
            error: job.error_code.as_deref().map(FailureCode::public_text),
            code: job.error_code,
            answer,
        }
    }
}
