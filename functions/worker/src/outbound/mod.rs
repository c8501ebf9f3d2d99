//! What all calls to services outside have in common: how they are reached, how much of a reply is read, how long a
//! service may ask us to wait, with which key they are made.

mod body;
mod client;
mod key;
mod retry_after;

pub(crate) use body::{Unread, bounded};
pub(crate) use client::client;
pub(crate) use key::Key;
pub(crate) use retry_after::retry_after;
