//! `DELETE /api/ask/{id}`: the asker does not want the answer any more.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::db::jobs::{self, Cancellation};
use shared::domain::{JobId, JobStatus};
use shared::telemetry::{Metric, measures};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Action, CurrentUser};
use crate::error::ApiError;
use crate::routes::{PathId, send_to_worker};

/// The response while a worker is still at the job: it will notice soon.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Cancelling {
    job_id: JobId,
    status: JobStatus,
}

/// Cancels a question.
#[utoipa::path(
    delete,
    path = "/api/ask/{id}",
    operation_id = "cancelQuestion",
    params(("id" = JobId, Path)),
    responses(
        (status = 204, description = "It will not be answered."),
        (status = 202, description = "A worker is at it, and will notice soon.", body = Cancelling),
        (status = 409, description = "`job_ended`: it has ended in another way, which does not change."),
    ),
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    user: CurrentUser,
    PathId(job_id): PathId<JobId>,
) -> Result<Response, ApiError> {
    let owner = user.admit(&app, Action::Cancel).await?;
    let cancelled = jobs::cancel(&mut app.db.session().await?, owner, job_id).await?;
    let is_worked_on = match cancelled {
        Cancellation::Cancelled { is_worked_on, heir } => {
            measures::count(Metric::JobsCancelled);
            measures::note("outcome", "cancelled");
            measures::note("job_id", job_id.to_string());
            if let Some(heir) = heir {
                // It may hold a lease by now; then the message waits for that to end, should the worker die.
                send_to_worker(&app, heir).await;
            }
            is_worked_on
        }
        Cancellation::Already => false,
        Cancellation::Ended(status) => return Err(ApiError::JobEnded(status)),
        Cancellation::NoSuchJob => return Err(ApiError::NotFound),
    };
    if is_worked_on {
        let status = JobStatus::Cancelled;
        Ok((StatusCode::ACCEPTED, Json(Cancelling { job_id, status })).into_response())
    } else {
        Ok(StatusCode::NO_CONTENT.into_response())
    }
}
