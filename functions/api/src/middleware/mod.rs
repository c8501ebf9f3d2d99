//! What every request passes, from the outside in: security headers, CORS, the trace, request id with log line and error
//! body,
//! the headers of the limits, and the net that catches panics.

mod cors;
mod headers;
mod observe;
mod origin;

use axum::Router;
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;
use crate::limits;

/// Wraps all routes. The outermost layer is added last.
pub(crate) fn wrap(routes: Router<App>, app: &App) -> Router<App> {
    routes
        .layer(CatchPanicLayer::custom(observe::after_panic))
        .layer(axum::middleware::from_fn(limits::show))
        .layer(axum::middleware::from_fn(observe::observe))
        .layer(axum::middleware::from_fn_with_state(app.xray.clone(), origin::follow))
        .layer(cors::layer(&app.config.allowed_origins))
        .layer(axum::middleware::from_fn(headers::secure))
}
