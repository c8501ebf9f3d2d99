//! W3C Trace Context (<https://www.w3.org/TR/trace-context/>, Level 1): the id by which everything that one request
//! caused is found, here and in the systems of whoever sent it.
//!
//! The trace of the work at hand is ambient, like the span of its log: it is set where work begins ([`Origin::during`])
//! and read where a message leaves ([`Origin::current`]). What runs outside has none, and its messages begin one.

use std::fmt;
use std::future::Future;

use uuid::Uuid;

use super::w3c::{is_state, parse};
use super::xray;

/// The header, and the attribute of a message, that names a trace and the piece of work in it that was the cause.
pub const TRACEPARENT: &str = "traceparent";
/// The one with what other systems have noted in that trace.
pub const TRACESTATE: &str = "tracestate";
/// The only flag of Level 1. Others are not handed on: nobody here knows what they mean.
const SAMPLED: u8 = 1;

/// A place in a trace: of all that belongs together, the piece of work that causes what comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    id: u128,
    span: u64,
    is_sampled: bool,
    state: Option<String>,
}

impl Trace {
    /// A trace of its own.
    #[must_use]
    pub fn begin() -> Self {
        Self {
            id: Uuid::new_v4().as_u128(),
            span: new_span(),
            is_sampled: false,
            state: None,
        }
    }

    /// Takes what a caller sent. `None` if `traceparent` is not of the standard's form: then a new trace begins, and
    /// `tracestate` is not looked at. One that is wrong itself, or too long, is left behind.
    #[must_use]
    pub fn of_caller(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let (id, span, flags) = parse(traceparent)?;
        Some(Self {
            id,
            span,
            is_sampled: flags & SAMPLED != 0,
            state: tracestate.filter(|state| is_state(state)).map(str::to_owned),
        })
    }

    /// The work that such a header or attribute, if there is one, names the cause of.
    #[must_use]
    pub fn caused_by(traceparent: Option<&str>, tracestate: Option<&str>) -> Option<Self> {
        Self::of_caller(traceparent?, tracestate).map(|caller| caller.child())
    }

    /// The same trace as X-Ray names it.
    #[must_use]
    pub fn of_xray(header: &xray::Header) -> Self {
        Self {
            id: header.trace_id(),
            span: header.parent().unwrap_or_else(new_span),
            is_sampled: header.is_sampled(),
            state: None,
        }
    }

    /// The next piece of work of the same trace.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            span: new_span(),
            ..self.clone()
        }
    }

    /// The trace's id, as it stands in logs.
    #[must_use]
    pub fn id(&self) -> TraceId {
        TraceId(self.id)
    }

    /// This piece of work's id.
    pub(super) fn span(&self) -> u64 {
        self.span
    }

    /// The header or attribute by which this work is named as the cause of another.
    #[must_use]
    pub fn traceparent(&self) -> String {
        format!(
            "00-{:032x}-{:016x}-{:02x}",
            self.id,
            self.span,
            u8::from(self.is_sampled)
        )
    }

    /// What other systems on the way have noted, word for word.
    #[must_use]
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

/// A trace's id: 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceId(u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

tokio::task_local! {
    static CURRENT: Origin;
}

/// Where the work at hand comes from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Its place in its trace.
    pub trace: Trace,
    /// The invocation's place in X-Ray, where there is one.
    pub segment: Option<xray::Segment>,
}

impl Origin {
    /// Of an invocation that nobody's message or request was the cause of: X-Ray's trace of it, or one of its own.
    #[must_use]
    pub fn of_invocation(segment: Option<xray::Segment>) -> Self {
        let traced = segment.as_ref().map(|segment| Trace::of_xray(segment.header()).child());
        Self {
            trace: traced.unwrap_or_else(Trace::begin),
            segment,
        }
    }

    /// Does work that comes from here.
    pub async fn during<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// Of the work at hand, if that is known.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Looks at [`Self::current`].
    pub(super) fn look<T>(look: impl FnOnce(&Self) -> T) -> Option<T> {
        CURRENT.try_with(look).ok()
    }
}

/// Never zero, which would be no id: the bits that mark a UUID's variant are in this half.
fn new_span() -> u64 {
    Uuid::new_v4().as_u64_pair().1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn the_examples_of_the_standard_are_read() {
        let trace = Trace::of_caller(GIVEN, Some("congo=t61rcWkgMzE")).unwrap();
        assert_eq!(trace.id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(trace.traceparent(), GIVEN);
        assert_eq!(trace.tracestate(), Some("congo=t61rcWkgMzE"));
        let not_sampled = GIVEN.replace("-01", "-00");
        assert_eq!(Trace::of_caller(&not_sampled, None).unwrap().traceparent(), not_sampled);
    }

    #[test]
    fn flags_that_nobody_knows_are_not_handed_on() {
        let trace = Trace::of_caller(&GIVEN.replace("-01", "-ff"), None).unwrap();
        assert_eq!(trace.traceparent(), GIVEN);
    }

    #[test]
    fn a_child_is_of_the_same_trace_and_another_span() {
        let trace = Trace::begin();
        let child = trace.child();
        assert_eq!(child.id(), trace.id());
        assert_ne!(child.span, trace.span);
        assert_ne!(Trace::begin().id(), trace.id());
    }

    #[test]
    fn xrays_id_is_the_traces() {
        let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        let trace = Trace::of_xray(&xray::Header::parse(header).unwrap());
        let expected = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";
        assert_eq!(trace.traceparent(), expected);
    }

    #[tokio::test]
    async fn work_knows_where_it_comes_from_and_what_runs_elsewhere_does_not() {
        let trace = Trace::begin();
        let origin = Origin {
            trace: trace.clone(),
            segment: None,
        };
        assert_eq!(origin.during(async { Origin::current().unwrap().trace }).await, trace);
        assert!(Origin::current().is_none());
    }

    proptest! {
        #[test]
        fn every_trace_is_read_as_it_was_written(id in 1_u128.., span in 1_u64.., is_sampled: bool) {
            let trace = Trace { id, span, is_sampled, state: None };
            prop_assert_eq!(Trace::of_caller(&trace.traceparent(), None), Some(trace));
        }
    }
}
