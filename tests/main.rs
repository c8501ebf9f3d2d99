//! The integration tests: the real router and the real batch handler on real Postgres, Redis and SQS; only the
//! language model is scripted, on the wire.
//!
//! `cargo xtask test` starts the services and runs them. Each test has a database, a key prefix and a queue of its
//! own, so all of them run at once.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "in a test a panic is how a failure is reported, and its helpers have no users but the tests beside them"
)]

mod accounts;
mod admin;
mod api_contract;
mod api_keys;
mod audit;
mod backpressure;
mod bm25;
mod budgets;
mod cache;
mod canaries;
mod cancel;
mod chats;
mod circuit;
mod cluster;
mod concurrent;
mod deadline;
mod degradation;
mod delivery;
mod documents;
mod endings;
mod errors;
mod flights;
mod hostile;
mod hostile_http;
mod idempotency;
mod idle;
mod injection;
mod isolation;
mod janitor;
mod journey;
mod large_scope;
mod leases;
mod limits;
mod llm;
mod migrating;
mod migrator;
mod named_cases;
mod ownership;
mod passwords;
mod reading;
mod redrive;
mod retrieval;
mod roles;
mod rotation;
mod secrets_by_name;
mod sessions;
mod single_flight;
mod stages;
mod state_machine;
mod statements;
mod statistics;
mod support;
mod telemetry;
mod template;
mod token_budgets;
mod tokens;
mod tracing;
mod transport;
mod vectors;
