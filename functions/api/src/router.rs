//! Every route on one screen, and what every request passes on its way there.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use shared::domain::Original;
use utoipa::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use crate::app::App;
use crate::error::ApiError;
use crate::middleware;
use crate::openapi::{self, Description};
use crate::routes::{ask, auth, chats, documents, health, ready, users};

/// Room for a question of 1000 characters, however it is escaped.
const BODY_LIMIT: usize = 64 * 1024;
/// Room for an HTML page or a PDF, and for a text of 1 MiB with its line breaks and quotes escaped.
const DOCUMENT_BODY_LIMIT: usize = Original::MAX_BYTES;
/// Room for an address, a name and two passwords of 1024 bytes, however they are escaped.
const AUTH_BODY_LIMIT: usize = 16 * 1024;

/// The whole HTTP interface.
pub fn router(app: App) -> Router {
    let routes = Router::from(routes())
        .fallback(async || ApiError::NotFound)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(BODY_LIMIT));
    middleware::wrap(routes, &app).with_state(app)
}

/// The paths and methods stand with each handler's description, so what is not described is not served.
pub(crate) fn routes() -> OpenApiRouter<App> {
    let small = DefaultBodyLimit::max(AUTH_BODY_LIMIT);
    let large = DefaultBodyLimit::max(DOCUMENT_BODY_LIMIT);
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(health::show))
        .routes(routes!(ready::show))
        .routes(routes!(openapi::show))
        .routes(routes!(auth::register::register).layer(small))
        .routes(routes!(auth::login::login).layer(small))
        .routes(routes!(auth::refresh::refresh).layer(small))
        .routes(routes!(auth::logout::logout))
        .routes(routes!(users::me::show, users::me::delete::delete))
        .routes(routes!(users::me::update::update).layer(small))
        .routes(routes!(users::me::usage::show))
        .routes(routes!(users::me::sessions::list::list))
        .routes(routes!(users::me::sessions::delete::delete))
        .routes(routes!(users::me::api_keys::list::list))
        .routes(routes!(users::me::api_keys::create::create).layer(small))
        .routes(routes!(users::me::api_keys::delete::delete))
        .routes(routes!(documents::list::list))
        .routes(routes!(documents::create::create).layer(large))
        .routes(routes!(documents::show::show, documents::delete::delete))
        .routes(routes!(ask::create::create))
        .routes(routes!(ask::poll::poll, ask::cancel::cancel))
        .routes(routes!(chats::list::list))
        .routes(routes!(chats::delete::delete))
        .routes(routes!(chats::messages::messages))
}
