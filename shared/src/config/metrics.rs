//! Where the metrics are counted.

use super::Env;

/// The longest name of a namespace.
const LONGEST: usize = 255;

/// `METRICS_NAMESPACE`.
#[derive(Debug, Clone)]
pub struct MetricsConfig {
    /// The namespace in CloudWatch.
    pub namespace: String,
}

impl MetricsConfig {
    /// The namespace if none is set.
    pub const DEFAULT: &str = "Docent";

    /// Reads the section.
    pub fn from_env(env: &mut Env) -> Self {
        let namespace = env.optional("METRICS_NAMESPACE");
        let namespace = namespace.unwrap_or_else(|| Self::DEFAULT.to_owned());
        if !is_namespace(&namespace) {
            env.problem(
                "METRICS_NAMESPACE",
                "must begin with a letter, be made of letters, digits and ._/#-, and not begin with AWS/",
            );
        }
        Self { namespace }
    }
}

/// CloudWatch would take some more; names that begin with `AWS/` are its own.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Namespace>
fn is_namespace(name: &str) -> bool {
    name.len() <= LONGEST
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "._/#-".contains(c))
        && !name.starts_with("AWS/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cloudwatch_takes_is_a_namespace() {
        for good in ["Docent", "docent/dev", "D", "a.b_c-d#1", &"a".repeat(255)] {
            assert!(is_namespace(good), "{good}");
        }
        for bad in ["", "1a", "a b", "a\"b", "ä", "a:b", "AWS/SQS", "/a", &"a".repeat(256)] {
            assert!(!is_namespace(bad), "{bad}");
        }
    }
}
