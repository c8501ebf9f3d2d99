//! What can be computed about passages, prompts and citations without asking anybody.
//!
//! Everything in here is pure: plain values in, plain values out. No client, no clock, no randomness, no async.

pub mod analysis;
pub mod chunking;
pub mod citations;
pub mod draft;
pub mod extract;
pub mod prompt;

mod blocks;
mod headings;
mod sentences;
mod visible;
mod windows;
mod words;
