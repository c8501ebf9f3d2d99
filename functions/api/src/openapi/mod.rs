//! The API's description (OpenAPI 3.1): made from what stands at each handler, the types that handlers read and write,
//! and the rules that hold for whole kinds of routes (see [`complete`]). `GET /openapi.json` serves it.

mod complete;
pub(crate) mod fields;
mod refusals;

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::body::JSON;
use crate::error::Problem;

/// What is said of the API as a whole. A route asks for a token unless it says otherwise by `security(())`.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Docent",
        description = "Answers questions about your documents, with citations.\n\nEvery path that takes `GET` takes \
                       `HEAD`, too. Every response carries `Cache-Control: no-store`, `Strict-Transport-Security`, \
                       `X-Content-Type-Options: nosniff`, `X-Frame-Options: DENY` and the other headers that helmet \
                       sets. Unknown fields of a body and unknown parameters of a query are ignored. A method that a \
                       path does not take is answered by 405 with `Allow`, an unknown path by 404."
    ),
    components(schemas(Problem)),
    security(("bearerAuth" = [])),
    modifiers(&Bearer)
)]
pub(crate) struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The token of `POST /api/auth/login`."));
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("bearerAuth", SecurityScheme::Http(scheme.build()));
    }
}

/// Made when it is asked for the first time: a cold start does not pay for it.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| {
    let document = serde_json::to_value(crate::router::description()).map(complete::complete);
    document
        .and_then(|document| serde_json::to_vec(&document))
        .unwrap_or_default()
        .into()
});

/// This description.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "describe",
    security(()),
    responses((status = 200, description = "The description.", body = serde_json::Value))
)]
pub(crate) async fn show() -> Response {
    ([(header::CONTENT_TYPE, JSON)], DOCUMENT.clone()).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn every_operation_has_a_name_of_its_own_and_every_reference_leads_somewhere() {
        let document: Value = serde_json::from_slice(&DOCUMENT).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        let paths = document["paths"].as_object().unwrap();
        let operations: Vec<&Value> = paths
            .values()
            .flat_map(|path| path.as_object().unwrap().values())
            .collect();
        let names: BTreeSet<&str> = operations
            .iter()
            .map(|it| it["operationId"].as_str().unwrap())
            .collect();
        assert_eq!(names.len(), operations.len());
        let text = document.to_string();
        // A body that a link proposes may hold one.
        let schemas = document["components"].to_string();
        assert!(!schemas.contains(":null"), "null is no schema");
        for reference in text
            .split("\"$ref\":\"#")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
        {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }
}
