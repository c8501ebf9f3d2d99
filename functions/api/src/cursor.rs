//! Pages of a list: newest first, each page naming where the next one goes on.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;
use shared::db::Page;
use shared::domain::Invalid;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::body::Fields;
use crate::error::ApiError;

const DEFAULT_LIMIT: i64 = 20;
const MAX_LIMIT: i64 = 100;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// The most entries of a page.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 100, default = 20)]
    limit: Option<String>,
    /// The `nextCursor` of the page before.
    #[param(value_type = Uuid, required = false)]
    cursor: Option<String>,
}

/// The page asked for by `?limit=&cursor=`.
pub(crate) struct PageQuery(pub(crate) Page);

impl<S: Send + Sync> FromRequestParts<S> for PageQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(parameters) = Query::<Parameters>::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::field("query", &Invalid::new("takes limit and cursor, each once")))?;
        let mut fields = Fields::default();
        let limit = fields.take("limit", limit(parameters.limit.as_deref()));
        let before = fields.take("cursor", cursor(parameters.cursor.as_deref()));
        match (limit, before) {
            (Some(limit), Some(before)) => Ok(Self(Page { before, limit })),
            _ => Err(fields.into_error()),
        }
    }
}

fn limit(text: Option<&str>) -> Result<i64, Invalid> {
    let number = text.map_or(Ok(DEFAULT_LIMIT), str::parse);
    number
        .ok()
        .filter(|limit| (1..=MAX_LIMIT).contains(limit))
        .ok_or_else(|| Invalid::new(format!("must be a whole number from 1 to {MAX_LIMIT}")))
}

fn cursor(text: Option<&str>) -> Result<Option<Uuid>, Invalid> {
    text.map(Uuid::try_parse)
        .transpose()
        .map_err(|_| Invalid::new("must be the nextCursor of the page before"))
}

/// What the next page's `cursor` is: the last entry's id, if this page is full.
pub(crate) fn next(page: Page, ids: impl ExactSizeIterator<Item = Uuid>) -> Option<Uuid> {
    let is_full = i64::try_from(ids.len()).is_ok_and(|count| count == page.limit);
    ids.last().filter(|_| is_full)
}
