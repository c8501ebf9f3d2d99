//! Secrets that are replaced while the functions run: each service refuses the old one, and no function is started again.

mod cache;
mod database;
mod keys;
mod tokens;

use axum::Router;
use axum::http::Method;
use futures_util::future::join_all;

use crate::support::{request, send};

async fn chats(router: &Router, token: &str) -> u16 {
    let reply = send(router, request(Method::GET, "/api/chats", Some(token), None)).await;
    reply.status.as_u16()
}

async fn chats_of_many(router: &Router, tokens: &[String]) -> Vec<u16> {
    join_all(tokens.iter().map(|token| chats(router, token))).await
}
