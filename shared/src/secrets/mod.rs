//! Reads the secrets that the environment only names: when a function starts, and again when what was read is refused
//! ([`Rotating`]).

mod rotating;

pub use rotating::Rotating;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_ssm::error::ProvideErrorMetadata;
use futures_util::future::{join, join_all};

use crate::aws;
use crate::config::{Env, Reading, SecretsConfig, Source, settle_parameter, settle_secret};

/// How often a secret is read again at most while a service refuses it, however many requests find that out.
pub const REST: Duration = Duration::from_secs(30);
/// A start that takes longer than ten seconds is ended by Lambda without a word.
const LONGEST: Duration = Duration::from_secs(6);

/// The environment with the values in the place of the names. What could not be read is noted as a problem of the
/// environment, so that whoever reads it next reports all problems at once. Without names nothing is asked.
pub async fn resolve(mut env: Env) -> Env {
    let config = SecretsConfig::from_env(&mut env);
    if config.is_empty() {
        return env;
    }
    read(&config, LONGEST, &mut env).await;
    env.set_source(Source::new(config, &env));
    env
}

/// Puts what is named into the environment, or notes why it cannot be read.
async fn read(config: &SecretsConfig, longest: Duration, env: &mut Env) {
    let sdk = aws::sdk(config.endpoint.as_deref(), longest).await;
    // Boxed: a call's future is nested so deeply that the compiler's limit would be reached by whoever awaits it.
    let (parameters, secrets) = join(
        Box::pin(read_parameters(&sdk, &config.parameters)),
        Box::pin(read_secrets(&sdk, &config.secrets)),
    )
    .await;
    for (name, reading) in parameters {
        settle_parameter(env, name, reading);
    }
    for (name, reading) in secrets {
        settle_secret(env, name, reading);
    }
}

type Named = BTreeMap<&'static str, String>;
type Readings = Vec<(&'static str, Reading)>;

/// All in one call: a start shall not wait longer because there are more of them.
async fn read_parameters(sdk: &SdkConfig, named: &Named) -> Readings {
    if named.is_empty() {
        return Vec::new();
    }
    let mut names: Vec<String> = named.values().cloned().collect();
    // The same one twice is refused, and two variables may well mean one parameter.
    names.sort_unstable();
    names.dedup();
    let client = aws_sdk_ssm::Client::new(sdk);
    let answer = client
        .get_parameters()
        .set_names(Some(names))
        .with_decryption(true)
        .send()
        .await;
    let read: Result<BTreeMap<String, String>, String> = match answer {
        Ok(found) => Ok(found
            .parameters
            .unwrap_or_default()
            .into_iter()
            .filter_map(|parameter| Some((parameter.name?, parameter.value?)))
            .collect()),
        Err(error) => Err(refusal(&error)),
    };
    let of = |parameter: &String| match &read {
        Ok(values) => values
            .get(parameter)
            .cloned()
            .ok_or_else(|| "names no parameter that there is".to_owned()),
        Err(problem) => Err(problem.clone()),
    };
    named.iter().map(|(name, parameter)| (*name, of(parameter))).collect()
}

async fn read_secrets(sdk: &SdkConfig, named: &Named) -> Readings {
    if named.is_empty() {
        return Vec::new();
    }
    let client = aws_sdk_secretsmanager::Client::new(sdk);
    join_all(named.iter().map(|(name, secret)| {
        let call = client.get_secret_value().secret_id(secret);
        async move {
            let reading = match call.send().await {
                Ok(found) => found
                    .secret_string
                    .ok_or_else(|| "names a secret that is not text".to_owned()),
                Err(error) => Err(refusal(&error)),
            };
            (*name, reading)
        }
    }))
    .await
}

/// The service's code alone: its message quotes what it was sent, and somebody may have put a secret in the place of
/// its name.
fn refusal(error: &impl ProvideErrorMetadata) -> String {
    match error.code() {
        Some(code) => format!("cannot be read: {code}"),
        None => "cannot be read: the service does not answer".to_owned(),
    }
}
