//! Every route on one screen, and what every request passes on its way there.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post};
use shared::domain::Original;

use crate::app::App;
use crate::error::ApiError;
use crate::middleware;
use crate::routes::{ask, auth, chats, documents, health, ready, users};

/// Room for a question of 1000 characters, however it is escaped.
const BODY_LIMIT: usize = 64 * 1024;
/// Room for an HTML page or a PDF, and for a text of 1 MiB with its line breaks and quotes escaped.
const DOCUMENT_BODY_LIMIT: usize = Original::MAX_BYTES;

/// The whole HTTP interface.
pub fn router(app: App) -> Router {
    let routes = Router::new()
        .route("/health", get(health::show))
        .route("/ready", get(ready::show))
        .route("/api/auth/register", post(auth::register::register))
        .route("/api/auth/login", post(auth::login::login))
        .route(
            "/api/users/me",
            get(users::me::show)
                .patch(users::me::update::update)
                .delete(users::me::delete::delete),
        )
        .route(
            "/api/documents",
            get(documents::list::list)
                .merge(post(documents::create::create).layer(DefaultBodyLimit::max(DOCUMENT_BODY_LIMIT))),
        )
        .route(
            "/api/documents/{id}",
            get(documents::show::show).delete(documents::delete::delete),
        )
        .route("/api/ask", post(ask::create::create))
        .route("/api/ask/{id}", get(ask::poll::poll).delete(ask::cancel::cancel))
        .route("/api/chats", get(chats::list::list))
        .route("/api/chats/{id}", delete(chats::delete::delete))
        .route("/api/chats/{id}/messages", get(chats::messages::messages))
        .fallback(async || ApiError::NotFound)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(BODY_LIMIT));
    middleware::wrap(routes, &app).with_state(app)
}
