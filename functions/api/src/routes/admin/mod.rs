//! What only admins see.

pub mod stats;
