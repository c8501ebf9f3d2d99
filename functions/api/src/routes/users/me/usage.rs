//! `GET /api/users/me/usage`: what the caller has consumed of the language model, and may still consume.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use shared::db::budgets;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Action, CurrentUser};
use crate::error::ApiError;
use crate::routes::rfc3339;

/// The response. Days and months are those of UTC.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TokenUsage)]
pub(crate) struct Usage {
    today: Span,
    month: Span,
}

/// In tokens, of questions and answers together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TokenUsageOfSpan)]
#[serde(rename_all = "camelCase")]
struct Span {
    used_tokens: u64,
    /// Held back for questions that have not ended, at the most that they may cost.
    reserved_tokens: u64,
    /// `null`: there is no limit.
    budget_tokens: Option<u64>,
    #[schema(format = DateTime)]
    resets_at: String,
}

/// Says what the caller has consumed of the language model, and may still consume.
#[utoipa::path(get, path = "/api/users/me/usage", operation_id = "showUsage", responses(
    (status = 200, description = "Today's and this month's tokens, by UTC.", body = Usage),
))]
pub(crate) async fn show(State(app): State<App>, user: CurrentUser) -> Result<Json<Usage>, ApiError> {
    let owner = user.admit(&app, Action::ReadAccount).await?;
    let account = budgets::account(&mut app.db.session().await?, owner)
        .await?
        .ok_or(ApiError::Unauthorized)?;
    let span = |used_tokens, budget_tokens, ends: OffsetDateTime| Span {
        used_tokens,
        reserved_tokens: account.reserved,
        budget_tokens,
        resets_at: rfc3339(ends),
    };
    let (daily, monthly) = app.budget.map_or((None, None), |budget| (budget.daily, budget.monthly));
    Ok(Json(Usage {
        today: span(account.used_today, daily, account.day_ends),
        month: span(account.used_this_month, monthly, account.month_ends),
    }))
}
