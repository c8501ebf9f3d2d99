//! What only the HTTP function is told.

use std::time::Duration;

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

#[cfg(test)]
mod tests {
    use super::*;

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
