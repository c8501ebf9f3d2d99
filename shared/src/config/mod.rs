//! Settings: one section a file, each read from environment variables by its own `from_env`.
//!
//! A function reads all its sections before it stops at a problem, so that one start shows every variable that has
//! to be mended.

mod address;
mod answering;
mod api;
mod cache;
mod database;
mod embeddings;
mod env;
mod llm;
mod queue;
mod retrieval;
mod worker;

pub use answering::{AnsweringConfig, Provider};
pub use api::{ApiConfig, AuthConfig};
pub use cache::CacheConfig;
pub use database::DatabaseConfig;
pub use embeddings::{EmbeddingsConfig, LocalConfig, OpenAiConfig};
pub use env::{ConfigError, Env};
pub use llm::{AnthropicConfig, LlmConfig};
pub use queue::QueueConfig;
pub use retrieval::RetrievalConfig;
pub use worker::WorkerConfig;
