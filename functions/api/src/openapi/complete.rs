//! What holds for whole kinds of routes is said here, once, and not at each handler.

use serde_json::{Map, Value, json};

use super::refusals;

/// The document with the responses and headers that follow from what an operation is: one that needs a token may answer
/// 401 and 403, one with an id in its path 404, one with a body 400, 413, 415 and 422.
pub(super) fn complete(mut document: Value) -> Value {
    document["components"]["responses"] = refusals::responses();
    document["components"]["headers"] = refusals::headers();
    let schemas = document["components"]["schemas"].as_object_mut();
    if let Some(schemas) = schemas {
        let as_generated = schemas.clone();
        let lists = schemas
            .values_mut()
            .filter_map(|it| it.get_mut("allOf")?.as_array_mut());
        for member in lists.flatten() {
            mend_flattened_option(member, &as_generated);
        }
    }
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (path, operations) in paths {
        for operation in operations.as_object_mut().into_iter().flatten().map(|(_, it)| it) {
            add_refusals(path, operation);
            let responses = operation["responses"].as_object_mut().into_iter().flatten();
            for (status, response) in responses {
                finish(path, status, response);
            }
        }
    }
    document
}

/// A flattened `Option` is generated as "this object or null", but nothing is null: all of its fields are there or none.
fn mend_flattened_option(member: &mut Value, schemas: &Map<String, Value>) {
    let Some([object, null]) = member["oneOf"].as_array().map(Vec::as_slice) else {
        return;
    };
    let name = object["$ref"].as_str().and_then(|path| path.rsplit('/').next());
    let first = name.and_then(|name| schemas.get(name)?["required"].get(0));
    if let Some(first) = first.filter(|_| null["type"] == "null") {
        *member = json!({"anyOf": [object, {"not": {"required": [first]}}]});
    }
}

fn add_refusals(path: &str, operation: &mut Value) {
    let names = refusals_of(path, operation);
    let Some(responses) = operation["responses"].as_object_mut() else {
        return;
    };
    for (status, name) in names {
        // What a handler says itself is the better description.
        let by_name = || json!({"$ref": format!("#/components/responses/{name}")});
        responses.entry(status).or_insert_with(by_name);
    }
}

fn refusals_of(path: &str, operation: &Value) -> Vec<(&'static str, &'static str)> {
    let takes = |place: &str| {
        let parameters = operation["parameters"].as_array();
        parameters.is_some_and(|all| all.iter().any(|parameter| parameter["in"] == place))
    };
    let has_body = operation.get("requestBody").is_some();
    let is_signed_in = operation.get("security").is_none();
    let conditions = [
        (has_body || takes("header"), "400", "BadRequest"),
        (is_signed_in, "401", "Unauthorized"),
        (is_signed_in, "403", "Forbidden"),
        (takes("path"), "404", "NotFound"),
        (has_body, "413", "PayloadTooLarge"),
        (has_body, "415", "UnsupportedMediaType"),
        (has_body || takes("query"), "422", "Invalid"),
        (is_counted(path), "429", "TooManyRequests"),
        (true, "500", "Internal"),
        (path.starts_with("/api/"), "503", "Unavailable"),
    ];
    let holding = conditions.into_iter().filter(|(holds, ..)| *holds);
    holding.map(|(_, status, name)| (status, name)).collect()
}

/// What costs more than an answer from memory is counted.
fn is_counted(path: &str) -> bool {
    path.starts_with("/api/") || path == "/ready"
}

/// Every response carries the request's id, every header that is described is always there, and every refusal has the
/// same body.
fn finish(path: &str, status: &str, response: &mut Value) {
    let Some(response) = response.as_object_mut().filter(|it| !it.contains_key("$ref")) else {
        return;
    };
    let headers = response.entry("headers").or_insert_with(|| json!({}));
    for (_, header) in headers.as_object_mut().into_iter().flatten() {
        header["required"] = true.into();
    }
    headers["X-Request-Id"] = refusals::header_reference("X-Request-Id");
    if is_counted(path) {
        for name in refusals::LIMIT_HEADERS {
            headers[name] = refusals::header_reference(name);
        }
    }
    if status.starts_with(['4', '5']) && !response.contains_key("content") {
        response.insert("content".to_owned(), refusals::content());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(path: &str, operation: &Value) -> Map<String, Value> {
        let document = complete(json!({"paths": {path: {"post": operation}}, "components": {}}));
        document["paths"][path]["post"]["responses"]
            .as_object()
            .unwrap()
            .clone()
    }

    #[test]
    fn what_follows_from_the_kind_of_a_route_is_added() {
        let body = json!({"requestBody": {}, "responses": {"200": {"description": "Done."}}});
        let statuses: Vec<String> = completed("/api/x", &body).keys().cloned().collect();
        assert_eq!(
            statuses,
            ["200", "400", "401", "403", "413", "415", "422", "429", "500", "503"]
        );
        let public = json!({"security": [{}], "responses": {"200": {"description": "Done."}}});
        let statuses: Vec<String> = completed("/x", &public).keys().cloned().collect();
        assert_eq!(statuses, ["200", "500"]);
    }

    #[test]
    fn the_fields_of_a_flattened_option_are_all_there_or_none() {
        let answer = json!({"$ref": "#/components/schemas/Answer"});
        let schemas = json!({
            "Answer": {"type": "object", "required": ["text", "model"]},
            "Job": {"allOf": [{"oneOf": [answer, {"type": "null"}]}, {"type": "object"}]},
        });
        let document = complete(json!({"paths": {}, "components": {"schemas": schemas}}));
        let expected = json!({"anyOf": [answer, {"not": {"required": ["text"]}}]});
        assert_eq!(document["components"]["schemas"]["Job"]["allOf"][0], expected);
    }

    #[test]
    fn what_a_handler_says_of_itself_stays() {
        let own = json!({"responses": {"401": {"description": "Its own.", "headers": {"X": {}}}}});
        let response = &completed("/api/x", &own)["401"];
        assert_eq!(response["description"], "Its own.");
        assert_eq!(response["headers"]["X"]["required"], true);
        assert_eq!(response["content"], refusals::content());
    }
}
