//! The template's numbers beside the code's.

use std::time::Duration;

use shared::config::{Env, WorkerConfig};

use super::document::{FUNCTIONS, Template};

/// What the gateway gives a function, at most.
const GATEWAY_SECONDS: i64 = 30;
/// What the worker keeps of its time to write down that a call was given up: see `worker::invocation`.
const MARGIN_SECONDS: i64 = 5;
/// What AWS advises for the visibility of a queue that a function reads.
const VISIBILITY_TIMES_TIMEOUT: i64 = 6;

fn worker_config(template: &Template) -> WorkerConfig {
    let mut env = Env::new(template.plain_variables("WorkerFunction"));
    let config = WorkerConfig::from_env(&mut env);
    env.finish().unwrap();
    config
}

#[test]
fn connections_stay_within_four_fifths_of_the_databases() {
    let template = Template::load();
    let per_worker = i64::try_from(worker_config(&template).concurrency).unwrap();
    let sizes = template.at(&["Mappings", "Sizes"]).as_hash().unwrap();
    assert_eq!(sizes.len(), 3);
    for (name, size) in sizes {
        let part = |key: &str| size[key].as_i64().unwrap();
        // The api holds one connection and answers one request at a time; so do both janitors and the migrator.
        let most = part("ApiConcurrency") + part("WorkerConcurrency") * per_worker + 2 + 1;
        let connections = part("DatabaseConnections");
        assert!(most * 10 <= connections * 8, "{name:?}: {most} of {connections}");
    }
    for (function, key) in [
        ("ApiFunction", "ApiConcurrency"),
        ("WorkerFunction", "WorkerConcurrency"),
    ] {
        let reserved = template.property(function, &["ReservedConcurrentExecutions"]);
        assert_eq!(reserved[1][2].as_str(), Some(key), "{function}");
    }
    for (function, number) in [("JanitorFunction", 2), ("MigratorFunction", 1)] {
        let reserved = template.property(function, &["ReservedConcurrentExecutions"]);
        assert_eq!(reserved[1].as_i64(), Some(number), "{function}");
    }
}

#[test]
fn a_size_is_refused_where_the_database_is_too_small() {
    let template = Template::load();
    let offered: Vec<&str> = texts(template.at(&["Parameters", "DatabaseMaxConnections", "AllowedValues"]));
    for (rule, size) in [("MediumNeedsConnections", "medium"), ("LargeNeedsConnections", "large")] {
        let needed = template
            .at(&["Mappings", "Sizes", size, "DatabaseConnections"])
            .as_i64()
            .unwrap();
        let assertion = &template.at(&["Rules", rule, "Assertions"])[0]["Assert"];
        let enough: Vec<&str> = offered
            .iter()
            .copied()
            .filter(|connections| connections.parse::<i64>().unwrap() >= needed)
            .collect();
        assert_eq!(texts(&assertion[0]), enough, "{rule}");
    }
    let smallest = template.at(&["Mappings", "Sizes", "small", "DatabaseConnections"]);
    assert_eq!(offered[0], smallest.as_i64().unwrap().to_string());
}

fn texts(list: &yaml_rust2::Yaml) -> Vec<&str> {
    list.as_vec()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect()
}

#[test]
fn the_queues_wait_longer_than_their_readers_work() {
    let template = Template::load();
    for (queue, reader, source) in [
        ("JobQueue", "WorkerFunction", "Jobs"),
        ("JobDeadLetterQueue", "JanitorFunction", "DeadLetters"),
    ] {
        let window = template.number(
            reader,
            &["Events", source, "Properties", "MaximumBatchingWindowInSeconds"],
        );
        assert_eq!(window, 0, "{source}");
        let timeout = template.number(reader, &["Timeout"]);
        let visibility = template.number(queue, &["VisibilityTimeout"]);
        assert!(visibility >= VISIBILITY_TIMES_TIMEOUT * timeout + window, "{queue}");
        let managed = template.property(queue, &["SqsManagedSseEnabled"]);
        assert_eq!(managed.as_bool(), Some(true), "{queue}");
    }
    let kept = |queue| template.number(queue, &["MessageRetentionPeriod"]);
    assert_eq!(kept("JobDeadLetterQueue"), 14 * 86_400);
    assert!(kept("JobDeadLetterQueue") > kept("JobQueue"));
    let deadline = template
        .at(&["Parameters", "JobDeadlineSeconds", "MaxValue"])
        .as_i64()
        .unwrap();
    assert!(kept("JobQueue") > deadline);
}

#[test]
fn a_message_is_received_as_often_as_the_code_thinks() {
    let template = Template::load();
    let config = worker_config(&template);
    let receives = template.number("JobQueue", &["RedrivePolicy", "maxReceiveCount"]);
    assert_eq!(i64::from(config.max_receives), receives);
    let attempts = template
        .at(&["Parameters", "JobMaxAttempts", "MaxValue"])
        .as_i64()
        .unwrap();
    assert!(attempts <= receives && i64::from(config.max_attempts) < receives);
}

/// Lambda would take a job that is put off again and again for a loop, and stop it.
#[test]
fn the_worker_may_send_to_its_own_queue() {
    let template = Template::load();
    let loops = template.property("WorkerFunction", &["RecursiveLoop"]);
    assert_eq!(loops.as_str(), Some("Allow"));
}

#[test]
fn a_batch_is_what_the_worker_runs_at_once_and_reports_each_record() {
    let template = Template::load();
    let batch = ["Events", "Jobs", "Properties", "BatchSize"];
    let concurrency = i64::try_from(worker_config(&template).concurrency).unwrap();
    assert_eq!(template.number("WorkerFunction", &batch), concurrency);
    for (function, source) in [("WorkerFunction", "Jobs"), ("JanitorFunction", "DeadLetters")] {
        let reports = template.property(function, &["Events", source, "Properties", "FunctionResponseTypes"]);
        assert_eq!(texts(reports), ["ReportBatchItemFailures"], "{function}");
    }
    // As many as are reserved: with fewer reserved the source would be throttled, and messages lose receives.
    let scaling = ["Properties", "ScalingConfig", "MaximumConcurrency"];
    let of_source = template.property("WorkerFunction", &[&["Events", "Jobs"][..], &scaling].concat());
    let reserved = template.property("WorkerFunction", &["ReservedConcurrentExecutions"]);
    assert_eq!(of_source, &reserved[1]);
    let of_letters = template.number("JanitorFunction", &[&["Events", "DeadLetters"][..], &scaling].concat());
    let janitors = template.property("JanitorFunction", &["ReservedConcurrentExecutions"]);
    assert_eq!(Some(of_letters), janitors[1].as_i64());
}

#[test]
fn every_function_gives_up_before_it_is_given_up() {
    let template = Template::load();
    assert!(template.number("ApiFunction", &["Timeout"]) < GATEWAY_SECONDS);
    let worker = template.number("WorkerFunction", &["Timeout"]);
    for parameter in ["LlmTimeoutSeconds", "EmbeddingsTimeoutSeconds"] {
        let longest = template.at(&["Parameters", parameter, "MaxValue"]).as_i64().unwrap();
        assert!(longest + MARGIN_SECONDS < worker, "{parameter}");
    }
    let lease = worker_config(&template).lease;
    assert!(lease < Duration::from_secs(u64::try_from(worker).unwrap()));
    // CloudFormation waits a little longer for the migrations than Lambda does.
    let migrator = template.number("MigratorFunction", &["Timeout"]);
    assert!(template.number("Migrations", &["ServiceTimeout"]) > migrator);
}

#[test]
fn every_function_is_ours_alone() {
    let template = Template::load();
    let common = |name| template.at(&["Globals", "Function", name]);
    assert_eq!(common("Runtime").as_str(), Some("provided.al2023"));
    assert_eq!(common("Tracing").as_str(), Some("Active"));
    for function in FUNCTIONS {
        let name = function.strip_suffix("Function").unwrap();
        let build = template.at(&["Resources", function, "Metadata"]);
        assert_eq!(build["BuildMethod"].as_str(), Some("rust-cargolambda"), "{function}");
        let binary = build["BuildProperties"]["Binary"].as_str();
        assert_eq!(binary, Some(name.to_lowercase().as_str()), "{function}");
        let role = template.property(function, &["Role"]).as_str();
        assert_eq!(role, Some(format!("{name}Role.Arn").as_str()), "{function}");
        let log = template.property(function, &["LoggingConfig", "LogGroup"]).as_str();
        assert_eq!(log, Some(format!("{name}LogGroup").as_str()), "{function}");
        let before = &template.at(&["Resources", function])["DependsOn"];
        match name {
            "Migrator" => assert!(before.is_badvalue()),
            // It refuses messages that are new to it, so it is replaced before those who send them.
            "Worker" => assert_eq!(before.as_str(), Some("Migrations")),
            _ => assert_eq!(texts(before), ["Migrations", "WorkerFunction"], "{function}"),
        }
    }
    assert_eq!(template.resources("AWS::Serverless::Function").count(), FUNCTIONS.len());
    for (name, group) in template.resources("AWS::Logs::LogGroup") {
        let kept = group["Properties"]["RetentionInDays"].as_str();
        assert_eq!(kept, Some("LogRetentionDays"), "{name}");
    }
}
