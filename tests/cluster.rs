//! Redis as a cluster, which a serverless cache is: a command that touches keys of several places is refused there, so all
//! keys have to be in the place that the braces of `CACHE_KEY_PREFIX` name.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use shared::cache::Circuit;
use shared::domain::CollectionScope;

use crate::journey::{LEASES, QUESTION};
use crate::support::{Docent, Log, PASSWORD, RedisCluster, User, request, send};

/// How a refusal is logged, in small letters.
const REFUSAL: &str = "crossslot";

/// Uses everything that is in Redis; returns what was logged. `prefix` is what the keys begin with.
async fn use_everything(cluster: &RedisCluster, prefix: &str) -> (Used, String) {
    let log = Log::default();
    let guard = log.begin();
    let settings = [
        ("REDIS_URL", cluster.url.as_str()),
        ("CACHE_KEY_PREFIX", prefix),
        ("RATE_LIMIT_ASK", "4/h"),
    ];
    let docent = Docent::with(&settings).await;
    let ada = docent.user("ada").await;
    docent.upload(&ada, "Operations", LEASES).await;
    let used = Used {
        made: source_of(&docent, &ada).await,
        again: source_of(&docent, &ada).await,
        changed: {
            docent
                .upload(&ada, "More", "# Leases\n\nA lease of a worker is renewed.\n")
                .await;
            docent.ask(&ada, QUESTION).await.status
        },
        limited: {
            docent.ask(&ada, QUESTION).await;
            // What another sandbox has counted is known in Redis only.
            let question = json!({"query": QUESTION});
            let asked = request(Method::POST, "/api/ask", Some(&ada.token), Some(&question));
            send(&docent.another_sandbox().await, asked).await.status
        },
        circuit: circuit(&docent).await,
        ended: signed_out(&docent, &ada).await,
    };
    drop(guard);
    (used, log.text())
}

/// What came of it.
#[derive(Debug, PartialEq)]
struct Used {
    made: Value,
    again: Value,
    changed: StatusCode,
    limited: StatusCode,
    circuit: [bool; 3],
    ended: StatusCode,
}

/// Who answered a question: at once, or as a job.
async fn source_of(docent: &Docent, user: &User) -> Value {
    let reply = docent.ask(user, QUESTION).await;
    if reply.status == StatusCode::OK {
        return reply.json()["source"].clone();
    }
    docent.finish(user, reply).await["source"].clone()
}

/// Whether five failures open the circuit, nobody may try it then, and a success closes it.
async fn circuit(docent: &Docent) -> [bool; 3] {
    let cache = &docent.worker.cache;
    for _ in 0..5 {
        cache.note_failure("somebody").await;
    }
    let scope = CollectionScope::everything_readable_by(shared::domain::UserId::new());
    let question = shared::domain::QuestionText::parse(QUESTION).unwrap();
    let key = shared::domain::AnswerKey::new(&scope, &question, &docent.worker.recipe);
    let (_, circuit) = cache.find_before_call(&key, &scope, "somebody").await;
    let nobody_may_try = !cache.may_probe("somebody").await;
    cache.note_success("somebody").await;
    let (_, closed) = cache.find_before_call(&key, &scope, "somebody").await;
    [
        matches!(circuit, Circuit::Open(_)),
        nobody_may_try,
        closed == Circuit::Closed,
    ]
}

/// A wrong and a right sign-in, and the status of a token whose session has been signed out in another sandbox.
async fn signed_out(docent: &Docent, user: &User) -> StatusCode {
    for password in ["not the password", PASSWORD] {
        let body = json!({"email": user.email, "password": password});
        docent.call(Method::POST, "/api/auth/login", "", Some(body)).await;
    }
    docent
        .call(Method::POST, "/api/auth/logout", &user.token, None)
        .await
        .expect(204);
    docent.get(user, "/api/users/me").await.status
}

#[tokio::test]
async fn with_braces_everything_works_on_a_cluster() {
    let cluster = RedisCluster::start().await;
    let (used, log) = use_everything(&cluster, "{docent}").await;
    let expected = Used {
        made: json!("llm"),
        again: json!("cache"),
        changed: StatusCode::ACCEPTED,
        limited: StatusCode::TOO_MANY_REQUESTS,
        circuit: [true; 3],
        ended: StatusCode::UNAUTHORIZED,
    };
    assert_eq!(used, expected);
    let log = log.to_lowercase();
    assert!(!log.contains(REFUSAL) && !log.contains("moved"), "{log}");
    let keys = cluster.keys().await;
    assert!(keys.iter().all(|key| key.starts_with("{docent}:")), "{keys:?}");
    for kind in ["answer:", "version:", "limit:", "standing:", "idle"] {
        let begin = format!("{{docent}}:{kind}");
        assert!(keys.iter().any(|key| key.starts_with(&begin)), "{kind}: {keys:?}");
    }
}

/// So the test above can fail.
#[tokio::test]
async fn without_braces_a_cluster_refuses() {
    let cluster = RedisCluster::start().await;
    let (used, log) = use_everything(&cluster, "docent").await;
    assert!(log.to_lowercase().contains(REFUSAL), "{log}");
    // It works as if there were no cache.
    assert_ne!(used.circuit, [true; 3]);
    assert_eq!((used.made, used.changed), (json!("llm"), StatusCode::ACCEPTED));
}
