//! `POST /api/auth/register`: makes an account and signs in.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use shared::db::users::{self, Registration};
use shared::domain::Email;
use utoipa::ToSchema;

use super::user_agent::UserAgent;
use super::{SignedIn, begin_session};
use crate::app::App;
use crate::auth::PlainPassword;
use crate::body::{Fields, JsonBody};
use crate::error::ApiError;
use crate::limits::Visitor;
use crate::openapi::fields;
use crate::routes::users::parse_name;

/// The request.
#[derive(Deserialize, ToSchema)]
#[schema(as = Registration)]
pub(crate) struct Body {
    #[schema(schema_with = fields::email)]
    email: String,
    #[schema(schema_with = fields::password)]
    password: SecretString,
    #[schema(schema_with = fields::optional_name)]
    name: Option<String>,
}

struct NewAccount {
    email: Email,
    password: PlainPassword,
    name: Option<String>,
}

/// Makes an account and signs in.
#[utoipa::path(
    post,
    path = "/api/auth/register",
    operation_id = "signUp",
    security(()),
    request_body = Body,
    responses(
        (status = 201, description = "The account is made.", body = SignedIn,
            links(("refresh" = (operation_id = "refreshTokens",
                      request_body = json!({"refreshToken": "$response.body#/refreshToken"}))),
                  ("signIn" = (operation_id = "signIn",
                      request_body = json!({"email": "$request.body#/email", "password": "$request.body#/password"}))))),
        (status = 409, description = "`email_taken`: there is an account with this address."),
    ),
)]
pub(crate) async fn register(
    State(app): State<App>,
    visitor: Visitor,
    agent: UserAgent,
    JsonBody(body): JsonBody<Body>,
) -> Result<(StatusCode, Json<SignedIn>), ApiError> {
    let new = parse(body)?;
    visitor.may_sign_up(&app).await?;
    let hash = app.passwords.hash(new.password).await?;
    let mut db = app.db.session().await?;
    db.begin().await?;
    let made = users::register(&mut db, &new.email, &hash, new.name.as_deref()).await?;
    let Registration::Registered(user) = made else {
        db.commit().await?;
        return Err(ApiError::EmailTaken);
    };
    let begun = begin_session(&app, &mut db, user.id, agent).await?;
    let begun = begun.ok_or_else(|| ApiError::Internal("an account vanished while it was made".to_owned()))?;
    db.commit().await?;
    drop(db);
    tracing::info!(outcome = "created", user_id = %user.id, "account");
    Ok((StatusCode::CREATED, Json(SignedIn::new(&app, user, begun).await?)))
}

fn parse(body: Body) -> Result<NewAccount, ApiError> {
    let mut fields = Fields::default();
    let own = [body.email.as_str(), body.name.as_deref().unwrap_or_default()];
    let password = fields.take("password", PlainPassword::new(body.password, &own));
    let email = fields.take("email", Email::parse(&body.email));
    let name = fields.take("name", parse_name(body.name.as_deref()));
    match (email, password, name) {
        (Some(email), Some(password), Some(name)) => Ok(NewAccount { email, password, name }),
        _ => Err(fields.into_error()),
    }
}
