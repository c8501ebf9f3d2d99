//! The API keeps to its own description (`GET /openapi.json`), and every route in it keeps to the rules for all routes. A
//! new route is tested here without a line being added.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::journey::{LEASES, QUESTION};
use crate::support::{Database, Docent, HttpReply, PASSWORD, User, text};

/// What everybody may call without a token.
const PUBLIC: [&str; 6] = [
    "GET /health",
    "GET /openapi.json",
    "GET /ready",
    "POST /api/auth/login",
    "POST /api/auth/refresh",
    "POST /api/auth/register",
];

/// One method of one path.
#[derive(Debug)]
struct Operation {
    method: Method,
    path: String,
    says: Value,
}

impl Operation {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The kinds of the ids in the path, by the names of their parameters.
    fn ids(&self) -> Vec<(String, String)> {
        let parameters = self.says["parameters"].as_array().into_iter().flatten();
        parameters
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| {
                let kind = parameter["schema"]["$ref"]
                    .as_str()
                    .and_then(|path| path.rsplit('/').next());
                let kind =
                    kind.unwrap_or_else(|| panic!("{}: an id without a type of its own: {parameter}", self.name()));
                (text(&parameter["name"]), kind.to_owned())
            })
            .collect()
    }

    /// The path with its ids filled in.
    fn path_of(&self, id: impl Fn(&str) -> String) -> String {
        let ids = self.ids();
        let filled = ids.iter().fold(self.path.clone(), |path, (name, kind)| {
            path.replace(&format!("{{{name}}}"), &id(kind))
        });
        assert!(!filled.contains('{'), "{}: an id that is not described", self.name());
        filled
    }
}

async fn description(docent: &Docent) -> Value {
    docent.call(Method::GET, "/openapi.json", "", None).await.expect(200)
}

async fn operations(docent: &Docent) -> Vec<Operation> {
    let description = description(docent).await;
    let paths = description["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().map(|(method, says)| Operation {
            method: method.to_uppercase().parse().unwrap(),
            path: path.clone(),
            says: says.clone(),
        })
    });
    let all: Vec<Operation> = all.collect();
    assert!(all.len() > 15, "{all:?}");
    all
}

/// What the first user owns, one thing of each kind.
struct Things {
    document: String,
    job: String,
    chat: String,
    session: String,
    api_key: String,
}

impl Things {
    async fn make(docent: &Docent, owner: &User) -> Self {
        let document = docent.upload(owner, "Operations", LEASES).await;
        let job = docent.ask_and_finish(owner, QUESTION).await;
        let sessions = docent.get(owner, "/api/users/me/sessions").await.expect(200);
        let wish = json!({"name": "script", "scopes": ["ask"], "currentPassword": PASSWORD});
        let key = docent.post(owner, "/api/users/me/api-keys", wish).await.expect(201);
        Self {
            document,
            session: text(&sessions["sessions"][0]["id"]),
            api_key: text(&key["apiKey"]["id"]),
            job: text(&job["jobId"]),
            chat: text(&job["chatId"]),
        }
    }

    fn of(&self, kind: &str, operation: &Operation) -> String {
        match kind {
            "DocumentId" => &self.document,
            "JobId" => &self.job,
            "ChatId" => &self.chat,
            "SessionId" => &self.session,
            "ApiKeyId" => &self.api_key,
            _ => panic!(
                "{} takes an id of a new kind: let Things::make make a {kind} of the first user's, and name it here",
                operation.name()
            ),
        }
        .clone()
    }
}

/// Everything that is stored, as one text: each table with its number of rows and a digest of them. When something was
/// last used is noted for reading, too.
async fn everything_stored(database: &Database) -> Vec<String> {
    let client = database.client().await;
    let tables = "SELECT table_name::text FROM information_schema.tables \
                  WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1";
    let mut stored = Vec::new();
    for row in client.query(tables, &[]).await.unwrap() {
        let table: String = row.get(0);
        let digest = format!(
            "SELECT count(*), coalesce(md5(string_agg(line, '\n' ORDER BY line)), '') \
             FROM (SELECT (to_jsonb(t) - 'last_used_at')::text AS line FROM \"{table}\" t) lines"
        );
        let row = client.query_one(&digest, &[]).await.unwrap();
        stored.push(format!("{table}: {} {}", row.get::<_, i64>(0), row.get::<_, String>(1)));
    }
    assert!(stored.len() > 5, "{stored:?}");
    stored
}

/// All that a client can see of a response, but for what differs between any two: the request's id, and how much it may
/// still ask for.
fn visible(reply: &HttpReply) -> String {
    let headers = reply.headers.iter().map(|(name, value)| (name.as_str(), value));
    // Their order on the way says nothing.
    let headers: BTreeMap<&str, _> = headers
        .filter(|(name, _)| *name != "x-request-id" && !name.starts_with("ratelimit"))
        .collect();
    let body = String::from_utf8_lossy(&reply.bytes).replace(reply.header("x-request-id"), "(id)");
    format!("{} {headers:?} {body}", reply.status)
}

#[tokio::test]
async fn no_route_tells_a_foreign_thing_from_a_missing_one_or_changes_it() {
    let docent = Docent::start().await;
    let (ada, eve) = (docent.user("ada").await, docent.user("eve").await);
    let things = Things::make(&docent, &ada).await;
    let mut operations = operations(&docent).await;
    operations.retain(|operation| operation.path.contains('{'));
    let before = everything_stored(&docent.database).await;
    for operation in &operations {
        let name = operation.name();
        assert!(
            operation.says.get("requestBody").is_none(),
            "{name} takes an id and a body: say here which body it is to be sent with"
        );
        let call = async |path: &str| docent.call(operation.method.clone(), path, &eve.token, None).await;
        let foreign = call(&operation.path_of(|kind| things.of(kind, operation))).await;
        assert_eq!(foreign.status, 404, "{name}: {foreign:?}");
        let missing = call(&operation.path_of(|_| Uuid::now_v7().to_string())).await;
        assert_eq!(visible(&foreign), visible(&missing), "{name}");
        let no_id = call(&operation.path_of(|_| "not-a-uuid".to_owned())).await;
        assert_eq!(visible(&foreign), visible(&no_id), "{name}");
    }
    assert_eq!(before, everything_stored(&docent.database).await);
    // The walk means something only if the things are there for their owner. What deletes comes last, and the session that
    // all of this is done in at the very end.
    operations.sort_by_key(|operation| (operation.method != Method::GET, operation.path.contains("sessions")));
    for operation in &operations {
        let path = operation.path_of(|kind| things.of(kind, operation));
        let own = docent.call(operation.method.clone(), &path, &ada.token, None).await;
        assert_ne!(own.status, 404, "{}", operation.name());
    }
}

#[tokio::test]
async fn every_route_but_the_public_ones_needs_a_token_and_all_carry_the_headers() {
    let docent = Docent::start().await;
    let mut public = Vec::new();
    for operation in operations(&docent).await {
        let name = operation.name();
        let path = operation.path_of(|_| Uuid::now_v7().to_string());
        let reply = docent.call(operation.method.clone(), &path, "", None).await;
        if operation.says.get("security").is_some() {
            assert_ne!(reply.status, 401, "{name}");
            public.push(name.clone());
        } else {
            assert_eq!(reply.status, 401, "{name}");
            assert_eq!(reply.header("www-authenticate"), "Bearer", "{name}");
        }
        for (header, value) in [
            ("cache-control", "no-store"),
            (
                "content-security-policy",
                "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            ),
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(reply.header(header), value, "{name}");
        }
        assert!(!reply.header("x-request-id").is_empty(), "{name}");
    }
    public.sort();
    assert_eq!(public, PUBLIC);
}

#[tokio::test]
async fn a_method_that_is_not_described_is_not_served() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let operations = operations(&docent).await;
    for operation in &operations {
        let path = operation.path_of(|_| Uuid::now_v7().to_string());
        let described = |method: &Method| {
            let mut same_path = operations.iter().filter(|other| other.path == operation.path);
            same_path.any(|other| other.method == *method)
        };
        for method in [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::TRACE,
        ] {
            if !described(&method) {
                let request = Request::builder().method(method.clone()).uri(&path);
                let request = request.header("authorization", format!("Bearer {}", ada.token));
                let reply = docent.send(request.body(Body::empty()).unwrap()).await;
                assert_eq!(reply.status, 405, "{method} {path}");
                // HEAD goes with GET.
                let allowed: Vec<&str> = reply
                    .header("allow")
                    .split(',')
                    .filter(|name| *name != "HEAD")
                    .collect();
                let all_are_described = allowed.iter().all(|name| described(&name.parse().unwrap()));
                assert!(all_are_described, "{method} {path}: {allowed:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_change_of_the_api_is_seen() {
    let docent = Docent::start().await;
    insta::assert_json_snapshot!("openapi", description(&docent).await);
}

#[tokio::test]
async fn the_documentation_names_every_route() {
    let docent = Docent::start().await;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api.md");
    let documentation = std::fs::read_to_string(file).unwrap();
    for operation in operations(&docent).await {
        assert!(
            documentation.contains(&format!("`{}`", operation.name())),
            "docs/api.md does not name {}",
            operation.name()
        );
    }
}
