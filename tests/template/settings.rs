//! The settings: in the code, in the template and in `.env.example`.

use std::collections::BTreeSet;
use std::path::Path;

use shared::config::Env;

use super::document::{FUNCTIONS, Template, read};

/// Never given to a function on AWS by their value, but by a name: see `shared::config`.
const SECRETS: [&str; 6] = [
    "ANTHROPIC_API_KEY",
    "DATABASE_URL",
    "EMBEDDINGS_API_KEY",
    "FUNCTIONS_DATABASE_URL",
    "JWT_SECRET",
    "REDIS_URL",
];
/// Only for emulators, and a folder that the functions' package would have to hold.
const NOT_ON_AWS: [&str; 2] = ["AWS_ENDPOINT_URL", "EMBEDDINGS_MODEL_DIR"];
/// Set by Lambda.
const OF_LAMBDA: [&str; 1] = ["AWS_XRAY_DAEMON_ADDRESS"];
/// Read by AWS's SDK.
const OF_THE_SDK: [&str; 5] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_ENDPOINT_URL_SQS",
    "AWS_ENDPOINT_URL_SSM",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
];

/// The variables that the code reads: what is written in capitals between quotation marks, tests aside.
fn of_the_code() -> BTreeSet<String> {
    let files = ["shared/src/config", "shared/src/telemetry"]
        .into_iter()
        .flat_map(files_of);
    let is_name = |text: &&str| {
        !text.starts_with('_')
            && text.contains('_')
            && text
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    files
        .map(|file| read(&file))
        .flat_map(|text| {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let quoted = code.lines().flat_map(|line| line.split('"').skip(1).step_by(2));
            quoted
                .filter(|name| is_name(name) && !OF_LAMBDA.contains(name))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

fn files_of(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder)).unwrap();
    entries
        .map(|entry| format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap()))
        .collect()
}

/// The variables that functions are given, secrets by what they stand for.
fn of_the_template(template: &Template) -> BTreeSet<String> {
    FUNCTIONS
        .iter()
        .flat_map(|function| template.variables(function).into_keys())
        .map(|name| secret_of(name).unwrap_or(name).to_owned())
        .collect()
}

fn secret_of(name: &str) -> Option<&str> {
    let secret = name
        .strip_suffix("_PARAMETER")
        .or_else(|| name.strip_suffix("_SECRET"))?;
    SECRETS.contains(&secret).then_some(secret)
}

/// The variables of `.env.example`: `#NAME=value`.
fn of_the_example() -> BTreeSet<String> {
    read(".env.example")
        .lines()
        .filter_map(|line| Some(line.strip_prefix('#')?.split_once('=')?.0.to_owned()))
        .filter(|name| !name.contains(' '))
        .collect()
}

fn without(names: BTreeSet<String>, others: &[&str]) -> BTreeSet<String> {
    names
        .into_iter()
        .filter(|name| !others.contains(&name.as_str()))
        .collect()
}

#[test]
fn the_template_gives_what_the_code_reads_and_nothing_else() {
    let code = without(of_the_code(), &NOT_ON_AWS);
    assert!(code.len() > 40, "{code:?}");
    assert_eq!(without(of_the_template(&Template::load()), &OF_THE_SDK), code);
}

#[test]
fn the_example_lists_what_the_code_reads_and_nothing_else() {
    let example = without(of_the_example(), &OF_THE_SDK);
    let names = example.iter().map(|name| secret_of(name).unwrap_or(name).to_owned());
    assert_eq!(names.collect::<BTreeSet<_>>(), of_the_code());
    for secret in SECRETS {
        for suffix in ["_PARAMETER", "_SECRET"] {
            assert!(example.contains(&format!("{secret}{suffix}")), "{secret}{suffix}");
        }
    }
}

#[test]
fn a_secret_is_given_by_name_and_never_by_value() {
    let template = Template::load();
    for function in FUNCTIONS {
        let variables = template.variables(function);
        for secret in SECRETS {
            // A cache inside the private network has no password, and its address is no secret.
            let by_value = variables
                .get(secret)
                .is_some_and(|value| value[0].as_str() != Some("CreatesCache"));
            assert!(!by_value, "{function} {secret}");
            let ways =
                ["_PARAMETER", "_SECRET"].map(|suffix| variables.contains_key(format!("{secret}{suffix}").as_str()));
            assert_eq!(ways[0], ways[1], "{function} {secret}");
        }
    }
}

/// What a function reads from the template's defaults is what it would read if nothing were set.
#[test]
fn the_templates_defaults_are_the_codes() {
    let template = Template::load();
    let required = [
        ("DATABASE_URL", "postgres://docent_app:password@db.example.com/docent"),
        ("QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/123456789012/jobs"),
        ("JWT_SECRET", "b2Zb5YtS0mIuXrk3n1gqkq0u1vJm0cW8yqVfQeTzHhA"),
        ("ANTHROPIC_API_KEY", "sk-ant-not-a-key"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let given = |function| Env::new(template.plain_variables(function).into_iter().chain(required.clone()));
    let bare = || Env::new(required.clone());
    let api = [given("ApiFunction"), bare()].map(|env| format!("{:?}", api::app::Config::from_env(env).unwrap()));
    assert_eq!(api[0], api[1]);
    let worker =
        [given("WorkerFunction"), bare()].map(|env| format!("{:?}", worker::app::Config::from_env(env).unwrap()));
    assert_eq!(worker[0], worker[1]);
    let janitor =
        [given("JanitorFunction"), bare()].map(|env| format!("{:?}", janitor::app::Config::from_env(env).unwrap()));
    assert_eq!(janitor[0], janitor[1]);
}
