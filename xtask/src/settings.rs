//! Settings that the developer has given: the environment, and a `.env` file in the repository's root.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Settings of the functions that are handed on as they are; what the stack decides itself is not among them.
const HANDED_ON: &[&str] = &[
    "ALLOW_PLAINTEXT",
    "ALLOWED_ORIGINS",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_CONTEXT_MODEL",
    "ANTHROPIC_MAX_TOKENS",
    "ANTHROPIC_MODEL",
    "ANTHROPIC_RERANK_MODEL",
    "CACHE_KEY_PREFIX",
    "CACHE_TTL_SECONDS",
    "CONTEXTUAL_HEADERS",
    "DAILY_TOKEN_BUDGET",
    "DATABASE_CA_FILE",
    "EMBEDDINGS_API_KEY",
    "EMBEDDINGS_BATCH_SIZE",
    "EMBEDDINGS_MODEL",
    "EMBEDDINGS_MODEL_DIR",
    "EMBEDDINGS_TIMEOUT_SECONDS",
    "EMBEDDINGS_URL",
    "JOB_DEADLINE_SECONDS",
    "JOB_LEASE_SECONDS",
    "JOB_MAX_ATTEMPTS",
    "JWT_EXPIRY",
    "JWT_SECRET",
    "LLM_PROVIDER",
    "LLM_TIMEOUT_SECONDS",
    "LOG_LEVEL",
    "MAX_OPEN_JOBS",
    "MAX_OPEN_JOBS_PER_USER",
    "METRICS_NAMESPACE",
    "MONTHLY_TOKEN_BUDGET",
    "RATE_LIMIT_ADDRESS",
    "RATE_LIMIT_ASK",
    "RATE_LIMIT_POLL",
    "RATE_LIMIT_READ",
    "RATE_LIMIT_REFRESH",
    "RATE_LIMIT_SIGN_IN",
    "RATE_LIMIT_SIGN_UP",
    "RATE_LIMIT_UPLOAD",
    "RATE_LIMIT_WRITE",
    "REFRESH_EXPIRY",
    "REDIS_CA_FILE",
    "RETRIEVAL_PASSAGES",
    "RETRIEVAL_RERANK",
    "RETRIEVAL_TOKENS",
    "RETRIEVAL_VECTOR_WEIGHT",
    "WORKER_CONCURRENCY",
];

/// Services to use instead of starting them. Credentials are not among them: an emulator asks for none, and the
/// developer's own do not belong into local processes.
const SERVICES: &[&str] = &["AWS_ENDPOINT_URL", "DATABASE_URL", "REDIS_URL"];

/// What is set; an empty value counts as not set.
#[derive(Debug, Default)]
pub(crate) struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Reads `.env` of the repository, then the environment, which wins.
    ///
    /// # Errors
    /// Names the line of `.env` that is no `NAME=value`.
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let file = root.join(".env");
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("read {}", file.display())),
        };
        let mut values = parse(&text).with_context(|| format!("read {}", file.display()))?;
        for name in HANDED_ON.iter().chain(SERVICES) {
            if let Ok(value) = std::env::var(name) {
                values.insert((*name).to_owned(), value);
            }
        }
        values.retain(|_, value| !value.is_empty());
        Ok(Self(values))
    }

    /// One setting.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The settings that are handed on to the functions.
    pub(crate) fn handed_on(&self) -> impl Iterator<Item = (&str, &str)> {
        HANDED_ON.iter().filter_map(|name| Some((*name, self.get(name)?)))
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Settings {
    fn from_iter<T: IntoIterator<Item = (&'a str, &'a str)>>(pairs: T) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self(pairs.into_iter().map(owned).collect())
    }
}

/// Parses `NAME=value` lines: `#` comments, an `export` before the name and quotes around the value are allowed;
/// nothing is expanded.
fn parse(text: &str) -> Result<BTreeMap<String, String>> {
    let mut values = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else {
            bail!("line {number} is no NAME=value")
        };
        let name = name.trim();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            bail!("line {number}: {name:?} is no name of a variable");
        }
        values.insert(name.to_owned(), unquote(value.trim()).to_owned());
    }
    Ok(values)
}

fn unquote(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|rest| rest.split_once(quote)) {
            return inner.0;
        }
    }
    // A comment after an unquoted value starts with white space: a `#` inside a URL or a password is a part of it.
    value.split_once(" #").map_or(value, |(value, _)| value.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_lines_are_read_as_shells_read_them() {
        let text = "# a comment\n\nA=1\nexport B = two words \nC=\"quoted # text\" # comment\nD='x=y'\nE=a#b # c\nF=\n";
        let values = parse(text).unwrap();
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "quoted # text"),
            ("D", "x=y"),
            ("E", "a#b"),
            ("F", ""),
        ];
        assert_eq!(
            values,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
        );
    }

    #[test]
    fn a_broken_line_is_named_without_its_value() {
        let error = parse("A=1\nsecret words\n").unwrap_err().to_string();
        assert_eq!(error, "line 2 is no NAME=value");
        assert!(parse("A B=1").unwrap_err().to_string().contains("line 1"));
    }

    #[test]
    fn every_setting_of_the_example_is_known_here() {
        const DECIDED_BY_THE_STACK: &[&str] = &[
            "AWS_ACCESS_KEY_ID",
            "AWS_REGION",
            "AWS_SECRET_ACCESS_KEY",
            "FUNCTIONS_DATABASE_URL",
            "QUEUE_MAX_RECEIVES",
            "QUEUE_URL",
        ];
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.env.example");
        let text = std::fs::read_to_string(example).unwrap();
        let settings: String = text
            .lines()
            .filter(|line| !line.contains(' '))
            .flat_map(|line| [line, "\n"])
            .collect();
        let names = parse(&settings.replace('#', "")).unwrap();
        assert!(names.len() > 10, "{names:?}");
        for name in names.keys().map(String::as_str) {
            // Secrets by name are for AWS: the stack gives values.
            let is_for_aws = name.ends_with("_PARAMETER") || name.ends_with("_SECRET") && name != "JWT_SECRET";
            let known = [HANDED_ON, SERVICES, DECIDED_BY_THE_STACK]
                .iter()
                .any(|list| list.contains(&name));
            assert!(known || is_for_aws, "{name}");
        }
    }

    #[test]
    fn only_the_functions_settings_are_handed_on() {
        let settings = Settings(parse("LOG_LEVEL=debug\nDATABASE_URL=postgres://x\nOTHER=1").unwrap());
        assert_eq!(settings.handed_on().collect::<Vec<_>>(), [("LOG_LEVEL", "debug")]);
        assert_eq!(settings.get("DATABASE_URL"), Some("postgres://x"));
    }
}
