//! What every test starts from.

mod cloud_formation;
mod database;
mod docent;
mod faults;
mod http;
mod library;
mod log;
mod managed;
mod queue;
mod redis_cluster;
mod reference;
mod scripted_embeddings;
mod secret;
mod tls;
mod wire;

pub use cloud_formation::CloudFormation;
pub use database::{Database, connect};
pub use docent::{Docent, PASSWORD, SECRET, User, compiled, text};
pub use faults::{FaultyWay, Way};
pub use http::{Reply as HttpReply, request, send};
pub use library::{Book, Library};
pub use log::Log;
pub use managed::Sandbox;
pub use queue::{TestQueue, event, invocation};
pub use redis_cluster::RedisCluster;
pub use reference::Reference;
pub use scripted_embeddings::{ScriptedEmbeddings, topics_of};
pub use scripted_llm::{Reply, ScriptedLlm, events};
pub use secret::{Parameter, Readings, Secret};
pub use tls::{Authority, TlsDoor};
pub use wire::CountingProxy;

use std::future::Future;
use std::time::{Duration, Instant};

/// How long a test waits for what must happen. Far more than it takes, so that a busy machine does not fail a test.
pub const LIMIT: Duration = Duration::from_secs(45);

/// Asks again and again until there is something, for [`LIMIT`] at most.
pub async fn wait_for<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(started.elapsed() < LIMIT, "waited {LIMIT:?} in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A variable that `cargo xtask test` sets.
pub fn service(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: run the tests by `cargo xtask test`"))
}
