//! Settings: one section a file, each read from environment variables by its own `from_env`.
//!
//! A function reads all its sections before it stops at a problem, so that one start shows every variable that has
//! to be mended.

mod address;
mod answering;
mod api;
mod auth;
mod cache;
mod database;
mod embeddings;
mod env;
mod key_ring;
mod limits;
mod llm;
mod metrics;
mod queue;
mod retrieval;
mod secrets;
mod source;
mod transport;
mod weak_secrets;
mod worker;
mod xray;

pub use answering::{AnsweringConfig, Provider};
pub use api::ApiConfig;
pub use auth::AuthConfig;
pub use cache::CacheConfig;
pub use database::DatabaseConfig;
pub use embeddings::{EmbeddingsConfig, LocalConfig, OpenAiConfig};
pub use env::{ConfigError, Env};
pub use key_ring::{KeyRing, NamedKey};
pub use limits::{BudgetConfig, LimitsConfig};
pub use llm::{AnthropicConfig, LlmConfig};
pub use metrics::MetricsConfig;
pub use queue::QueueConfig;
pub use retrieval::RetrievalConfig;
pub use secrets::{Reading, SecretsConfig};
pub(crate) use secrets::{settle_parameter, settle_secret};
pub use source::Source;
pub use worker::WorkerConfig;
pub use xray::XRayConfig;
