//! `POST /api/users/me/api-keys`: makes a key for a program. The key is shown here and never again. It outlives the session,
//! so the password is asked for.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use shared::db::api_keys::{self, Creation, NewApiKey};
use shared::domain::{ApiKeySecret, Invalid, Scope};
use utoipa::ToSchema;

use super::ApiKeyView;
use crate::app::App;
use crate::auth::{Action, CurrentUser, PlainPassword};
use crate::body::{Fields, JsonBody};
use crate::error::ApiError;
use crate::limits::Visitor;
use crate::openapi::fields;
use crate::routes::users::me::proof;
use crate::routes::users::parse_name;

/// Who needs a key for longer makes a new one in time, or one without an end.
const MOST_DAYS: u32 = 365;

/// The request.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewApiKey)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Body {
    #[schema(schema_with = fields::name)]
    name: String,
    #[schema(value_type = Vec<Scope>, min_items = 1)]
    scopes: Vec<String>,
    /// Without it the key works until it is deleted.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 365)]
    expires_in_days: Option<f64>,
    #[schema(value_type = String, format = Password)]
    current_password: SecretString,
}

struct Wish {
    name: String,
    scopes: Vec<Scope>,
    lifetime: Option<Duration>,
    current: PlainPassword,
}

/// The response.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedApiKey)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Created {
    api_key: ApiKeyView,
    secret: String,
}

/// Makes a key for a program. The key is shown in this response and never again.
#[utoipa::path(
    post,
    path = "/api/users/me/api-keys",
    operation_id = "createApiKey",
    request_body = Body,
    responses(
        (status = 201, description = "The key is made.", body = Created,
            links(("delete" = (operation_id = "deleteApiKey", parameters(("id" = "$response.body#/apiKey/id")))))),
        (status = 409, description = "`too_many_api_keys`: there are 20 keys."),
    ),
)]
pub(crate) async fn create(
    State(app): State<App>,
    user: CurrentUser,
    visitor: Visitor,
    JsonBody(body): JsonBody<Body>,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    let wish = parse(body)?;
    let owner = user.admit(&app, Action::WriteAccount).await?;
    let account = proof::credentials(&app, owner).await?;
    proof::prove(&app, &visitor, &account, wish.current).await?;
    let secret = ApiKeySecret::generate()?;
    let new = NewApiKey {
        owner,
        digest: secret.digest(),
        name: &wish.name,
        scopes: &wish.scopes,
        lifetime: wish.lifetime,
    };
    let Creation::Created(key) = api_keys::create(&mut app.db.session().await?, &new).await? else {
        return Err(ApiError::TooManyApiKeys);
    };
    tracing::info!(outcome = "created", user_id = %owner, api_key_id = %key.id, "api key");
    let created = Created {
        api_key: ApiKeyView::from(key),
        secret: secret.reveal(),
    };
    Ok((StatusCode::CREATED, Json(created)))
}

fn parse(body: Body) -> Result<Wish, ApiError> {
    let mut fields = Fields::default();
    let name = fields.take("name", parse_name(Some(&body.name)));
    let scopes = fields.take("scopes", parse_scopes(&body.scopes));
    let lifetime = fields.take("expiresInDays", body.expires_in_days.map(parse_days).transpose());
    let current = PlainPassword::to_compare(body.current_password);
    let current = current.ok_or_else(|| Invalid::new("is not the current password"));
    match (name.flatten(), scopes, lifetime, fields.take(proof::FIELD, current)) {
        (Some(name), Some(scopes), Some(lifetime), Some(current)) => Ok(Wish {
            name,
            scopes,
            lifetime,
            current,
        }),
        _ => Err(fields.into_error()),
    }
}

fn parse_scopes(names: &[String]) -> Result<Vec<Scope>, Invalid> {
    let mut scopes = names
        .iter()
        .map(|name| name.parse())
        .collect::<Result<Vec<Scope>, _>>()?;
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() {
        return Err(Invalid::new(
            "must name at least one of ask, documents:read and documents:write",
        ));
    }
    Ok(scopes)
}

/// To JSON `90` and `90.0` are one number.
fn parse_days(days: f64) -> Result<Duration, Invalid> {
    let whole = days.to_string().parse::<u32>().ok();
    match whole.filter(|days| (1..=MOST_DAYS).contains(days)) {
        Some(days) => Ok(Duration::from_hours(24 * u64::from(days))),
        None => Err(Invalid::new(format!("must be 1 to {MOST_DAYS}, or be left out"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole_however_they_are_written() {
        for (json, days) in [("1", 1), ("90.0", 90), ("3.65e2", 365)] {
            let number = serde_json::from_str(json).unwrap();
            assert_eq!(parse_days(number).ok(), Some(Duration::from_hours(24 * days)), "{json}");
        }
        for json in ["0", "-1", "-0.0", "366", "1.5", "1e300", "0.9999999"] {
            assert!(parse_days(serde_json::from_str(json).unwrap()).is_err(), "{json}");
        }
    }
}
