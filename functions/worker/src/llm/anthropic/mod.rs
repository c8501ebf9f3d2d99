//! Anthropic's Messages API, with streaming and citations.

mod client;
mod price;
mod retry_after;
mod status;
mod stream;
mod wire;

pub use client::Anthropic;
