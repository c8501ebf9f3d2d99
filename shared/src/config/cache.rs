//! The cache: optional, so that a deployment without Redis works too.

use std::time::Duration;

use secrecy::SecretString;

use super::Env;

/// `REDIS_URL`, `CACHE_TTL_SECONDS` and `CACHE_KEY_PREFIX`.
#[derive(Debug, Clone)]
pub struct CacheConfig {
    /// Where Redis is (`redis://` or `rediss://`, with its password); `None`: no cache.
    pub url: Option<SecretString>,
    /// How long an answer is kept.
    pub answer_lifetime: Duration,
    /// What every key starts with, so that several deployments can share one Redis.
    pub key_prefix: String,
}

impl CacheConfig {
    /// Reads the section.
    pub fn from_env(env: &mut Env) -> Self {
        let url = env.optional("REDIS_URL");
        if url
            .as_deref()
            .is_some_and(|url| !url.starts_with("redis://") && !url.starts_with("rediss://"))
        {
            env.problem("REDIS_URL", "must start with redis:// or rediss://");
        }
        Self {
            url: url.map(SecretString::from),
            answer_lifetime: Duration::from_secs(env.number("CACHE_TTL_SECONDS", 1..=31_536_000, 3600)),
            key_prefix: env.optional("CACHE_KEY_PREFIX").unwrap_or_else(|| "docent".to_owned()),
        }
    }
}
