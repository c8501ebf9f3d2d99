//! The caller's API keys.

pub mod create;
pub mod delete;
pub mod list;

use serde::Serialize;
use shared::db::api_keys::ApiKeyDescription;
use shared::domain::{ApiKeyId, Scope};
use utoipa::ToSchema;

use crate::routes::rfc3339;

/// A key as its owner sees it: everything but the key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
#[serde(rename_all = "camelCase")]
struct ApiKeyView {
    id: ApiKeyId,
    name: String,
    scopes: Vec<Scope>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

impl From<ApiKeyDescription> for ApiKeyView {
    fn from(key: ApiKeyDescription) -> Self {
        Self {
            id: key.id,
            name: key.name,
            scopes: key.scopes,
            created_at: rfc3339(key.created_at),
            last_used_at: key.last_used_at.map(rfc3339),
            expires_at: key.expires_at.map(rfc3339),
        }
    }
}
