//! Questions: asked, and then polled.

pub mod create;
pub mod poll;
