//! Gives each request its id, logs it in one line, and writes the body of its error, if it is one.

use std::any::Any;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use lambda_http::RequestExt;
use lambda_http::request::RequestContext;
use shared::telemetry::trace::Origin;
use shared::telemetry::{Metric, Service, measures, milliseconds};
use tracing::{Instrument, Level};
use uuid::Uuid;

use crate::error::{ApiError, Problem, for_bare_status};
use crate::routes::ready::Report;

pub(super) async fn observe(request: Request, next: Next) -> Response {
    let id = request_id(&request);
    let trace = Origin::current().map(|origin| origin.trace.id().to_string());
    let span = tracing::info_span!("request", request_id = id, trace_id = trace);
    let work = measured(request, next, id);
    measures::of(Service::Api, "request", work).instrument(span).await
}

/// Serves the request and says of it what the log is to say.
async fn measured(request: Request, next: Next, id: String) -> Response {
    let started = Instant::now();
    measures::note("request_id", id.clone());
    measures::note("method", request.method().to_string());
    // The path as it is written in the router: an id in a path is nobody's business in a log.
    let route = request.extensions().get::<MatchedPath>();
    measures::note("route", route.map_or("(none)", MatchedPath::as_str).to_owned());
    let response = finish(next.run(request).await, &id);
    let status = response.status();
    measures::note("status", status.as_u16());
    if status.is_server_error() {
        measures::level(Level::WARN);
    }
    measures::set(Metric::RequestMs, milliseconds(started.elapsed()));
    response
}

/// The gateway's id, so that its log and ours can be laid side by side.
fn request_id(request: &Request) -> String {
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.request_id.clone(),
        _ => None,
    }
    .unwrap_or_else(|| Uuid::new_v4().to_string())
}

fn finish(response: Response, id: &str) -> Response {
    let mut response = if is_error(response.status()) {
        with_problem(response, id)
    } else {
        response
    };
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

fn is_error(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

/// Every error leaves in one form, whichever layer it came from.
fn with_problem(response: Response, id: &str) -> Response {
    // An error of the status alone was made by a layer of the framework; `/ready` says 503 with a body of its own.
    let (mut parts, body) = match response.extensions().get::<Problem>() {
        Some(_) => response.into_parts(),
        None if response.extensions().get::<Report>().is_some() => return response,
        None => for_bare_status(response.status()).into_response().into_parts(),
    };
    let Some(mut problem) = parts.extensions.remove::<Problem>() else {
        return Response::from_parts(parts, body);
    };
    id.clone_into(&mut problem.request_id);
    measures::note("code", problem.code);
    let mut with_body = (parts.status, axum::Json(problem)).into_response();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    with_body.headers_mut().extend(parts.headers);
    with_body
}

/// A panic is a defect: it is logged like one and told like one. The sandbox lives on.
pub(super) fn after_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    ApiError::Internal(format!("panic: {message}")).into_response()
}
