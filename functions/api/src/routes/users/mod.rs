//! Accounts.

pub mod me;

use serde::Serialize;
use shared::db::users::User;
use shared::domain::{Invalid, UserId};
use utoipa::ToSchema;

use super::rfc3339;

/// An account as its user sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    id: UserId,
    email: String,
    name: Option<String>,
    #[schema(pattern = "^(member|admin)$")]
    role: &'static str,
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            email: user.email,
            name: user.name,
            role: if user.is_admin { "admin" } else { "member" },
            created_at: rfc3339(user.created_at),
        }
    }
}

/// A name of 1 to 100 characters, without control characters; or none.
pub(crate) fn parse_name(name: Option<&str>) -> Result<Option<String>, Invalid> {
    let Some(name) = name else {
        return Ok(None);
    };
    let trimmed = name.trim();
    let is_good = (1..=100).contains(&trimmed.chars().count()) && !name.chars().any(char::is_control);
    if is_good {
        Ok(Some(trimmed.to_owned()))
    } else {
        Err(Invalid::new("must have 1 to 100 characters, or be left out"))
    }
}
