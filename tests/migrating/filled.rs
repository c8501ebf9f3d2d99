//! Each migration is applied to tables with rows in them, as the version before left them.

use std::collections::BTreeMap;

use axum::http::Method;
use serde_json::{Map, Value, json};
use tokio_postgres::Client;

use crate::support::{Database, Docent, PASSWORD, User, text, wait_for};

/// A migration, and rows as the version that came with it writes them.
macro_rules! left_by {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("left_by_", $name, ".sql")))),*]
    };
}

const LEFT_BY: &[(&str, &str)] = left_by![
    "0001_users",
    "0002_documents",
    "0003_chats_and_jobs",
    "0004_lexical_search",
    "0005_uploads",
    "0006_vectors",
    "0007_pipeline",
    "0008_contextual_headers",
    "0009_sessions",
    "0010_token_usage",
];

/// Columns that a migration dropped, and what they held is elsewhere. From 0007 on this takes two releases.
const DROPPED: &[(&str, &str)] = &[("passages", "search")];

type Rows = BTreeMap<String, Vec<Map<String, Value>>>;

/// What every table holds.
async fn rows(client: &Client) -> Rows {
    let tables = "SELECT relname::text FROM pg_class
                  WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'schema_migrations'";
    let mut found = Rows::new();
    for table in client.query(tables, &[]).await.unwrap() {
        let table: String = table.get(0);
        let all = format!("SELECT to_jsonb(t)::text FROM {table} AS t");
        let rows = client.query(&all, &[]).await.unwrap();
        let read = |row: &tokio_postgres::Row| serde_json::from_str(row.get(0)).unwrap();
        found.insert(table, rows.iter().map(read).collect());
    }
    found
}

/// Every row is there still, and what its columns held.
fn assert_kept(before: &Rows, after: &Rows, migration: &str) {
    for (table, rows) in before {
        let now = &after[table];
        for row in rows {
            let is_same = |other: &Map<String, Value>| {
                row.iter().all(|(column, value)| {
                    other.get(column) == Some(value) || DROPPED.contains(&(table.as_str(), column.as_str()))
                })
            };
            assert!(now.iter().any(is_same), "{migration} lost of {table}: {row:?}");
        }
    }
}

/// A database that has been through every version, with rows of each.
async fn through_every_version() -> Database {
    let database = Database::create_empty().await;
    let mut client = database.client().await;
    let listed: Vec<&str> = LEFT_BY.iter().map(|(name, _)| *name).collect();
    let all: Vec<&str> = migrations::ALL.iter().map(|migration| migration.name).collect();
    assert_eq!(
        listed, all,
        "every migration needs a file with rows as its version writes them"
    );
    for (name, left) in LEFT_BY {
        let before = rows(&client).await;
        migrations::apply_up_to(&mut client, name).await.unwrap();
        assert_kept(&before, &rows(&client).await, name);
        client
            .batch_execute(left)
            .await
            .unwrap_or_else(|error| panic!("left_by_{name}.sql: {error:?}"));
    }
    assert!(migrations::apply(&mut client).await.unwrap().is_empty());
    let empty: Vec<String> = rows(&client)
        .await
        .into_iter()
        .filter_map(|(table, rows)| rows.is_empty().then_some(table))
        .collect();
    assert!(empty.is_empty(), "no left_by_*.sql puts a row into {empty:?}");
    database
}

#[tokio::test]
async fn every_migration_keeps_the_rows_of_the_version_before() {
    through_every_version().await;
}

#[tokio::test]
async fn this_version_goes_on_with_what_earlier_ones_left() {
    let database = through_every_version().await;
    let docent = Docent::with(&[("DATABASE_URL", &database.functions_url)]).await;
    let ada = sign_in(&docent, &database).await;

    let chats = docent.get(&ada, "/api/chats").await.expect(200);
    assert_eq!(chats["chats"][0]["title"], "How long is a lease?");
    let documents = docent.get(&ada, "/api/documents").await.expect(200);
    assert_eq!(documents["documents"].as_array().map(Vec::len), Some(3), "{documents}");
    let job = |number: u32| format!("01930000-0000-7000-8000-000000000f0{number}");
    let statuses = [
        "queued",
        "queued",
        "active",
        "delayed",
        "completed",
        "failed",
        "cancelled",
        "expired",
    ];
    for (number, status) in (1..).zip(statuses) {
        assert_eq!(docent.job(&ada, &job(number)).await["status"], status, "job {number}");
    }

    // What was open ends: the janitor sends what no message is there for, and the worker takes it.
    wait_for("an end for every job", || async {
        database
            .execute(
                "UPDATE jobs SET resend_at = now() - interval '1 second', lease_until = now() - interval '1 second'
                 WHERE status = 'active';
                 UPDATE jobs SET resend_at = now() - interval '1 second' WHERE status IN ('queued', 'delayed')",
            )
            .await;
        janitor::sweep::run(&docent.janitor).await.unwrap();
        docent.queue.work_once(&docent.worker).await;
        let open = "SELECT count(*) FROM jobs WHERE status IN ('queued', 'active', 'delayed')";
        (database.number(open).await == 0).then_some(())
    })
    .await;
    for number in 1..=4 {
        let job = docent.job(&ada, &job(number)).await;
        assert_eq!(job["status"], "completed", "{job}");
    }
    let answered = docent.ask_and_finish(&ada, "How long does a lease last?").await;
    assert_eq!(answered["citations"][0]["title"], "Leases", "{answered}");
}

/// With a password whose hash is of this version's making: what is tested is the account's row.
async fn sign_in(docent: &Docent, database: &Database) -> User {
    let eve = docent.user("eve").await;
    database
        .execute(
            "UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE email = 'eve@example.com')
             WHERE email = 'ada@example.com'",
        )
        .await;
    let email = "ada@example.com".to_owned();
    let body = json!({"email": email, "password": PASSWORD});
    let signed_in = docent
        .call(Method::POST, "/api/auth/login", "", Some(body))
        .await
        .expect(200);
    User {
        id: text(&signed_in["user"]["id"]),
        email,
        token: text(&signed_in["token"]),
        ..eve
    }
}
