//! What a client can send to hurt: every answer is a refusal in the usual form, or what the request asks for; never a
//! defect.

use axum::body::Body;
use axum::http::{HeaderValue, Request};

use crate::support::{Docent, HttpReply, User};

const JSON: &str = "application/json";

/// Refused in the one form, with this status.
fn assert_refused(what: &str, reply: &HttpReply, status: u16) {
    assert_eq!(reply.status.as_u16(), status, "{what}: {reply:?}");
    assert_eq!(reply.header("content-type"), JSON, "{what}");
    assert_eq!(reply.header("x-content-type-options"), "nosniff", "{what}");
    let problem = reply.json();
    assert_eq!(problem["requestId"], reply.header("x-request-id"), "{what}");
    assert!(
        problem["code"].is_string() && problem["error"].is_string(),
        "{what}: {problem}"
    );
}

fn by(user: &User, method: &str, path: &str) -> axum::http::request::Builder {
    let request = Request::builder().method(method).uri(path);
    request.header("authorization", format!("Bearer {}", user.token))
}

async fn ask(docent: &Docent, user: &User, content_types: &[&[u8]], body: impl Into<Body>) -> HttpReply {
    let mut request = by(user, "POST", "/api/ask");
    for content_type in content_types {
        request = request.header("content-type", HeaderValue::from_bytes(content_type).unwrap());
    }
    docent.send(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn a_path_that_makes_no_sense_names_nothing() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let long = "x".repeat(8000);
    for id in [
        "%ff",
        "%00",
        "%",
        "%zz",
        "..%2f..%2fetc%2fpasswd",
        "%c0%af",
        "%F0%9F%A6%80",
        "%EF%BB%BF",
        "-1",
        "00000000-0000-0000-0000-00000000000g",
        &long,
    ] {
        for path in [
            format!("/api/documents/{id}"),
            format!("/api/ask/{id}"),
            format!("/api/chats/{id}/messages"),
        ] {
            let reply = docent.send(by(&ada, "GET", &path).body(Body::empty()).unwrap()).await;
            assert_refused(&path, &reply, 404);
        }
    }
    for path in [
        "//",
        "/api/documents/",
        "/api//documents",
        "/%2e%2e/health",
        "/api/documents/x/y/z",
        "/health/",
    ] {
        let reply = docent.send(by(&ada, "GET", path).body(Body::empty()).unwrap()).await;
        assert_refused(path, &reply, 404);
    }
}

#[tokio::test]
async fn a_query_is_read_strictly_or_not_at_all() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let long = "x".repeat(60_000);
    for (query, status) in [
        ("limit=%ff", 422),
        ("limit=1&limit=2", 422),
        ("limit=", 422),
        ("limit=0", 422),
        ("limit=101", 422),
        ("limit=-1", 422),
        ("limit=1e1", 422),
        ("limit=99999999999999999999999999", 422),
        ("limit=%00", 422),
        ("cursor=%00", 422),
        ("cursor=1'%20OR%20'1'='1", 422),
        ("cursor=", 422),
        (&format!("cursor={long}"), 422),
        (&format!("unknown={long}"), 200),
        ("&&&==&=%", 200),
        ("[]=1&a[b]=c", 200),
    ] {
        for path in ["/api/documents", "/api/chats"] {
            let request = by(&ada, "GET", &format!("{path}?{query}")).body(Body::empty()).unwrap();
            let reply = docent.send(request).await;
            let what = format!("{path}?{}", &query[..query.len().min(40)]);
            if status == 200 {
                assert_eq!(reply.status, 200, "{what}: {reply:?}");
            } else {
                assert_refused(&what, &reply, status);
            }
        }
    }
}

#[tokio::test]
async fn only_json_in_utf8_passes_for_json() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let rows: [(&[&[u8]], u16); 16] = [
        (&[], 415),
        (&[b""], 415),
        (&[b"text/plain"], 415),
        (&[b"text/json"], 415),
        (&[b"application/jsonx"], 415),
        (&[b"application/json, text/html"], 415),
        (&[b"application/x-www-form-urlencoded"], 415),
        (&[b"multipart/form-data; boundary=x"], 415),
        (&[b"application/json; charset=latin1"], 415),
        (&[b"application/json; charset=utf-16"], 415),
        (&[b"application/json; charset="], 415),
        (&[b"application/json", b"application/json"], 415),
        (&[b"application/json", b"text/html"], 415),
        (&[b"application/json\xff"], 415),
        (&[b"Application/JSON; Charset=\"UTF-8\""], 202),
        (&[b"application/json;charset=utf-8"], 202),
    ];
    for (content_types, status) in rows {
        let what: Vec<_> = content_types.iter().map(|it| String::from_utf8_lossy(it)).collect();
        let reply = ask(&docent, &ada, content_types, r#"{"query":"Why?"}"#).await;
        if status == 202 {
            assert_eq!(reply.status, 202, "{what:?}: {reply:?}");
        } else {
            assert_refused(&what.join(" and "), &reply, status);
        }
    }
}

#[tokio::test]
async fn what_is_almost_json_is_refused() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let nested = |depth: usize| format!(r#"{{"query":"Why?","x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    let rows: Vec<(Vec<u8>, u16)> = vec![
        (b"".to_vec(), 400),
        (b"null".to_vec(), 422),
        (b"\xef\xbb\xbf{\"query\":\"Why?\"}".to_vec(), 400),
        (
            "{\"query\":\"Why?\"}"
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect(),
            400,
        ),
        (b"{\"query\":\"\xff\xfe\"}".to_vec(), 400),
        (b"{\"query\":\"\xed\xa0\x80\"}".to_vec(), 400),
        (br#"{"query":"\ud800"}"#.to_vec(), 400),
        (br#"{"query":"\udc00\ud800"}"#.to_vec(), 400),
        (br#"{"query":"\u0000"}"#.to_vec(), 422),
        (br#"{"query":"a\u0085b"}"#.to_vec(), 422),
        (b"{\"query\":\"a\0b\"}".to_vec(), 400),
        (br#"{"query":"Why?","query":"Why?"}"#.to_vec(), 422),
        (br#"{"query":"Why?","\u0071uery":"Why not?"}"#.to_vec(), 422),
        (br#"{"query":"Why?"}{"query":"Why?"}"#.to_vec(), 400),
        (br#"{"query":"Why?",}"#.to_vec(), 400),
        (br#"{'query':'Why?'}"#.to_vec(), 400),
        (br#"{"query":"Why?","x":NaN}"#.to_vec(), 400),
        (br#"{"query":"Why?","x":1e999}"#.to_vec(), 202),
        (br#"{"query":1e999}"#.to_vec(), 400),
        (br#"{"query":["Why?"]}"#.to_vec(), 422),
        (br#"{"query":{"$gt":""}}"#.to_vec(), 422),
        (br#"{"query":"Why?","collections":[]}"#.to_vec(), 422),
        (br#"{"query":"Why?","collections":[null]}"#.to_vec(), 422),
        (br#"{"query":"Why?","chatId":0}"#.to_vec(), 422),
        (nested(63).into_bytes(), 202),
        (nested(64).into_bytes(), 400),
        (nested(20_000).into_bytes(), 400),
        ("[".repeat(60_000).into_bytes(), 400),
        ("{\"a\":".repeat(10_000).into_bytes(), 400),
    ];
    for (body, status) in rows {
        let what = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let reply = ask(&docent, &ada, &[JSON.as_bytes()], body).await;
        if status == 202 {
            assert_eq!(reply.status, 202, "{what}: {reply:?}");
        } else {
            assert_refused(&what, &reply, status);
        }
    }
}

#[tokio::test]
async fn every_route_takes_only_as_much_as_it_needs() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let body = |bytes: usize| format!(r#"{{"x":"{}"}}"#, "x".repeat(bytes - 8));
    const KIB: usize = 1024;
    for (method, path, limit) in [
        ("POST", "/api/auth/register", 16 * KIB),
        ("POST", "/api/auth/login", 16 * KIB),
        ("POST", "/api/auth/refresh", 16 * KIB),
        ("POST", "/api/users/me/api-keys", 16 * KIB),
        ("PATCH", "/api/users/me", 16 * KIB),
        ("POST", "/api/ask", 64 * KIB),
        ("POST", "/api/documents", 4 * KIB * KIB),
    ] {
        for (bytes, is_too_large) in [(limit, false), (limit + 1, true), (2 * limit, true)] {
            let request = by(&ada, method, path).header("content-type", JSON);
            let reply = docent.send(request.body(Body::from(body(bytes))).unwrap()).await;
            let what = format!("{method} {path}, {bytes} bytes");
            assert_eq!(reply.status == 413, is_too_large, "{what}: {reply:?}");
            if is_too_large {
                assert_refused(&what, &reply, 413);
            }
        }
    }
}

#[tokio::test]
async fn headers_of_rubbish_are_refused_or_ignored() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    let long = "x".repeat(60_000);
    for value in [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer a.b.c",
        "bearer\t",
        "Bearer \u{e9}",
        &long,
    ] {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        let request = Request::get("/api/chats").header("authorization", value.clone());
        let reply = docent.send(request.body(Body::empty()).unwrap()).await;
        assert_refused(&format!("{value:?}"), &reply, 401);
    }
    for (name, value) in [
        ("x-request-id", "chosen-by-the-client"),
        ("x-forwarded-for", "not an address"),
        ("x-http-method-override", "DELETE"),
        ("content-length", "rubbish"),
        ("content-encoding", "gzip"),
        ("origin", "null"),
        ("host", ""),
        ("range", "bytes=0-0"),
        ("if-none-match", "*"),
        ("accept", "application/xml"),
        ("expect", "the unexpected"),
        ("cookie", &long),
    ] {
        let reply = docent
            .send(
                by(&ada, "GET", "/api/chats")
                    .header(name, value)
                    .body(Body::empty())
                    .unwrap(),
            )
            .await;
        assert_eq!(reply.status, 200, "{name}: {reply:?}");
        assert_ne!(reply.header("x-request-id"), "chosen-by-the-client");
    }
    for value in ["", "a b", "\"", "\"a", &"k".repeat(256)] {
        let request = by(&ada, "POST", "/api/ask")
            .header("idempotency-key", value)
            .header("content-type", JSON);
        let reply = docent
            .send(request.body(Body::from(r#"{"query":"Why?"}"#)).unwrap())
            .await;
        assert_refused(&format!("{:?}", &value[..value.len().min(9)]), &reply, 400);
    }
}

#[tokio::test]
async fn a_method_that_nobody_knows_is_not_allowed() {
    let docent = Docent::start().await;
    let ada = docent.user("ada").await;
    for method in ["BREW", "PROPFIND", "TRACE", "CONNECT", "get", "x"] {
        let reply = docent
            .send(by(&ada, method, "/api/ask").body(Body::empty()).unwrap())
            .await;
        assert_refused(method, &reply, 405);
        assert_eq!(reply.header("allow"), "POST", "{method}");
    }
}
