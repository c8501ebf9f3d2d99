//! Where a request comes from: its caller's trace, or else the one that Lambda began, or else one of its own.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use lambda_http::RequestExt;
use shared::telemetry::trace::{Origin, TRACEPARENT, TRACESTATE, Trace};
use shared::telemetry::xray::{Daemon, Segment};

/// Everything that is done for the request, its line in the log included, belongs to its trace.
pub(super) async fn follow(State(daemon): State<Daemon>, request: Request, next: Next) -> Response {
    let context = request.lambda_context_ref();
    let segment = daemon.segment(context.and_then(|context| context.xray_trace_id.as_deref()));
    origin(request.headers(), segment).during(next.run(request)).await
}

fn origin(headers: &HeaderMap, segment: Option<Segment>) -> Origin {
    let parents: Vec<_> = headers.get_all(TRACEPARENT).iter().collect();
    // More than one is as good as none: they cannot all be the cause.
    let parent = match parents.as_slice() {
        [parent] => parent.to_str().ok(),
        _ => None,
    };
    let states = headers.get_all(TRACESTATE).iter().map(|state| state.to_str().ok());
    let states: Option<Vec<&str>> = states.collect();
    match Trace::caused_by(parent, states.map(|states| states.join(",")).as_deref()) {
        Some(trace) => Origin { trace, segment },
        None => Origin::of_invocation(segment),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const XRAY: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

    fn of(headers: &[(&'static str, &'static str)]) -> Trace {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        origin(&map, Daemon::default().segment(Some(XRAY))).trace
    }

    #[test]
    fn the_callers_trace_goes_before_lambdas() {
        let given = of(&[("traceparent", GIVEN), ("tracestate", "a=1"), ("tracestate", "b=2")]);
        assert_eq!(given.id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(given.tracestate(), Some("a=1,b=2"));
        assert!(!given.traceparent().contains("b7ad6b7169203331"), "a span of its own");
        let twice = [("traceparent", GIVEN), ("traceparent", GIVEN)];
        for headers in [
            &[][..],
            &[("traceparent", "00-1-2-3")],
            &twice,
            &[("tracestate", "a=1")],
        ] {
            let trace = of(headers);
            assert_eq!(trace.id().to_string(), "5759e988bd862e3fe1be46a994272793");
            assert_eq!(
                trace.tracestate(),
                None,
                "it belongs to a trace that is not gone on with"
            );
        }
    }

    #[test]
    fn without_any_a_trace_begins() {
        let begun = || origin(&HeaderMap::new(), None).trace.id();
        assert_ne!(begun(), begun());
    }
}
