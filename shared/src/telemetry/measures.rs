//! What a request or a job comes to, gathered while it is worked on and written as one line at its end.
//!
//! It is bound to the future of the request or job: the functions below find it from wherever they are called within that
//! future, also if several run at once on one thread, and do nothing elsewhere (in a task of its own, in a test without it).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime};

use time::OffsetDateTime;
use tracing::Level;

use super::init::namespace;
use super::metric::{Metric, Service, Step};
use super::note::Note;
use super::trace::Origin;
use super::{emf, line, milliseconds, xray};

/// Enough for every line there is, so that a line's notes are one allocation.
const NOTES: usize = 20;

/// What a line of its own takes over from that of the request or job it belongs to.
const IDS: [&str; 5] = ["request_id", "trace_id", "message_id", "job_id", "user_id"];

/// What X-Ray finds a request or job by.
const ANNOTATIONS: [&str; 5] = ["job_id", "user_id", "kind", "outcome", "code"];

tokio::task_local! {
    static CURRENT: RefCell<Measures>;
}

/// What was gathered.
#[derive(Debug)]
pub(super) struct Measures {
    pub(super) service: Service,
    pub(super) message: &'static str,
    pub(super) level: Level,
    pub(super) metrics: [f64; Metric::ALL.len()],
    pub(super) steps: [f64; Step::FIELDS.len()],
    pub(super) notes: Vec<(&'static str, Note)>,
    /// The second dimension of a metric that has two.
    pub(super) kind: Option<&'static str>,
}

impl Measures {
    pub(super) fn new(service: Service, message: &'static str) -> Self {
        Self {
            service,
            message,
            level: Level::INFO,
            metrics: [0.0; Metric::ALL.len()],
            steps: [0.0; Step::FIELDS.len()],
            notes: Vec::with_capacity(NOTES),
            kind: None,
        }
    }

    fn metric(&mut self, metric: Metric) -> &mut f64 {
        debug_assert!(metric.services().contains(&self.service), "{metric:?}");
        &mut self.metrics[metric as usize]
    }

    pub(super) fn note(&mut self, field: &'static str, value: Note) {
        match self.notes.iter_mut().find(|(name, _)| *name == field) {
            Some((_, before)) => *before = value,
            None => self.notes.push((field, value)),
        }
    }

    fn took(&mut self, step: Step, span: Duration) {
        let place = match step.metric() {
            Some(metric) => self.metric(metric),
            None => &mut self.steps[step as usize],
        };
        *place += milliseconds(span);
    }

    fn write(&self) {
        if line::is_wanted() {
            line::write(&emf::line(self, namespace(), OffsetDateTime::now_utc()));
        }
    }

    fn for_xray(&self, started: SystemTime) -> xray::Work {
        let mut annotations = BTreeMap::new();
        for (field, value) in &self.notes {
            if let (true, Note::Text(text)) = (ANNOTATIONS.contains(field), value) {
                annotations.insert(*field, text.to_string());
            }
        }
        for (metric, word) in [(Metric::CacheHits, "hit"), (Metric::CacheMisses, "miss")] {
            if self.metrics[metric as usize] > 0.0 {
                annotations.insert("cache", word.to_owned());
            }
        }
        xray::Work {
            name: self.message,
            started,
            annotations,
        }
    }
}

/// Does the work of one request or job, and writes its line when it has ended. A future that is dropped before writes none.
/// The line names the trace of the work at hand, and X-Ray is told of it if the invocation is traced.
pub fn of<'a, T: 'a>(
    service: Service,
    message: &'static str,
    work: impl Future<Output = T> + Send + 'a,
) -> impl Future<Output = T> + Send + 'a {
    // Boxed: whatever holds this future, and the compiler, has only a pointer to carry about.
    let work: Pin<Box<dyn Future<Output = T> + Send + 'a>> = Box::pin(work);
    let measures = RefCell::new(Measures::new(service, message));
    CURRENT.scope(measures, async {
        let started = SystemTime::now();
        if let Some(id) = Origin::look(|origin| origin.trace.id()) {
            note("trace_id", id.to_string());
        }
        let outcome = work.await;
        current(|measures| {
            measures.write();
            xray::report(|| measures.for_xray(started));
        });
        outcome
    })
}

/// Counts one.
pub fn count(metric: Metric) {
    add(metric, 1.0);
}

/// Adds to a metric.
pub fn add(metric: Metric, value: f64) {
    current(|measures| *measures.metric(metric) += value);
}

/// Adds a number of things to a metric.
pub fn add_all(metric: Metric, things: usize) {
    add(metric, u32::try_from(things).unwrap_or(u32::MAX).into());
}

/// Sets a metric; of several values the last counts.
pub fn set(metric: Metric, value: f64) {
    current(|measures| *measures.metric(metric) = value);
}

/// Says something of the request or job; of several values for a field the last counts. Names of fields are written in
/// small letters, those of metrics are not.
pub fn note(field: &'static str, value: impl Into<Note>) {
    current(|measures| measures.note(field, value.into()));
}

/// How much the line matters. It says `INFO` otherwise, and is written in any case.
pub fn level(level: Level) {
    current(|measures| measures.level = level);
}

/// Adds to a step's time.
pub fn took(step: Step, span: Duration) {
    current(|measures| measures.took(step, span));
}

/// Adds to a step's time what passes until the value is dropped: also what was given up is timed.
#[must_use]
pub fn timed(step: Step) -> Timed {
    Timed {
        step,
        started: Instant::now(),
    }
}

/// See [`timed`].
#[derive(Debug)]
pub struct Timed {
    step: Step,
    started: Instant,
}

impl Drop for Timed {
    fn drop(&mut self) {
        took(self.step, self.started.elapsed());
    }
}

/// Writes a line of its own for a call to a model that failed: `kind` is one of a closed list, and `error` says what
/// happened, without anything of the question or the answer.
pub fn failed_call(kind: &'static str, error: &str) {
    current(|measures| {
        let mut own = Measures::new(measures.service, "call");
        own.level = Level::WARN;
        own.kind = Some(kind);
        *own.metric(Metric::LlmErrors) = 1.0;
        own.notes
            .extend(measures.notes.iter().filter(|(name, _)| IDS.contains(name)).cloned());
        own.note("outcome", "failed".into());
        own.note("error", error.to_owned().into());
        own.write();
    });
}

fn current(act: impl FnOnce(&mut Measures)) {
    // Outside of a request or job there is nothing to gather for.
    let _ = CURRENT.try_with(|measures| {
        if let Ok(mut measures) = measures.try_borrow_mut() {
            act(&mut measures);
        }
    });
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};

    use super::*;

    fn counted(metric: Metric) -> f64 {
        let mut value = f64::NAN;
        current(|measures| value = *measures.metric(metric));
        value
    }

    #[tokio::test]
    async fn jobs_that_run_at_once_are_told_apart() {
        let jobs = stream::iter(1..=5_u32).map(|number| {
            of(Service::Worker, "job", async move {
                for _ in 0..number {
                    count(Metric::JobsCompleted);
                    tokio::task::yield_now().await;
                }
                counted(Metric::JobsCompleted)
            })
        });
        let mut counts: Vec<f64> = jobs.buffer_unordered(5).collect().await;
        counts.sort_by(f64::total_cmp);
        assert_eq!(counts, [1.0, 2.0, 3.0, 4.0, 5.0]);
    }

    #[tokio::test]
    async fn outside_of_a_request_nothing_happens() {
        count(Metric::CacheHits);
        note("status", 200);
        drop(timed(Step::Cache));
        failed_call("timeout", "");
        assert!(counted(Metric::CacheHits).is_nan());
    }

    #[tokio::test]
    async fn what_was_given_up_is_timed() {
        of(Service::Worker, "job", async {
            let endless = async {
                let _timed = timed(Step::Llm);
                std::future::pending::<()>().await;
            };
            let limit = Duration::from_millis(20);
            assert!(tokio::time::timeout(limit, endless).await.is_err());
            assert!(counted(Metric::LlmTotalMs) >= 20.0);
        })
        .await;
    }

    #[test]
    fn steps_have_the_places_of_their_fields() {
        for (place, (step, _)) in Step::FIELDS.into_iter().enumerate() {
            assert_eq!(step as usize, place);
            assert_eq!(step.metric(), None);
        }
        for (place, metric) in Metric::ALL.iter().enumerate() {
            assert_eq!(*metric as usize, place);
        }
    }
}
