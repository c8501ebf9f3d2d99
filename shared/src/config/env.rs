//! Reads variables and collects what is wrong with them.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::str::FromStr;

use secrecy::SecretString;

use super::Source;

/// The environment of a function, and the problems found in it so far.
#[derive(Debug)]
pub struct Env {
    variables: HashMap<String, String>,
    problems: Vec<String>,
    /// Variables about which everything is said: there is no value to find further fault with.
    given_up: BTreeSet<&'static str>,
    source: Source,
}

impl Env {
    /// The process's own environment.
    #[must_use]
    pub fn of_process() -> Self {
        // A variable that is not Unicode cannot be one of ours.
        let variables = std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        Self::new(variables)
    }

    /// An environment made of the given variables.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            variables: variables.into_iter().collect(),
            problems: Vec::new(),
            given_up: BTreeSet::new(),
            source: Source::default(),
        }
    }

    /// The same variables in an environment of its own.
    pub(super) fn without_problems(&self) -> Self {
        Self::new(self.variables.clone())
    }

    /// Where values came from that were given by a name.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source.clone()
    }

    /// Notes where values came from.
    pub(crate) fn set_source(&mut self, source: Source) {
        self.source = source;
    }

    /// Gives a variable a value that was found elsewhere.
    pub(super) fn set(&mut self, name: &str, value: String) {
        self.variables.insert(name.to_owned(), value);
    }

    /// Notes that there is no value to be had for the variable `name`, and why. Its absence is no further problem then.
    pub(super) fn give_up(&mut self, name: &'static str, why: &str) {
        self.problem(name, why);
        self.variables.remove(name);
        self.given_up.insert(name);
    }

    /// The value of a variable; one that is set to nothing counts as not set.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<String> {
        self.variables
            .get(name)
            .map(|v| v.trim().to_owned())
            .filter(|v| !v.is_empty())
    }

    /// The value of a variable that has to be set; its absence is noted as a problem.
    pub fn required(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.problem(name, "is not set");
            String::new()
        })
    }

    /// A required value that must not be shown.
    pub fn secret(&mut self, name: &str) -> SecretString {
        SecretString::from(self.required(name))
    }

    /// A value of any type that reads itself from text, or `default` if the variable is not set.
    pub fn parsed<T: FromStr>(&mut self, name: &str, expected: &str, default: T) -> T {
        match self.optional(name).map(|text| text.parse()) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(_)) => {
                self.problem(name, &format!("must be {expected}"));
                default
            }
        }
    }

    /// A whole number within `range`, or `default` if the variable is not set.
    pub fn number(&mut self, name: &str, range: std::ops::RangeInclusive<u64>, default: u64) -> u64 {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let number = self.parsed(name, &expected, default);
        if !range.contains(&number) {
            self.problem(name, &format!("must be {expected}"));
        }
        number
    }

    /// Notes that the variable `name` has a problem. The value itself is never part of it: it may be a secret.
    pub fn problem(&mut self, name: &str, what: &str) {
        if !self.given_up.contains(name) {
            self.problems.push(format!("{name} {what}"));
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem noted so far.
    pub fn finish(self) -> Result<(), ConfigError> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(ConfigError(self.problems))
        }
    }
}

/// All problems of the settings at once.
#[derive(Debug)]
pub struct ConfigError(Vec<String>);

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the settings cannot be used: {} (see .env.example)",
            self.0.join("; ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Env {
        Env::new(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn all_problems_are_reported_at_once_and_without_values() {
        let mut env = env(&[("SIZE", "swordfish"), ("EMPTY", " ")]);
        env.number("SIZE", 1..=9, 1);
        env.required("EMPTY");
        env.required("ABSENT");
        let message = env.finish().unwrap_err().to_string();
        for name in [
            "SIZE must be a whole number from 1 to 9",
            "EMPTY is not set",
            "ABSENT is not set",
        ] {
            assert!(message.contains(name), "{message}");
        }
        assert!(!message.contains("swordfish"), "{message}");
    }

    #[test]
    fn a_number_out_of_range_is_a_problem() {
        let mut env = env(&[("SIZE", "10")]);
        env.number("SIZE", 1..=9, 1);
        assert!(env.finish().is_err());
    }
}
