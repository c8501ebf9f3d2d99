//! `POST /api/auth/refresh`: a refresh token for the next one and a new access token.

use axum::Json;
use axum::extract::State;
use secrecy::SecretString;
use serde::Deserialize;
use shared::cache::Claim;
use shared::db::refresh_tokens::{self, Rotation};
use shared::domain::RefreshToken;
use utoipa::ToSchema;

use super::Tokens;
use crate::app::App;
use crate::body::JsonBody;
use crate::error::ApiError;
use crate::limits::Visitor;

/// The request.
#[derive(Deserialize, ToSchema)]
#[schema(as = RefreshRequest)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Body {
    #[schema(value_type = String)]
    refresh_token: SecretString,
}

/// Replaces the tokens of a session. Each refresh token is good for one time.
#[utoipa::path(
    post,
    path = "/api/auth/refresh",
    operation_id = "refreshTokens",
    security(()),
    request_body = Body,
    responses(
        (status = 200, description = "The next tokens.", body = Tokens,
            links(("again" = (operation_id = "refreshTokens",
                request_body = json!({"refreshToken": "$response.body#/refreshToken"}))))),
        (status = 401, description = "`invalid_refresh_token`: it is none of ours, or was spent, or its session has ended.",
            headers(("WWW-Authenticate" = String))),
        (status = 409, description = "`refresh_in_progress`: it was spent a moment ago.",
            headers(("Retry-After" = u32))),
    ),
)]
pub(crate) async fn refresh(
    State(app): State<App>,
    visitor: Visitor,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Tokens>, ApiError> {
    let presented = RefreshToken::parse(&body.refresh_token).ok_or(ApiError::InvalidRefreshToken)?;
    visitor.may_refresh(&app).await?;
    let next = RefreshToken::generate()?;
    match rotate(&app, &presented, &next).await? {
        Rotation::Rotated { owner, session } => {
            let claim = Claim {
                id: session.uuid(),
                owner,
            };
            app.cache.note_alive(claim).await;
            Ok(Json(Tokens::issue(&app, (owner, session), &next)?))
        }
        Rotation::InProgress => Err(ApiError::RefreshInProgress),
        Rotation::Reused { .. } | Rotation::Unknown => Err(ApiError::InvalidRefreshToken),
    }
}

/// A session that a reused token ends is marked before that is committed and after, so that it is over at once.
async fn rotate(app: &App, presented: &RefreshToken, next: &RefreshToken) -> Result<Rotation, ApiError> {
    let mut db = app.db.session().await?;
    db.begin().await?;
    let rotation = refresh_tokens::rotate(&mut db, presented.digest(), next.digest(), app.session_lifetimes).await?;
    let Rotation::Reused { session } = rotation else {
        db.commit().await?;
        return Ok(rotation);
    };
    app.cache.mark_ended(&[session.uuid()]).await;
    db.commit().await?;
    app.cache.mark_ended(&[session.uuid()]).await;
    tracing::warn!(outcome = "reused", session_id = %session, "a spent refresh token came again; its session has ended");
    Ok(rotation)
}
