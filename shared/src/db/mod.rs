//! Postgres: all SQL of the functions, one file a table, as free functions that take a [`Session`] first.
//!
//! Every statement on a user's rows takes the owner. Columns are named, and read by name.

mod alone;
pub mod api_keys;
pub mod budgets;
pub mod chats;
pub mod collections;
pub mod deployment;
pub mod documents;
mod door;
pub mod idempotency;
pub mod jobs;
mod keeper;
pub mod passages;
mod pool;
pub mod refresh_tokens;
pub mod search;
mod session;
pub mod sessions;
pub mod statistics;
pub mod users;
pub mod vectors;

pub use alone::{ConnectError, connect_once};
pub use pool::{Db, TlsError};
pub use session::{DbError, Session};

use std::time::Duration;

use uuid::Uuid;

/// One page of a list that is ordered from the newest to the oldest.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Only entries older than this one.
    pub before: Option<Uuid>,
    /// The most entries to return.
    pub limit: i64,
}

/// A span as a statement's parameter: seconds, to be multiplied with `interval '1 second'` by the database's clock.
fn seconds(span: Duration) -> f64 {
    span.as_secs_f64()
}
