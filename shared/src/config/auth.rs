//! Who may call: the keys that sign access tokens, and how long tokens and sessions live.

use std::time::Duration;

use super::key_ring::KeyRing;
use super::{Env, Source};

/// A session ends so long after its sign-in, however often it is refreshed.
const SESSION_LIFETIME: Duration = Duration::from_hours(90 * 24);

/// `JWT_SECRET`, `JWT_EXPIRY` and `REFRESH_EXPIRY`.
#[derive(Debug, Clone)]
pub struct AuthConfig {
    /// The keys that sign and verify access tokens.
    pub keys: KeyRing,
    /// How long an access token is valid.
    pub lifetime: Duration,
    /// How long a session lives after it was last refreshed.
    pub refresh_lifetime: Duration,
    /// How long a session lives in all.
    pub session_lifetime: Duration,
    /// Where new keys are to be had.
    pub source: Source,
}

impl AuthConfig {
    /// An access token is valid for so long at most, whatever is set: one that says more was not made by us.
    pub const LONGEST: Duration = Duration::from_hours(30 * 24);

    /// Reads the section.
    pub fn from_env(env: &mut Env) -> Self {
        let text = env.required("JWT_SECRET");
        let keys = KeyRing::parse(&text).unwrap_or_else(|problem| {
            if !text.is_empty() {
                env.problem("JWT_SECRET", &problem.0);
            }
            KeyRing::default()
        });
        Self {
            keys,
            lifetime: span(env, "JWT_EXPIRY", "15m", Self::LONGEST),
            refresh_lifetime: span(env, "REFRESH_EXPIRY", "30d", SESSION_LIFETIME),
            session_lifetime: SESSION_LIFETIME,
            source: env.source(),
        }
    }
}

fn span(env: &mut Env, name: &str, default: &str, longest: Duration) -> Duration {
    let text = env.optional(name).unwrap_or_else(|| default.to_owned());
    parse_span(&text).filter(|span| *span <= longest).unwrap_or_else(|| {
        let days = longest.as_secs() / 86_400;
        env.problem(
            name,
            &format!("must be a time such as 900s, 15m, 1h or 7d, at most {days}d"),
        );
        Duration::ZERO
    })
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
    (total > 0).then(|| Duration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "qN7vKx2LdW9sRf4TbY6hJm1PzC8gUe3A0iOo";

    fn read(settings: &[(&str, &str)]) -> Result<AuthConfig, String> {
        let mut env = Env::new(
            settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let config = AuthConfig::from_env(&mut env);
        env.finish().map(|()| config).map_err(|error| error.to_string())
    }

    #[test]
    fn spans_of_the_original_are_understood() {
        assert_eq!(parse_span("15m"), Some(Duration::from_secs(900)));
        assert_eq!(parse_span("7d"), Some(Duration::from_secs(604_800)));
        assert_eq!(parse_span("3600"), Some(Duration::from_secs(3600)));
        for text in ["", "0s", "1w", "-1h", "99999999999999999999d", "1 h"] {
            assert_eq!(parse_span(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_not_set_has_a_default_and_what_is_too_long_is_refused() {
        let config = read(&[("JWT_SECRET", SECRET)]).unwrap();
        assert_eq!(
            [config.lifetime, config.refresh_lifetime],
            [Duration::from_mins(15), Duration::from_hours(30 * 24)]
        );
        let problems = read(&[("JWT_SECRET", SECRET), ("JWT_EXPIRY", "31d"), ("REFRESH_EXPIRY", "91d")]).unwrap_err();
        assert!(
            problems.contains("JWT_EXPIRY must") && problems.contains("at most 30d"),
            "{problems}"
        );
        assert!(
            problems.contains("REFRESH_EXPIRY must") && problems.contains("at most 90d"),
            "{problems}"
        );
    }

    #[test]
    fn a_weak_secret_stops_the_start_and_is_not_told() {
        let problem = read(&[("JWT_SECRET", "swordfish")]).unwrap_err();
        assert!(
            problem.contains("JWT_SECRET must") && !problem.contains("swordfish"),
            "{problem}"
        );
        let problem = read(&[]).unwrap_err();
        assert!(
            problem.contains("JWT_SECRET is not set") && !problem.contains("JWT_SECRET must"),
            "{problem}"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reading_of_a_span_panic(text in "[0-9]{0,25}[smhdw]?|\\PC{0,10}") {
            if let Some(span) = parse_span(&text) {
                prop_assert!(span >= Duration::from_secs(1));
            }
        }
    }
}
