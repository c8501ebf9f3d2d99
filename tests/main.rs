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
mod backpressure;
mod bm25;
mod budgets;
mod cache;
mod cancel;
mod chats;
mod circuit;
mod deadline;
mod degradation;
mod delivery;
mod documents;
mod errors;
mod flights;
mod idempotency;
mod janitor;
mod journey;
mod large_scope;
mod leases;
mod llm;
mod migrating;
mod named_cases;
mod ownership;
mod reading;
mod redrive;
mod retrieval;
mod single_flight;
mod stages;
mod state_machine;
mod statistics;
mod support;
mod vectors;
