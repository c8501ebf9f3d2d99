//! `GET /api/ask/{id}`: how a question stands. A job that failed is read like any other: the status says so.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use shared::db::jobs::{self, JobView};
use shared::domain::{ChatId, FailureCode, JobId, JobStatus};

use super::AnswerView;
use crate::app::App;
use crate::auth::CurrentUser;
use crate::error::ApiError;
use crate::routes::{id_of_path, rfc3339};

/// The response. What a status has nothing to say about is left out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Job {
    job_id: JobId,
    chat_id: ChatId,
    status: JobStatus,
    attempt: i32,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    answer: Option<AnswerView>,
}

pub(crate) async fn poll(
    State(app): State<App>,
    user: CurrentUser,
    Path(id): Path<String>,
) -> Result<Json<Job>, ApiError> {
    let id = id_of_path(&id)?;
    let found = jobs::find(&mut app.db.session().await?, user.0, id).await?;
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
