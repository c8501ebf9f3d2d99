//! `POST /api/auth/login`: signs in. An unknown address and a wrong password get the same answer after the same work.

use axum::Json;
use axum::extract::State;
use secrecy::SecretString;
use serde::Deserialize;
use shared::db::users::{self, User};
use shared::domain::Email;
use utoipa::ToSchema;

use super::user_agent::UserAgent;
use super::{SignedIn, begin_session};
use crate::app::App;
use crate::auth::{Comparison, PlainPassword};
use crate::body::JsonBody;
use crate::error::ApiError;
use crate::limits::Visitor;
use crate::openapi::fields;

/// The request.
#[derive(Deserialize, ToSchema)]
#[schema(as = Credentials)]
pub(crate) struct Body {
    email: String,
    #[schema(schema_with = fields::any_password)]
    password: SecretString,
}

/// Signs in.
#[utoipa::path(
    post,
    path = "/api/auth/login",
    operation_id = "signIn",
    security(()),
    request_body = Body,
    responses(
        (status = 200, description = "Signed in.", body = SignedIn,
            links(("refresh" = (operation_id = "refreshTokens",
                request_body = json!({"refreshToken": "$response.body#/refreshToken"}))))),
        (status = 401, description = "`wrong_credentials`: the address or the password is wrong.",
            headers(("WWW-Authenticate" = String))),
    ),
)]
pub(crate) async fn login(
    State(app): State<App>,
    visitor: Visitor,
    agent: UserAgent,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<SignedIn>, ApiError> {
    let email = Email::parse(&body.email).map_err(|_| ApiError::WrongCredentials)?;
    let password = PlainPassword::to_compare(body.password).ok_or(ApiError::WrongCredentials)?;
    let attempt = visitor.begin_sign_in(&app, &email).await?;
    let user = proven(&app, &email, password)
        .await
        .inspect_err(|error| note_refusal(error, &email))?;
    let begun = begin_session(&app, &mut app.db.session().await?, user.id, agent).await?;
    let begun = begun.ok_or(ApiError::WrongCredentials)?;
    attempt.succeeded(&app).await;
    Ok(Json(SignedIn::new(&app, user, begun).await?))
}

/// The user whose password this is. No connection is held while hashing.
async fn proven(app: &App, email: &Email, password: PlainPassword) -> Result<User, ApiError> {
    let found = users::credentials_by_email(&mut app.db.session().await?, email).await?;
    let hash = found.as_ref().map(|found| found.password_hash.clone());
    let comparison = app.passwords.compare(password.clone(), hash).await?;
    let found = found.ok_or(ApiError::WrongCredentials)?;
    match comparison {
        Comparison::Wrong => return Err(ApiError::WrongCredentials),
        Comparison::Fits => {}
        Comparison::FitsOldHash => {
            let renewed = app.passwords.hash(password).await?;
            let mut db = app.db.session().await?;
            users::renew_hash(&mut db, found.user.id, &found.password_hash, &renewed).await?;
        }
    }
    Ok(found.user)
}

/// So that an operator sees many guesses at one account, or a few at each of many. Who knows the address knows its name
/// here; nobody else learns it.
fn note_refusal(error: &ApiError, email: &Email) {
    if matches!(error, ApiError::WrongCredentials) {
        tracing::warn!(outcome = "refused", account = email.short_digest(), "sign-in");
    }
}
