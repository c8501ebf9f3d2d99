//! How often things may be done, and how many tokens a user may spend.

use super::Env;
use crate::domain::Rate;

/// `RATE_LIMIT_*`: each a rate such as `30/m` (or `30/m:10`: ten at once), or `off`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitsConfig {
    /// Questions of one user.
    pub ask: Option<Rate>,
    /// A user's looks at how questions and documents stand.
    pub poll: Option<Rate>,
    /// Uploads of one user.
    pub upload: Option<Rate>,
    /// Everything else that a user reads.
    pub read: Option<Rate>,
    /// Everything else that a user changes.
    pub write: Option<Rate>,
    /// All requests of one address, whosoever they are.
    pub address: Option<Rate>,
    /// New accounts of one address.
    pub sign_up: Option<Rate>,
    /// Attempts of one address to sign in.
    pub sign_in: Option<Rate>,
    /// Fresh tokens for one address.
    pub refresh: Option<Rate>,
}

impl LimitsConfig {
    /// Reads the section. The defaults let a client through that looks once a second at each of the twenty questions that
    /// may be open at once, and an office behind one address.
    pub fn from_env(env: &mut Env) -> Self {
        Self {
            ask: rate(env, "RATE_LIMIT_ASK", "60/m"),
            poll: rate(env, "RATE_LIMIT_POLL", "1500/m"),
            upload: rate(env, "RATE_LIMIT_UPLOAD", "60/m"),
            read: rate(env, "RATE_LIMIT_READ", "300/m"),
            write: rate(env, "RATE_LIMIT_WRITE", "120/m"),
            address: rate(env, "RATE_LIMIT_ADDRESS", "6000/m"),
            sign_up: rate(env, "RATE_LIMIT_SIGN_UP", "20/h"),
            sign_in: rate(env, "RATE_LIMIT_SIGN_IN", "20/m"),
            refresh: rate(env, "RATE_LIMIT_REFRESH", "60/m"),
        }
    }
}

fn rate(env: &mut Env, name: &str, default: &str) -> Option<Rate> {
    let text = env.optional(name).unwrap_or_else(|| default.to_owned());
    if text == "off" {
        return None;
    }
    text.parse()
        .inspect_err(|problem| env.problem(name, &format!("{problem}, or off")))
        .ok()
}

/// `DAILY_TOKEN_BUDGET` and `MONTHLY_TOKEN_BUDGET`: tokens of the language model, of questions and answers together, that
/// one user may spend. Days and months are those of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetConfig {
    /// On one day; `None`: no limit.
    pub daily: Option<u64>,
    /// In one month; `None`: no limit.
    pub monthly: Option<u64>,
}

impl BudgetConfig {
    /// Reads the section. A budget that not even one question fits is a slip of the operator's: `worst_case` is what one
    /// may cost.
    pub fn from_env(env: &mut Env, worst_case: u64) -> Self {
        let mut budget = |name| {
            let tokens = env.number(name, 0..=1_000_000_000_000, 0);
            if (1..worst_case).contains(&tokens) {
                env.problem(
                    name,
                    &format!("must be 0 (no limit) or at least {worst_case}, the most that one question may cost"),
                );
            }
            (tokens > 0).then_some(tokens)
        };
        Self {
            daily: budget("DAILY_TOKEN_BUDGET"),
            monthly: budget("MONTHLY_TOKEN_BUDGET"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Env {
        Env::new(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn every_limit_has_a_default_and_can_be_switched_off() {
        let mut plain = env(&[]);
        let LimitsConfig {
            ask,
            poll,
            upload,
            read,
            write,
            address,
            sign_up,
            sign_in,
            refresh,
        } = LimitsConfig::from_env(&mut plain);
        let all = [ask, poll, upload, read, write, address, sign_up, sign_in, refresh];
        assert!(all.iter().all(Option::is_some) && plain.finish().is_ok());
        let mut off = env(&[("RATE_LIMIT_ASK", "off"), ("RATE_LIMIT_POLL", "5/s:50")]);
        let limits = LimitsConfig::from_env(&mut off);
        assert_eq!((limits.ask, limits.poll), (None, "5/s:50".parse().ok()));
        assert!(off.finish().is_ok());
    }

    #[test]
    fn what_is_no_rate_stops_the_start() {
        let mut env = env(&[("RATE_LIMIT_ASK", "many"), ("RATE_LIMIT_ADDRESS", "0/m")]);
        LimitsConfig::from_env(&mut env);
        let message = env.finish().unwrap_err().to_string();
        assert!(
            message.contains("RATE_LIMIT_ASK must be a rate such as 30/m"),
            "{message}"
        );
        assert!(message.contains("RATE_LIMIT_ADDRESS must be"), "{message}");
        assert!(!message.contains("many"), "{message}");
    }

    #[test]
    fn a_budget_has_room_for_one_question_at_least() {
        let read = |tokens: &str| {
            let mut env = env(&[("DAILY_TOKEN_BUDGET", tokens)]);
            let config = BudgetConfig::from_env(&mut env, 5_000);
            env.finish().map(|()| config.daily).map_err(|error| error.to_string())
        };
        assert_eq!(read("0"), Ok(None));
        assert_eq!(read("5000"), Ok(Some(5_000)));
        assert!(
            read("4999")
                .unwrap_err()
                .contains("DAILY_TOKEN_BUDGET must be 0 (no limit) or at least 5000")
        );
    }
}
