//! Chats.

pub mod delete;
pub mod list;
pub mod messages;
