//! `POST /api/auth/register`: makes an account and signs in.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use shared::db::users::{self, Registration};
use shared::domain::Email;

use super::SignedIn;
use crate::app::App;
use crate::auth::PlainPassword;
use crate::body::{Fields, JsonBody};
use crate::error::ApiError;
use crate::routes::users::parse_name;

/// The request.
#[derive(Deserialize)]
pub(crate) struct Body {
    email: String,
    password: SecretString,
    name: Option<String>,
}

struct NewAccount {
    email: Email,
    password: PlainPassword,
    name: Option<String>,
}

pub(crate) async fn register(
    State(app): State<App>,
    JsonBody(body): JsonBody<Body>,
) -> Result<(StatusCode, Json<SignedIn>), ApiError> {
    let new = parse(body)?;
    let hash = app
        .passwords
        .hash(new.password)
        .await
        .map_err(|error| ApiError::Internal(error.to_string()))?;
    let mut db = app.db.session().await?;
    match users::register(&mut db, &new.email, &hash, new.name.as_deref()).await? {
        Registration::Registered(user) => Ok((StatusCode::CREATED, Json(SignedIn::new(&app, user)?))),
        Registration::EmailTaken => Err(ApiError::EmailTaken),
    }
}

fn parse(body: Body) -> Result<NewAccount, ApiError> {
    let mut fields = Fields::default();
    let email = fields.take("email", Email::parse(&body.email));
    let password = fields.take("password", PlainPassword::new(body.password));
    let name = fields.take("name", parse_name(body.name.as_deref()));
    match (email, password, name) {
        (Some(email), Some(password), Some(name)) => Ok(NewAccount { email, password, name }),
        _ => Err(fields.into_error()),
    }
}
