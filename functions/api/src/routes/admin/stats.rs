//! `GET /api/admin/stats`: the deployment in numbers.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::db::deployment::{self, Numbers};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Action, CurrentUser};
use crate::error::ApiError;

/// The response.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeploymentStats)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stats {
    users: u64,
    documents: Documents,
    open_jobs: OpenJobs,
    last_day: Ends,
    tokens: Tokens,
}

/// Documents of all collections, by their status.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeploymentDocuments)]
struct Documents {
    ready: u64,
    queued: u64,
    failed: u64,
}

/// Jobs of all kinds that have not ended.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OpenJobs {
    count: u64,
    /// How long ago the oldest was accepted; 0 if there is none.
    oldest_seconds: u64,
}

/// How the questions ended that were accepted within the last 24 hours. Answers from the cache are not among them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeploymentLastDay)]
struct Ends {
    completed: u64,
    failed: u64,
    cancelled: u64,
    expired: u64,
}

/// What all users have consumed, of questions and answers together. Days and months are those of UTC.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeploymentTokens)]
struct Tokens {
    today: u64,
    month: u64,
}

/// Shows the deployment in numbers, to admins.
#[utoipa::path(get, path = "/api/admin/stats", operation_id = "showDeploymentStats", responses(
    (status = 200, description = "Numbers over all users, and nothing of any of them.", body = Stats),
    (status = 404, description = "`not_found`: the caller is no admin."),
))]
pub(crate) async fn show(State(app): State<App>, user: CurrentUser) -> Result<Json<Stats>, ApiError> {
    let asker = user.admit(&app, Action::ReadAccount).await?;
    let numbers = deployment::numbers(&mut app.db.session().await?, asker).await?;
    Ok(Json(Stats::from(numbers.ok_or(ApiError::NotFound)?)))
}

impl From<Numbers> for Stats {
    fn from(numbers: Numbers) -> Self {
        let (documents, ends) = (numbers.documents, numbers.last_day);
        Self {
            users: numbers.users,
            documents: Documents {
                ready: documents.ready,
                queued: documents.queued,
                failed: documents.failed,
            },
            open_jobs: OpenJobs {
                count: numbers.open_jobs,
                oldest_seconds: numbers.oldest_open_job.as_secs(),
            },
            last_day: Ends {
                completed: ends.completed,
                failed: ends.failed,
                cancelled: ends.cancelled,
                expired: ends.expired,
            },
            tokens: Tokens {
                today: numbers.tokens_today,
                month: numbers.tokens_this_month,
            },
        }
    }
}
