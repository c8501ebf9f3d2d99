//! `PATCH /api/users/me`: changes the name, or the password with the current one as proof.

use axum::Json;
use axum::extract::State;
use secrecy::SecretString;
use serde::Deserialize;
use shared::db::users;
use shared::domain::{Invalid, UserId};

use super::Me;
use crate::app::App;
use crate::auth::{CurrentUser, PlainPassword};
use crate::body::{Fields, JsonBody};
use crate::error::ApiError;
use crate::routes::users::{UserView, parse_name};

/// The request: what is left out stays.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Body {
    name: Option<String>,
    password: Option<SecretString>,
    current_password: Option<SecretString>,
}

struct Change {
    name: Option<String>,
    password: Option<NewPassword>,
}

struct NewPassword {
    new: PlainPassword,
    current: PlainPassword,
}

pub(crate) async fn update(
    State(app): State<App>,
    user: CurrentUser,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Me>, ApiError> {
    let change = parse(body)?;
    let hash = match change.password {
        Some(password) => Some(new_hash(&app, user.0, password).await?),
        None => None,
    };
    let mut db = app.db.session().await?;
    let updated = users::update(&mut db, user.0, change.name.as_deref(), hash.as_deref()).await?;
    Ok(Json(Me {
        user: UserView::from(updated.ok_or(ApiError::Unauthorized)?),
    }))
}

fn parse(body: Body) -> Result<Change, ApiError> {
    let mut fields = Fields::default();
    let name = fields.take("name", parse_name(body.name.as_deref()));
    let password = fields.take("password", body.password.map(PlainPassword::new).transpose());
    let current = body.current_password.and_then(PlainPassword::to_compare);
    if matches!(password, Some(Some(_))) && current.is_none() {
        fields.take::<()>("currentPassword", Err(Invalid::new("is needed to set a new password")));
    }
    fields.check()?;
    let password = password
        .flatten()
        .zip(current)
        .map(|(new, current)| NewPassword { new, current });
    Ok(Change {
        name: name.flatten(),
        password,
    })
}

/// No connection is held while hashing.
async fn new_hash(app: &App, user: UserId, password: NewPassword) -> Result<String, ApiError> {
    let internal = |error: crate::auth::HashingFailed| ApiError::Internal(error.to_string());
    let found = users::credentials_by_id(&mut app.db.session().await?, user)
        .await?
        .ok_or(ApiError::Unauthorized)?;
    if !app
        .passwords
        .verify(password.current, Some(found.password_hash))
        .await
        .map_err(internal)?
    {
        return Err(ApiError::field(
            "currentPassword",
            &Invalid::new("is not the current password"),
        ));
    }
    app.passwords.hash(password.new).await.map_err(internal)
}
