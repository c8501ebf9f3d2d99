//! The consumer of the queue: takes jobs, finds passages, has an answer written, checks and stores it.
//!
//! Read it from [`batch`], which turns messages into jobs, to [`jobs`], one kind a file.

pub mod app;
pub mod batch;
pub mod embedding;
pub mod indexing;
pub mod invocation;
pub mod jobs;
pub mod llm;
mod outbound;
pub mod rag;
pub mod reader;
mod reranking;
pub mod retrieval;
pub mod watch;
