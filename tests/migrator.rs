//! The function that a deployment runs before it replaces the others.

use migrator::trigger::{self, Error};
use serde_json::{Value, json};
use shared::config::Env;
use uuid::Uuid;

use crate::support::{CloudFormation, Database, connect};

/// A database without a schema, and a login that is not there yet.
struct Place {
    database: Database,
    login: String,
}

impl Place {
    async fn new() -> Self {
        Self {
            database: Database::create_empty().await,
            login: format!("login-{}", Uuid::new_v4()),
        }
    }

    fn functions_url(&self, password: &str) -> String {
        let (_, rest) = self.database.url.split_once('@').unwrap();
        format!("postgres://{}:{password}@{rest}", self.login)
    }

    fn env(&self, password: &str) -> Env {
        env(&self.database.url, &self.functions_url(password))
    }
}

fn env(owner: &str, functions: &str) -> Env {
    let variables = [("DATABASE_URL", owner), ("FUNCTIONS_DATABASE_URL", functions)];
    Env::new(variables.map(|(name, value)| (name.to_owned(), value.to_owned())))
}

fn order() -> Value {
    json!({"migrate": {}})
}

#[tokio::test]
async fn the_functions_can_log_in_afterwards_and_may_what_the_grants_say() {
    let place = Place::new().await;
    let done = trigger::handle(place.env("swordfish"), order()).await.unwrap();
    assert_eq!(done["applied"].as_array().unwrap().len(), migrations::ALL.len());
    let functions = connect(&place.functions_url("swordfish")).await;
    functions.query("SELECT id FROM users", &[]).await.unwrap();
    assert!(functions.batch_execute("DROP TABLE users").await.is_err());
    let again = trigger::handle(place.env("swordfish"), order()).await.unwrap();
    assert_eq!(again, json!({"applied": []}));
}

#[tokio::test]
async fn another_password_in_the_url_becomes_the_logins() {
    let place = Place::new().await;
    trigger::handle(place.env("swordfish"), order()).await.unwrap();
    trigger::handle(place.env("marlin%20%27%40"), order()).await.unwrap();
    connect(&place.functions_url("marlin%20%27%40")).await;
    let before = tokio_postgres::connect(&place.functions_url("swordfish"), tokio_postgres::NoTls).await;
    assert!(before.is_err(), "the password before is no longer the login's");
    let stored = format!("SELECT rolpassword FROM pg_authid WHERE rolname = '{}'", place.login);
    assert!(place.database.text(&stored).await.starts_with("SCRAM-SHA-256$"));
}

#[tokio::test]
async fn the_owner_may_be_the_login_of_the_functions() {
    let place = Place::new().await;
    let url = &place.database.url;
    trigger::handle(env(url, url), order()).await.unwrap();
    let query = "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member
                 WHERE r.rolname = current_user AND m.roleid = 'docent_functions'::regrole AND NOT m.admin_option";
    assert_eq!(place.database.number(query).await, 0, "nothing is granted to the owner");
}

#[tokio::test]
async fn cloudformation_is_told_of_success() {
    let (place, stack) = (Place::new().await, CloudFormation::start().await);
    for kind in ["Create", "Update"] {
        trigger::handle(place.env("swordfish"), stack.event(kind))
            .await
            .unwrap();
    }
    let expected = json!({
        "Status": "SUCCESS", "PhysicalResourceId": "docent-schema", "StackId": "the-stack",
        "RequestId": "the-request", "LogicalResourceId": "Migrations",
    });
    assert_eq!(stack.answers(), [expected.clone(), expected]);
    connect(&place.functions_url("swordfish")).await;
}

#[tokio::test]
async fn two_at_once_do_each_thing_once() {
    let (place, stack) = (Place::new().await, CloudFormation::start().await);
    let runs = (0..4).map(|_| trigger::handle(place.env("swordfish"), stack.event("Create")));
    futures_util::future::try_join_all(runs).await.unwrap();
    let answers = stack.answers();
    assert_eq!(answers.len(), 4);
    assert!(
        answers.iter().all(|answer| answer["Status"] == "SUCCESS"),
        "{answers:?}"
    );
}

/// Nothing has to be there, not even settings: a stack that never came to life must be deletable, too.
#[tokio::test]
async fn a_deletion_asks_nothing_of_the_database() {
    let stack = CloudFormation::start().await;
    trigger::handle(Env::new([]), stack.event("Delete")).await.unwrap();
    assert_eq!(stack.answers()[0]["Status"], "SUCCESS");
    assert_eq!(stack.answers()[0]["PhysicalResourceId"], "docent-schema");
}

#[tokio::test]
async fn a_failure_is_told_with_a_reason_that_shows_no_secret() {
    let stack = CloudFormation::start().await;
    let (place, edited) = (Place::new().await, Place::new().await);
    trigger::handle(edited.env("swordfish"), order()).await.unwrap();
    let edit = "UPDATE schema_migrations SET digest = '\\x00' WHERE name = '0001_users'";
    edited.database.execute(edit).await;
    let (_, rest) = place.database.url.split_once('@').unwrap();
    let cases = [
        (Env::new([]), "DATABASE_URL is not set"),
        (
            env("postgres://u:hunter2@", "postgres://u:hunter2@h/d?sslmode=x"),
            "DATABASE_URL must be like",
        ),
        (
            env(
                &format!("postgres://nobody:hunter2@{rest}"),
                &place.functions_url("hunter2"),
            ),
            "log in as the owner",
        ),
        (edited.env("swordfish"), "0001_users differs"),
    ];
    for (env, expected) in cases {
        trigger::handle(env, stack.event("Update")).await.unwrap();
        let answer = stack.answers().pop().unwrap();
        let reason = answer["Reason"].as_str().unwrap();
        assert_eq!(answer["Status"], "FAILED");
        assert!(reason.contains(expected), "{reason}");
        assert!(
            !answer.to_string().contains("hunter2") && !reason.contains("swordfish"),
            "{reason}"
        );
    }
}

#[tokio::test]
async fn an_operator_is_told_of_a_failure_by_the_invocation() {
    let error = trigger::handle(Env::new([]), order()).await.unwrap_err();
    assert!(
        matches!(error, Error::NotMigrated(_)) && error.to_string().contains("DATABASE_URL is not set"),
        "{error}"
    );
}

/// Lambda tries again then; the URL is not shown, for whoever has it can answer.
#[tokio::test]
async fn an_answer_that_does_not_arrive_fails_the_invocation() {
    let mut event = CloudFormation::start().await.event("Delete");
    event["ResponseURL"] = json!("http://127.0.0.1:9/answer?signature=swordfish");
    let error = trigger::handle(Env::new([]), event).await.unwrap_err();
    assert!(matches!(error, Error::NotAnswered(_)), "{error}");
    assert!(!error.to_string().contains("swordfish"), "{error}");
}
