//! What can be computed about passages, prompts and citations without asking anybody.
//!
//! Everything in here is pure: plain values in, plain values out. No client, no clock, no randomness, no async.

pub mod analysis;
pub mod answer_links;
pub mod budget;
pub mod chunking;
pub mod citations;
pub mod context;
pub mod draft;
pub mod extract;
pub mod fusion;
pub mod prompt;
pub mod reading;
pub mod rerank;
pub mod task;

mod blocks;
mod escaping;
mod headings;
mod sentences;
mod windows;
mod words;
