//! The queue between the functions.

use super::Env;

/// `QUEUE_URL` and `AWS_ENDPOINT_URL`. Region and credentials come from the AWS SDK's own variables.
#[derive(Debug, Clone)]
pub struct QueueConfig {
    /// The URL of the job queue.
    pub url: String,
    /// Where SQS is, if it is not AWS's.
    pub endpoint: Option<String>,
}

impl QueueConfig {
    /// Reads the section.
    pub fn from_env(env: &mut Env) -> Self {
        let url = env.required("QUEUE_URL");
        if !url.is_empty() && !url.starts_with("https://") && !url.starts_with("http://") {
            env.problem("QUEUE_URL", "must be the queue's URL");
        }
        Self {
            url,
            endpoint: env.optional("AWS_ENDPOINT_URL"),
        }
    }
}
