//! Who may do what.

use yaml_rust2::Yaml;

use super::document::{Template, read};

/// More would be a habit.
const SUPPRESSIONS: usize = 6;

/// Every mapping below a node that is a statement of a policy.
fn statements(node: &Yaml) -> Vec<&Yaml> {
    if node["Effect"].as_str() == Some("Allow") {
        return vec![node];
    }
    children(node).into_iter().flat_map(statements).collect()
}

fn children(node: &Yaml) -> Vec<&Yaml> {
    match node {
        Yaml::Hash(map) => map.values().collect(),
        Yaml::Array(list) => list.iter().collect(),
        _ => Vec::new(),
    }
}

/// One text, or a list of them; what an `!If` chooses between counts as both.
fn texts(node: &Yaml) -> Vec<&str> {
    match node.as_str() {
        Some(text) => vec![text],
        None => children(node).into_iter().flat_map(texts).collect(),
    }
}

#[test]
fn no_permission_has_a_wildcard_but_that_to_trace() {
    let template = Template::load();
    let mut seen = 0;
    for kind in ["AWS::IAM::Role", "AWS::IAM::Policy", "AWS::EC2::VPCEndpoint"] {
        for (name, resource) in template.resources(kind) {
            for statement in statements(&resource["Properties"]) {
                // A role's own statement says who may take it on, and names no resource.
                let resources = texts(&statement["Resource"]);
                let actions = texts(&statement["Action"]);
                seen += 1;
                assert!(
                    actions.iter().all(|action| !action.contains('*')),
                    "{name}: {actions:?}"
                );
                if name == "MayTrace" {
                    assert_eq!(actions, ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]);
                    assert_eq!(resources, ["*"]);
                    continue;
                }
                // The bucket to which the migrations report: its objects' names are CloudFormation's to choose.
                let reports = name == "MigrationsReport" && resources.iter().any(|arn| arn.ends_with("-${Region}/*"));
                assert!(
                    reports || resources.iter().all(|arn| !arn.contains('*')),
                    "{name}: {resources:?}"
                );
            }
        }
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn a_secret_is_read_by_those_who_need_it() {
    let template = Template::load();
    for (policy, readers) in [
        ("MayReadDatabaseUrl", &["ApiRole", "WorkerRole", "JanitorRole"][..]),
        ("MigratorMayReadItsSecrets", &["MigratorRole"]),
        ("MayReadRedisUrl", &["ApiRole", "WorkerRole", "JanitorRole"]),
        ("MayReadJwtSecret", &["ApiRole"]),
        ("MayReadAnthropicApiKey", &["WorkerRole"]),
        ("MayReadEmbeddingsApiKey", &["WorkerRole"]),
    ] {
        assert_eq!(texts(template.property(policy, &["Roles"])), readers, "{policy}");
        for statement in statements(template.property(policy, &["PolicyDocument"])) {
            let action = statement["Action"].as_str();
            assert!(
                matches!(action, Some("ssm:GetParameters" | "secretsmanager:GetSecretValue")),
                "{policy}: {action:?}"
            );
        }
    }
}

#[test]
fn no_parameter_takes_a_secret_and_no_default_is_one() {
    let template = Template::load();
    for (name, parameter) in template.at(&["Parameters"]).as_hash().unwrap() {
        assert!(
            parameter["NoEcho"].is_badvalue(),
            "{name:?} is for a value that must not be seen"
        );
        assert!(
            parameter["Description"].as_str().is_some_and(|text| text.len() > 15),
            "{name:?}"
        );
    }
}

#[test]
fn every_parameter_is_in_one_group_of_the_console() {
    let template = Template::load();
    let groups = template.at(&["Metadata", "AWS::CloudFormation::Interface", "ParameterGroups"]);
    let mut grouped: Vec<&str> = groups
        .as_vec()
        .unwrap()
        .iter()
        .flat_map(|group| texts(&group["Parameters"]))
        .collect();
    let mut all: Vec<&str> = template
        .at(&["Parameters"])
        .as_hash()
        .unwrap()
        .keys()
        .map(|name| name.as_str().unwrap())
        .collect();
    grouped.sort_unstable();
    all.sort_unstable();
    assert_eq!(grouped, all);
}

#[test]
fn what_checkov_is_told_to_overlook_is_little_and_has_a_reason() {
    let template = Template::load();
    let mut count = 0;
    for (name, resource) in template.at(&["Resources"]).as_hash().unwrap() {
        for skip in children(&resource["Metadata"]["checkov"]["skip"]) {
            count += 1;
            assert!(skip["comment"].as_str().is_some_and(|text| text.len() > 20), "{name:?}");
        }
    }
    assert!((1..=SUPPRESSIONS).contains(&count), "{count}");
    // There are other ways to overlook something, which nobody would count.
    let text = read("template.yaml");
    assert!(!text.contains("checkov:skip") && !text.contains("cfn-lint:") && !text.contains("ignore_checks"));
}
