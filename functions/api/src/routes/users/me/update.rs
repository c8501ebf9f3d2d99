//! `PATCH /api/users/me`: changes the name, or the password with the current one as proof. A new password ends the user's
//! other sessions: whoever had the old one is out.

use axum::Json;
use axum::extract::State;
use secrecy::SecretString;
use serde::Deserialize;
use shared::db::{sessions, users};
use shared::domain::{Invalid, SessionId, UserId};
use utoipa::ToSchema;

use super::{Me, proof};
use crate::app::App;
use crate::auth::{Action, CurrentUser, PlainPassword};
use crate::body::{Fields, JsonBody};
use crate::error::ApiError;
use crate::limits::Visitor;
use crate::openapi::fields;
use crate::routes::users::{UserView, parse_name};

/// The request: what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AccountChange)]
pub(crate) struct Body {
    #[schema(schema_with = fields::optional_name)]
    name: Option<String>,
    #[schema(schema_with = fields::optional_password)]
    password: Option<SecretString>,
    #[schema(value_type = Option<String>, format = Password)]
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

/// Changes the name, or the password with the current one as proof.
#[utoipa::path(patch, path = "/api/users/me", operation_id = "changeAccount", request_body = Body, responses(
    (status = 200, description = "The account as it is now.", body = Me),
))]
pub(crate) async fn update(
    State(app): State<App>,
    user: CurrentUser,
    visitor: Visitor,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Me>, ApiError> {
    let change = parse(body)?;
    let session = user.session();
    let owner = user.admit(&app, Action::WriteAccount).await?;
    let session = session.ok_or(ApiError::InsufficientScope)?;
    let hash = match change.password {
        Some(password) => Some(new_hash(&app, &visitor, owner, password).await?),
        None => None,
    };
    let changed = Changed {
        name: change.name.as_deref(),
        hash: hash.as_deref(),
    };
    let user = store(&app, (owner, session), &changed).await?;
    Ok(Json(Me { user }))
}

fn parse(body: Body) -> Result<Change, ApiError> {
    let mut fields = Fields::default();
    let own = [body.name.as_deref().unwrap_or_default()];
    let password = body.password.map(|password| PlainPassword::new(password, &own));
    let password = fields.take("password", password.transpose());
    let name = fields.take("name", parse_name(body.name.as_deref()));
    let current = body.current_password.and_then(PlainPassword::to_compare);
    if matches!(password, Some(Some(_))) && current.is_none() {
        fields.take::<()>(proof::FIELD, Err(Invalid::new("is needed to set a new password")));
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

/// No connection is held while hashing. A password that cannot be had is refused before the current one is looked at.
async fn new_hash(app: &App, visitor: &Visitor, user: UserId, password: NewPassword) -> Result<String, ApiError> {
    let found = proof::credentials(app, user).await?;
    let own = [
        found.user.email.as_str(),
        found.user.name.as_deref().unwrap_or_default(),
    ];
    let allowed = password.new.is_not_made_of(&own);
    allowed.map_err(|problem| ApiError::field("password", &problem))?;
    proof::prove(app, visitor, &found, password.current).await?;
    Ok(app.passwords.hash(password.new).await?)
}

/// What is to be written.
struct Changed<'a> {
    name: Option<&'a str>,
    hash: Option<&'a str>,
}

/// Other sessions that a new password ends are marked before that is committed and after.
async fn store(app: &App, (owner, session): (UserId, SessionId), changed: &Changed<'_>) -> Result<UserView, ApiError> {
    let mut db = app.db.session().await?;
    db.begin().await?;
    let updated = users::update(&mut db, owner, changed.name, changed.hash).await?;
    let updated = updated.ok_or(ApiError::Unauthorized)?;
    let ended = match changed.hash {
        Some(_) => sessions::end_others(&mut db, owner, session).await?,
        None => Vec::new(),
    };
    app.cache.mark_ended(&ended).await;
    db.commit().await?;
    app.cache.mark_ended(&ended).await;
    if changed.hash.is_some() {
        tracing::info!(outcome = "password changed", user_id = %owner, sessions_ended = ended.len(), "account");
    }
    Ok(UserView::from(updated))
}
