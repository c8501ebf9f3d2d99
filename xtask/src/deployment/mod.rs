//! What `sam build` made, deployed into the local emulator and used there: `xtask/scripts/deploy_locally.py` says what that
//! can show and what not.

mod gateway;
mod stack;

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::place::Place;
use crate::settings::Settings;
use crate::stack::{Services, Tools, aws, database, lambda};
use crate::{interrupt, progress, secrets};
use gateway::Gateway;
use stack::{Deployed, Stack};

/// The names of the secrets, as a deployment without parameters expects them.
const OWNER: &str = "/docent/database-owner-url";
const FUNCTIONS: &str = "/docent/database-url";
const REDIS: &str = "/docent/redis-url";
const JWT: &str = "/docent/jwt-secret";
/// A name that nobody gave to a secret.
const NOBODY: &str = "/docent/nobody";

/// Deploys, asks a question, deploys again, and takes everything down.
///
/// # Errors
/// If a step fails, or a deployment succeeds that must not.
pub(crate) fn check(place: &Place) -> Result<()> {
    let settings = Settings::default();
    let tools = Tools::ensure(&place.root, &settings)?;
    let services = Services::start(place, &settings, &tools)?;
    progress::step("write the secrets", || write_secrets(place, &services))?;
    a_migrator_that_fails_fails_the_deployment(place, &services)?;
    let stack = Stack::new(&place.root, &services.aws, "docent")?;
    let deployed = progress::step("deploy", || deploy(&stack, &services))?;
    progress::line(&format!(
        "          the emulator knows nothing of {}",
        deployed.left_out()
    ));
    progress::step("look at the queue", || look_at_the_queue(&services, &deployed))?;
    progress::step("ask a question", || ask(&place.root, &services, &deployed))?;
    progress::step("invoke the janitor", || sweep(&services, &deployed))?;
    progress::step("deploy again", || deploy_again(&stack, &deployed))?;
    progress::step("deploy what fails", || {
        an_upgrade_that_fails_is_taken_back(&stack, &services, &deployed)
    })?;
    progress::step("read the log", || no_secret_is_logged(place))?;
    progress::step("delete the stack", || delete(&stack, &services, &deployed))
}

fn write_secrets(place: &Place, services: &Services) -> Result<((), String)> {
    let owner = &services.database_url;
    let secret = |name| secrets::get_or_make(&place.dir, name);
    let functions = database::functions_url(owner, &secret("functions_password")?)?;
    for (name, value) in [
        (OWNER, owner),
        (FUNCTIONS, &functions),
        (REDIS, &services.redis_url),
        (JWT, &secret("jwt_secret")?),
    ] {
        services.aws.put_parameter(name, value)?;
    }
    Ok(((), "secrets are written, by name".to_owned()))
}

/// The parameters of every deployment here: who answers needs no key, and Redis is not required.
const PARAMETERS: [&str; 2] = ["LlmProvider=extractive", "RedisUrlParameter=/docent/redis-url"];

fn a_migrator_that_fails_fails_the_deployment(place: &Place, services: &Services) -> Result<()> {
    let stack = Stack::new(&place.root, &services.aws, "docent-refused")?;
    progress::step("deploy with an owner that is not there", || {
        let owner = format!("OwnerDatabaseUrlParameter={NOBODY}");
        let Err(refusal) = stack.deploy(&[&PARAMETERS[..], &[&owner]].concat()) else {
            bail!("the deployment succeeded, and its migrations cannot have run");
        };
        let text = format!("{refusal:#}");
        ensure!(
            text.contains("Migrations: ") && text.contains("DATABASE_URL_PARAMETER names no parameter that there is"),
            "the deployment failed for another reason: {text}"
        );
        ensure!(
            database::applied(&services.database_url)?.is_empty(),
            "somebody has migrated"
        );
        stack.delete()?;
        Ok(((), "a migrator that fails fails the deployment".to_owned()))
    })
}

fn deploy(stack: &Stack, services: &Services) -> Result<(Deployed, String)> {
    let deployed = stack.deploy(&PARAMETERS)?;
    let applied = database::applied(&services.database_url)?;
    ensure!(
        applied
            .iter()
            .eq(migrations::ALL.iter().map(|migration| migration.name)),
        "the stack is there, and its schema is {applied:?}"
    );
    let text = format!("{}, {} migrations", deployed.status(), applied.len());
    Ok((deployed, text))
}

fn look_at_the_queue(services: &Services, deployed: &Deployed) -> Result<((), String)> {
    let attributes = |url: &str| {
        let wanted = json!({"QueueUrl": url, "AttributeNames": ["All"]});
        services.aws.sqs("GetQueueAttributes", &wanted)
    };
    let queue = attributes(deployed.output("JobQueueUrl")?)?;
    let dead_letters = attributes(deployed.output("JobDeadLetterQueueUrl")?)?;
    let policy = queue.pointer("/Attributes/RedrivePolicy").and_then(Value::as_str);
    let policy: Value = serde_json::from_str(policy.context("the queue has no redrive policy")?)?;
    let receives = policy["maxReceiveCount"].to_string();
    ensure!(
        receives.trim_matches('"') == aws::MAX_RECEIVES.to_string(),
        "messages are received {receives} times"
    );
    ensure!(
        policy["deadLetterTargetArn"] == dead_letters["Attributes"]["QueueArn"],
        "{policy} does not lead to the dead-letter queue"
    );
    Ok(((), format!("dead letters after {receives} receives")))
}

/// Through the deployed functions alone: the api sends a message, the event source mapping brings it to the worker.
fn ask(root: &Path, services: &Services, deployed: &Deployed) -> Result<((), String)> {
    let gateway = Gateway::sign_up(root, &services.aws, deployed.output("ApiFunctionName")?)?;
    let document = json!({"title": "Tea", "mediaType": "text/plain",
        "text": "Green tea is brewed with water of 80 degrees for two minutes."});
    let stored = gateway.post("/api/documents", &document, &[202])?;
    let id = stored.pointer("/document/id").and_then(Value::as_str);
    let path = format!("/api/documents/{}", id.context("the document has no id")?);
    gateway.until(&path, |body| body["document"]["status"] == "ready")?;
    let question = json!({"query": "How hot is the water for green tea?"});
    let accepted = gateway.post("/api/ask", &question, &[202])?;
    let path = format!("/api/ask/{}", accepted["jobId"].as_str().unwrap_or_default());
    let job = gateway.until(&path, |body| body["finishedAt"].is_string())?;
    ensure!(
        job["status"] == "completed"
            && job["answer"]
                .as_str()
                .is_some_and(|answer| answer.contains("80 degrees")),
        "the question was not answered: {job}"
    );
    let again = gateway.post("/api/ask", &question, &[200])?;
    ensure!(again["source"] == "cache", "{again} did not come from the cache");
    Ok((
        (),
        "a question went through queue and worker and was answered".to_owned(),
    ))
}

fn sweep(services: &Services, deployed: &Deployed) -> Result<((), String)> {
    let answer = lambda::invoke(
        &services.aws,
        deployed.output("JanitorFunctionName")?,
        &json!({"sweep": {}}),
    )?;
    ensure!(answer.get("errorMessage").is_none(), "the janitor answered {answer}");
    Ok(((), "the janitor sweeps".to_owned()))
}

/// An upgrade: the migrator is asked once more, and what is there stays.
fn deploy_again(stack: &Stack, deployed: &Deployed) -> Result<((), String)> {
    let again = stack.deploy(&[&PARAMETERS[..], &["MigrationsRun=2", "JobMaxAttempts=2"]].concat())?;
    ensure!(
        again.output("JobQueueUrl")? == deployed.output("JobQueueUrl")?,
        "another deployment made another queue"
    );
    Ok(((), again.status().to_owned()))
}

/// The functions go on with the settings that they had.
fn an_upgrade_that_fails_is_taken_back(
    stack: &Stack,
    services: &Services,
    deployed: &Deployed,
) -> Result<((), String)> {
    let owner = format!("OwnerDatabaseUrlParameter={NOBODY}");
    let Err(refusal) = stack.deploy(&[&PARAMETERS[..], &[&owner, "MigrationsRun=3"]].concat()) else {
        bail!("the upgrade succeeded, and its migrations cannot have run");
    };
    let text = format!("{refusal:#}");
    ensure!(text.contains("UPDATE_ROLLBACK_COMPLETE"), "{text}");
    let migrator = deployed.output("MigratorFunctionName")?;
    let answer = lambda::invoke(&services.aws, migrator, &json!({"migrate": {}}))?;
    ensure!(answer == json!({"applied": []}), "the migrator answered {answer}");
    Ok(((), "an upgrade that fails is taken back".to_owned()))
}

/// The emulator writes down what all functions print.
fn no_secret_is_logged(place: &Place) -> Result<((), String)> {
    let log = place.log("aws-emulator");
    let text = std::fs::read_to_string(&log).with_context(|| format!("read {}", log.display()))?;
    ensure!(text.contains("\"message\":\"migrated\""), "the migrator logged nothing");
    for name in ["jwt_secret", "postgres_password", "functions_password"] {
        let secret = secrets::get_or_make(&place.dir, name)?;
        ensure!(!text.contains(&secret), "{} holds {name}", log.display());
    }
    ensure!(!text.contains("green tea"), "{} holds the question", log.display());
    Ok(((), "no secret and no question is in the log".to_owned()))
}

fn delete(stack: &Stack, services: &Services, deployed: &Deployed) -> Result<((), String)> {
    stack.delete()?;
    interrupt::check()?;
    let queue = json!({"QueueUrl": deployed.output("JobQueueUrl")?, "AttributeNames": ["All"]});
    ensure!(
        services.aws.sqs("GetQueueAttributes", &queue).is_err(),
        "the stack is deleted, and its queue is there"
    );
    Ok(((), "the stack is deleted, and its queue with it".to_owned()))
}
