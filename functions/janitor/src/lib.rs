//! The janitor: each minute it looks after jobs that nobody looks after, and it is the consumer of the dead-letter queue.
//!
//! Read it from [`trigger`], which tells its three kinds of events apart, to [`sweep`], [`dead_letters`] and [`redrive`].
//! Two of them at once do each thing once.

pub mod app;
pub mod dead_letters;
pub mod redrive;
mod sending;
pub mod sweep;
pub mod trigger;
