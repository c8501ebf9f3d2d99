//! `POST /api/auth/login`: signs in. An unknown address and a wrong password get the same answer after the same work.

use axum::Json;
use axum::extract::State;
use secrecy::SecretString;
use serde::Deserialize;
use shared::db::users;
use shared::domain::Email;

use super::SignedIn;
use crate::app::App;
use crate::auth::PlainPassword;
use crate::body::JsonBody;
use crate::error::ApiError;

/// The request.
#[derive(Deserialize)]
pub(crate) struct Body {
    email: String,
    password: SecretString,
}

pub(crate) async fn login(State(app): State<App>, JsonBody(body): JsonBody<Body>) -> Result<Json<SignedIn>, ApiError> {
    let email = Email::parse(&body.email).map_err(|_| ApiError::WrongCredentials)?;
    let password = PlainPassword::to_compare(body.password).ok_or(ApiError::WrongCredentials)?;
    let found = users::credentials_by_email(&mut app.db.session().await?, &email).await?;
    let hash = found.as_ref().map(|found| found.password_hash.clone());
    let fits = app
        .passwords
        .verify(password, hash)
        .await
        .map_err(|error| ApiError::Internal(error.to_string()))?;
    match found {
        Some(found) if fits => Ok(Json(SignedIn::new(&app, found.user)?)),
        _ => Err(ApiError::WrongCredentials),
    }
}
