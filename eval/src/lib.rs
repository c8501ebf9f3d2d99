//! Measures retrieval on collections of documents and judged questions: `cargo xtask eval`.
//!
//! Start reading at [`run::evaluate`]. Documents go in by the code that ingests uploads ([`ingest`]), questions are
//! asked by the worker's own search ([`retrieve`]), and what comes out is compared with the judgments ([`units`],
//! [`measures`], [`statistics`]) and shown ([`table`], [`chart`], [`report`]).

pub mod abstention;
pub mod args;
pub mod baseline;
pub mod bench;
pub mod chart;
pub mod collection;
pub mod database;
pub mod ingest;
pub mod measures;
pub mod memory;
pub mod progress;
pub mod report;
pub mod retrieve;
pub mod run;
pub mod statistics;
pub mod system;
pub mod table;
pub mod units;
