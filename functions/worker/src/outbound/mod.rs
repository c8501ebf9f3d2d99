//! What all calls to services outside have in common: how they are reached, how much of a reply is read, how long a
//! service may ask us to wait.

mod body;
mod client;
mod retry_after;

pub(crate) use body::{Unread, bounded};
pub(crate) use client::client;
pub(crate) use retry_after::retry_after;
