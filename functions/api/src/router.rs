//! Every route on one screen, and what every request passes on its way there.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::MethodRouter;
use shared::domain::Original;
use utoipa::OpenApi;
use utoipa_axum::PathItemExt;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::app::App;
use crate::error::ApiError;
use crate::middleware;
use crate::openapi::{self, Description};
use crate::routes::{admin, ask, auth, chats, documents, health, ready, users};

/// Room for a question of 1000 characters, however it is escaped.
const BODY_LIMIT: usize = 64 * 1024;
/// Room for an HTML page or a PDF, and for a text of 1 MiB with its line breaks and quotes escaped.
const DOCUMENT_BODY_LIMIT: usize = Original::MAX_BYTES;
/// Room for an address, a name and two passwords of 1024 bytes, however they are escaped.
const AUTH_BODY_LIMIT: usize = 16 * 1024;

/// The whole HTTP interface.
pub fn router(app: App) -> Router {
    let routes = routes().into_iter().fold(Router::new(), |router, handlers| {
        let (path, methods) = (handlers.served)();
        let methods = match handlers.body_limit {
            Some(bytes) => methods.layer(DefaultBodyLimit::max(bytes)),
            None => methods,
        };
        router.route(&path, methods)
    });
    let routes = routes
        .fallback(async || ApiError::NotFound)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(BODY_LIMIT));
    middleware::wrap(routes, &app).with_state(app)
}

/// What [`Description`] says and what stands at each handler.
pub(crate) fn description() -> utoipa::openapi::OpenApi {
    let described = OpenApiRouter::with_openapi(Description::openapi());
    let described = routes().into_iter().fold(described, |described, handlers| {
        described.routes((handlers.described)())
    });
    described.into_openapi()
}

/// Handlers of one path. Both are made from the same names, so what is not described is not served.
struct Handlers {
    served: fn() -> (String, MethodRouter<App>),
    /// Takes some milliseconds for all routes, so a cold start leaves it out.
    described: fn() -> UtoipaMethodRouter<App>,
    body_limit: Option<usize>,
}

impl Handlers {
    fn with_bodies_up_to(self, bytes: usize) -> Self {
        Self {
            body_limit: Some(bytes),
            ..self
        }
    }
}

/// The path and the methods stand with each handler's description.
macro_rules! at {
    ($($handler:path),+) => {
        Handlers {
            served: || {
                let mut served = (String::new(), MethodRouter::new());
                $({
                    let (path, methods) = utoipa_axum::paste! {(
                        utoipa_axum::routes!(@path [path()] of $handler),
                        utoipa_axum::routes!(@path [methods()] of $handler)
                    )};
                    let on = |served: MethodRouter<App>, method: &utoipa::openapi::HttpMethod| {
                        served.on(method.to_method_filter(), $handler)
                    };
                    served = (path, methods.iter().fold(served.1, on));
                })+
                served
            },
            described: || utoipa_axum::routes!($($handler),+),
            body_limit: None,
        }
    };
}

fn routes() -> [Handlers; 24] {
    [
        at!(health::show),
        at!(ready::show),
        at!(openapi::show),
        at!(auth::register::register).with_bodies_up_to(AUTH_BODY_LIMIT),
        at!(auth::login::login).with_bodies_up_to(AUTH_BODY_LIMIT),
        at!(auth::refresh::refresh).with_bodies_up_to(AUTH_BODY_LIMIT),
        at!(auth::logout::logout),
        at!(users::me::show, users::me::delete::delete),
        at!(users::me::update::update).with_bodies_up_to(AUTH_BODY_LIMIT),
        at!(users::me::usage::show),
        at!(users::me::sessions::list::list),
        at!(users::me::sessions::delete::delete),
        at!(users::me::api_keys::list::list),
        at!(users::me::api_keys::create::create).with_bodies_up_to(AUTH_BODY_LIMIT),
        at!(users::me::api_keys::delete::delete),
        at!(documents::list::list),
        at!(documents::create::create).with_bodies_up_to(DOCUMENT_BODY_LIMIT),
        at!(documents::show::show, documents::delete::delete),
        at!(ask::create::create),
        at!(ask::poll::poll, ask::cancel::cancel),
        at!(chats::list::list),
        at!(chats::delete::delete),
        at!(chats::messages::messages),
        at!(admin::stats::show),
    ]
}
