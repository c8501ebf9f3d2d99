//! What only the HTTP function is told.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::Env;

/// `ALLOWED_ORIGINS`, `JOB_DEADLINE_SECONDS`, `MAX_OPEN_JOBS_PER_USER` and `MAX_OPEN_JOBS`.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// The origins whose pages may call the API, exactly as a browser sends them.
    pub allowed_origins: Vec<String>,
    /// A job that has not ended this long after it was accepted expires.
    pub job_deadline: Duration,
    /// A user with so many open jobs has to wait; `None`: no limit.
    pub max_open_jobs_per_user: Option<u32>,
    /// With so many open jobs in all, everybody has to wait; `None`: no limit.
    pub max_open_jobs: Option<u32>,
}

impl ApiConfig {
    /// Reads the section.
    pub fn from_env(env: &mut Env) -> Self {
        let list = env.optional("ALLOWED_ORIGINS").unwrap_or_default();
        let allowed_origins: Vec<String> = list
            .split(',')
            .map(|origin| origin.trim().to_owned())
            .filter(|origin| !origin.is_empty())
            .collect();
        if allowed_origins.iter().any(|origin| !is_origin(origin)) {
            env.problem(
                "ALLOWED_ORIGINS",
                "must list origins such as https://app.example.com, separated by commas; * is not allowed",
            );
        }
        Self {
            allowed_origins,
            job_deadline: Duration::from_secs(env.number("JOB_DEADLINE_SECONDS", 10..=86_400, 900)),
            max_open_jobs_per_user: limit(env, "MAX_OPEN_JOBS_PER_USER", 20),
            max_open_jobs: limit(env, "MAX_OPEN_JOBS", 0),
        }
    }
}

/// A number of which 0 means that there is no limit.
fn limit(env: &mut Env, name: &str, default: u64) -> Option<u32> {
    let number = env.number(name, 0..=1_000_000, default);
    u32::try_from(number).ok().filter(|number| *number > 0)
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', ' ', '?', '#', '@']) && text.is_ascii())
}

/// `JWT_SECRET` and `JWT_EXPIRY`.
#[derive(Debug, Clone)]
pub struct AuthConfig {
    /// The key that signs and verifies tokens: at least 32 bytes.
    pub secret: SecretString,
    /// How long a token is valid.
    pub lifetime: Duration,
}

impl AuthConfig {
    /// Reads the section.
    pub fn from_env(env: &mut Env) -> Self {
        let secret = env.secret("JWT_SECRET");
        let length = secret.expose_secret().len();
        if length > 0 && !is_strong(secret.expose_secret()) {
            env.problem(
                "JWT_SECRET",
                "must be at least 32 random bytes; make one with: openssl rand -base64 48",
            );
        }
        let text = env.optional("JWT_EXPIRY").unwrap_or_else(|| "1h".to_owned());
        let lifetime = parse_span(&text).unwrap_or_else(|| {
            env.problem("JWT_EXPIRY", "must be a time such as 900s, 15m, 1h or 7d, at most 30d");
            Duration::ZERO
        });
        Self { secret, lifetime }
    }
}

/// Length alone would let through `aaaa…` and the placeholders of examples, so variety is asked for too.
fn is_strong(secret: &str) -> bool {
    let distinct: std::collections::HashSet<u8> = secret.bytes().collect();
    let lower = secret.to_lowercase();
    secret.len() >= 32
        && distinct.len() >= 10
        && !["change", "secret", "example", "password"]
            .iter()
            .any(|word| lower.contains(word))
}

fn parse_span(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let seconds = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let total = number.parse::<u64>().ok()?.checked_mul(seconds)?;
    (1..=30 * 86_400).contains(&total).then(|| Duration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_the_original_are_understood() {
        assert_eq!(parse_span("15m"), Some(Duration::from_secs(900)));
        assert_eq!(parse_span("7d"), Some(Duration::from_secs(604_800)));
        assert_eq!(parse_span("3600"), Some(Duration::from_secs(3600)));
        for text in ["", "0s", "1w", "-1h", "99999999999999999999d", "31d"] {
            assert_eq!(parse_span(text), None, "{text:?}");
        }
    }

    #[test]
    fn weak_secrets_stop_the_start() {
        let long_example = "this-is-an-example-value-1234567890-abcdef";
        for secret in ["short", "change-me", &"a".repeat(64), long_example] {
            let mut env = Env::new([("JWT_SECRET".to_owned(), secret.to_owned())]);
            AuthConfig::from_env(&mut env);
            assert!(env.finish().is_err(), "{secret} was accepted");
        }
        let mut env = Env::new([(
            "JWT_SECRET".to_owned(),
            "qN7vKx2LdW9sRf4TbY6hJm1PzC8gUe3A0iOo".to_owned(),
        )]);
        AuthConfig::from_env(&mut env);
        assert!(env.finish().is_ok());
    }

    #[test]
    fn a_wildcard_origin_is_refused() {
        for list in [
            "*",
            "https://*.example.com",
            "https://a.example.com/path",
            "example.com",
            "null",
        ] {
            let mut env = Env::new([("ALLOWED_ORIGINS".to_owned(), list.to_owned())]);
            ApiConfig::from_env(&mut env);
            assert!(env.finish().is_err(), "{list} was accepted");
        }
    }
}
