//! The cache: optional, so that a deployment without Redis works too.

use std::time::Duration;

use redis::{ConnectionAddr, IntoConnectionInfo};
use secrecy::SecretString;

use super::{Env, Source, transport};

/// `REDIS_URL`, `REDIS_CA_FILE`, `ALLOW_PLAINTEXT`, `CACHE_TTL_SECONDS` and `CACHE_KEY_PREFIX`.
#[derive(Debug, Clone)]
pub struct CacheConfig {
    /// Where Redis is (`redis://` or `rediss://`, with its password); `None`: no cache.
    pub url: Option<SecretString>,
    /// PEM file with the certificate authorities to trust; the system's if it is not given.
    pub ca_file: Option<String>,
    /// How long an answer is kept.
    pub answer_lifetime: Duration,
    /// What every key starts with, so that several deployments can share one Redis. What is between braces decides a key's
    /// place in a cluster, where a command may only touch keys of one place.
    pub key_prefix: String,
    /// Where a new password is to be had.
    pub source: Source,
}

impl CacheConfig {
    /// Reads the section.
    pub fn from_env(env: &mut Env) -> Self {
        let url = env.optional("REDIS_URL");
        let allows_plaintext = transport::allows_plaintext(env);
        if let Some(problem) = url.as_deref().and_then(|url| problem_of(url, allows_plaintext)) {
            env.problem("REDIS_URL", problem);
        }
        let key_prefix = env.optional("CACHE_KEY_PREFIX").unwrap_or_else(|| "docent".to_owned());
        if !is_prefix(&key_prefix) {
            env.problem(
                "CACHE_KEY_PREFIX",
                "must have no braces, or one pair with something between them",
            );
        }
        Self {
            url: url.map(SecretString::from),
            ca_file: env.optional("REDIS_CA_FILE"),
            answer_lifetime: Duration::from_secs(env.number("CACHE_TTL_SECONDS", 1..=31_536_000, 3600)),
            key_prefix,
            source: env.source(),
        }
    }
}

/// Redis takes a key with braces that are not a pair, or hold nothing, as if there were none
/// (<https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags>): each key would have another place.
fn is_prefix(prefix: &str) -> bool {
    let without_braces = |text: &str| !text.contains(['{', '}']);
    match prefix
        .split_once('{')
        .and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        None => without_braces(prefix),
        Some((before, (tag, after))) => !tag.is_empty() && [before, tag, after].into_iter().all(without_braces),
    }
}

fn problem_of(url: &str, allows_plaintext: bool) -> Option<&'static str> {
    if !url.starts_with("redis://") && !url.starts_with("rediss://") {
        return Some("must start with redis:// or rediss://");
    }
    let Ok(info) = url.into_connection_info() else {
        return Some("must be like rediss://user:password@host:6379");
    };
    match info.addr() {
        // `#insecure` at the end of the URL: the client would believe any certificate.
        ConnectionAddr::TcpTls { insecure: true, .. } => Some("must not switch the verification of certificates off"),
        ConnectionAddr::Tcp(host, _) if !allows_plaintext && !transport::is_this_machine(host) => {
            Some(transport::PLAINTEXT)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_accepted(url: &str, more: &[(&str, &str)]) -> bool {
        let variables = [("REDIS_URL", url)].into_iter().chain(more.iter().copied());
        let mut env = Env::new(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        CacheConfig::from_env(&mut env);
        env.finish().is_ok()
    }

    #[test]
    fn braces_in_a_prefix_are_one_pair_around_something() {
        for good in ["docent", "{docent}", "eu:{docent}:7", "{a}b"] {
            assert!(is_prefix(good), "{good}");
        }
        for bad in [
            "{docent",
            "docent}",
            "{}",
            "}docent{",
            "{{docent}}",
            "{a}{b}",
            "a}{b}",
            "{a}}",
            "{a{b}",
        ] {
            assert!(!is_prefix(bad), "{bad}");
            let mut env = Env::new([("CACHE_KEY_PREFIX".to_owned(), bad.to_owned())]);
            CacheConfig::from_env(&mut env);
            assert!(
                env.finish().unwrap_err().to_string().contains("CACHE_KEY_PREFIX"),
                "{bad}"
            );
        }
    }

    #[test]
    fn another_machine_is_reached_over_verified_tls_only() {
        for url in [
            "redis://127.0.0.1:6379/0",
            "redis://:p@localhost",
            "redis://[::1]:6379",
            "rediss://u:p@cache.example.com:6379",
        ] {
            assert!(is_accepted(url, &[]), "{url}");
        }
        let plain = "redis://u:p@cache.example.com:6379";
        for url in [
            plain,
            "rediss://cache.example.com/#insecure",
            "redis://127.0.0.1.example.com",
            "http://cache.example.com",
            "redis://",
        ] {
            assert!(!is_accepted(url, &[]), "{url}");
        }
        assert!(is_accepted(plain, &[("ALLOW_PLAINTEXT", "true")]));
    }
}
