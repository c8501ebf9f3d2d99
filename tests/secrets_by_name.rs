//! Secrets that functions are told the names of, at an emulator of the services that hold them.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_ssm::types::ParameterType;
use serde_json::json;
use shared::config::{DatabaseConfig, Env};
use shared::secrets;
use uuid::Uuid;

use crate::support::service;

async fn sdk() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest()).load().await
}

/// A parameter of its own with this value; its name.
async fn parameter(value: &str) -> String {
    let name = format!("/test/{}", Uuid::new_v4());
    let client = aws_sdk_ssm::Client::new(&sdk().await);
    let call = client
        .put_parameter()
        .name(&name)
        .value(value)
        .r#type(ParameterType::SecureString);
    call.send().await.unwrap();
    name
}

/// A secret of its own with this value; its ARN.
async fn secret(value: &str) -> String {
    let client = aws_sdk_secretsmanager::Client::new(&sdk().await);
    let call = client
        .create_secret()
        .name(format!("test/{}", Uuid::new_v4()))
        .secret_string(value);
    call.send().await.unwrap().arn.unwrap()
}

async fn resolve(named: &[(&str, &str)]) -> Env {
    let endpoint = service("AWS_ENDPOINT_URL");
    let variables = named.iter().copied().chain([("AWS_ENDPOINT_URL", endpoint.as_str())]);
    secrets::resolve(Env::new(
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())),
    ))
    .await
}

#[tokio::test]
async fn names_are_replaced_by_what_they_name() {
    let (jwt, key) = (parameter("a secret of tokens").await, secret("a key").await);
    let mut env = resolve(&[
        ("JWT_SECRET_PARAMETER", &jwt),
        // Two variables may mean one parameter, which SSM would not be asked for twice.
        ("EMBEDDINGS_API_KEY_PARAMETER", &jwt),
        ("ANTHROPIC_API_KEY_SECRET", &key),
        ("REDIS_URL", "redis://127.0.0.1"),
    ])
    .await;
    assert_eq!(env.required("JWT_SECRET"), "a secret of tokens");
    assert_eq!(env.required("EMBEDDINGS_API_KEY"), "a secret of tokens");
    assert_eq!(env.required("ANTHROPIC_API_KEY"), "a key");
    assert_eq!(env.required("REDIS_URL"), "redis://127.0.0.1");
    env.finish().unwrap();
}

#[tokio::test]
async fn the_secret_of_a_database_may_be_as_rds_writes_it() {
    let json = json!({"username": "docent_app", "password": "p@ss/w:rd", "host": "db.example.com", "port": 5432,
        "dbname": "docent", "engine": "postgres"});
    let arn = secret(&json.to_string()).await;
    let mut env = resolve(&[("DATABASE_URL_SECRET", &arn)]).await;
    let database = DatabaseConfig::from_env(&mut env, 1, Duration::from_secs(1));
    env.finish().unwrap();
    assert_eq!(database.connection.get_password(), Some(&b"p@ss/w:rd"[..]));
    assert!(database.uses_tls());
}

#[tokio::test]
async fn all_that_cannot_be_read_is_told_at_once_without_names_or_values() {
    let jwt = parameter("swordfish").await;
    let mut env = resolve(&[
        ("JWT_SECRET_PARAMETER", &jwt),
        ("JWT_SECRET", "swordfish"),
        ("REDIS_URL_PARAMETER", "/test/hunter2"),
        ("ANTHROPIC_API_KEY_SECRET", "hunter2"),
    ])
    .await;
    for name in ["JWT_SECRET", "REDIS_URL", "ANTHROPIC_API_KEY", "QUEUE_URL"] {
        env.required(name);
    }
    let message = env.finish().unwrap_err().to_string();
    for part in [
        "JWT_SECRET must be set in one way only",
        "REDIS_URL_PARAMETER names no parameter that there is",
        "ANTHROPIC_API_KEY_SECRET cannot be read: ResourceNotFoundException",
        "QUEUE_URL is not set",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(
        !message.contains("swordfish") && !message.contains("hunter2"),
        "{message}"
    );
}
