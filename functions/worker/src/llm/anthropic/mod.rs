//! Anthropic's Messages API, with streaming and citations.

mod client;
mod price;
mod request;
mod status;
mod stream;
mod wire;

pub use client::Anthropic;

#[cfg(test)]
mod hostile;
