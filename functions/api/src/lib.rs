//! Docent's HTTP function: authenticates, looks into the cache, accepts questions and documents as jobs, and tells how they stand.
//!
//! Read it from [`router`], which shows every route on one screen, to the handlers under [`routes`].

pub mod app;
pub mod auth;
mod body;
mod cursor;
pub mod error;
mod idempotency;
pub mod limits;
mod middleware;
mod openapi;
pub mod router;
pub mod routes;
