//! What the Lambda service does with a function, as far as Docent can notice: sandboxes that take one event at a time
//! over the runtime API, real deadlines, an end by force at the deadline, and a new sandbox for one that died.

mod runtime_api;
mod sandbox;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// A function to start.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) log: PathBuf,
    /// Sandboxes at the same time.
    pub(crate) sandboxes: usize,
    /// How long an invocation may take.
    pub(crate) timeout: Duration,
}

/// Why an invocation has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Its sandbox died.
    Died,
    /// It was ended by force at its deadline.
    TimedOut,
    /// The function said so.
    Error(Value),
}

/// A running function. Dropping it ends its sandboxes.
#[derive(Debug)]
pub(crate) struct Function {
    parts: Arc<Parts>,
    timeout: Duration,
    tasks: Vec<JoinHandle<()>>,
}

/// Number of a sandbox; a new one for each start.
type Number = u64;

#[derive(Debug)]
struct Parts {
    idle: mpsc::UnboundedSender<Idle>,
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<Idle>>,
    state: Mutex<State>,
    next: AtomicU64,
    /// How many invocations ended by force or with their sandbox.
    died: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    alive: HashMap<Number, Pid>,
    dead: HashSet<Number>,
    flights: HashMap<Uuid, Flight>,
}

/// A sandbox that asks for work.
#[derive(Debug)]
struct Idle {
    sandbox: Number,
    give: oneshot::Sender<Work>,
}

/// An event on its way to a sandbox.
#[derive(Debug)]
struct Work {
    id: Uuid,
    event: String,
    deadline: SystemTime,
}

/// An invocation under way.
#[derive(Debug)]
struct Flight {
    sandbox: Number,
    event: String,
    answer: oneshot::Sender<Result<Value, Failure>>,
}

impl Function {
    /// Starts the sandboxes.
    pub(crate) async fn start(plan: &Plan) -> Result<Self> {
        let (idle, waiting) = mpsc::unbounded_channel();
        let parts = Arc::new(Parts {
            idle,
            waiting: tokio::sync::Mutex::new(waiting),
            state: Mutex::default(),
            next: AtomicU64::new(1),
            died: AtomicU64::new(0),
        });
        let (address, server) = runtime_api::serve(parts.clone()).await?;
        let mut tasks = vec![server];
        for _ in 0..plan.sandboxes {
            let sandboxes = sandbox::keep_one(plan.clone(), address.clone(), parts.clone());
            tasks.push(tokio::spawn(sandboxes));
        }
        Ok(Self {
            parts,
            timeout: plan.timeout,
            tasks,
        })
    }

    /// Hands an event to the next free sandbox and waits for the answer.
    pub(crate) async fn invoke(&self, event: &Value) -> Result<Value, Failure> {
        self.invoke_within(event, self.timeout).await
    }

    /// The same with another time limit.
    pub(crate) async fn invoke_within(&self, event: &Value, limit: Duration) -> Result<Value, Failure> {
        let (id, answer) = self.parts.hand_over(event.to_string(), limit).await;
        match tokio::time::timeout(limit, answer).await {
            Ok(answer) => answer.unwrap_or(Err(Failure::Died)),
            Err(_) => {
                self.parts.died.fetch_add(1, Ordering::Relaxed);
                self.parts.end_flight(id);
                Err(Failure::TimedOut)
            }
        }
    }

    /// `kill -9` for the sandbox that works on an event with this text in it; whether there was one.
    pub(crate) fn kill_the_one_with(&self, text: &str) -> bool {
        let state = held(&self.parts.state);
        let flight = state.flights.values().find(|flight| flight.event.contains(text));
        flight.is_some_and(|flight| state.signal(flight.sandbox, Signal::KILL))
    }

    /// `kill -9` for a sandbox that is at work; the event it worked on.
    pub(crate) fn kill_a_busy_one(&self) -> Option<String> {
        let state = held(&self.parts.state);
        let flight = fastrand::choice(state.flights.values())?;
        state.signal(flight.sandbox, Signal::KILL).then(|| flight.event.clone())
    }

    /// Sends a signal to every sandbox.
    pub(crate) fn signal_all(&self, signal: Signal) {
        let state = held(&self.parts.state);
        for sandbox in state.alive.keys() {
            state.signal(*sandbox, signal);
        }
    }

    /// How many invocations were ended by force at their deadline.
    pub(crate) fn ended_by_force(&self) -> u64 {
        self.parts.died.load(Ordering::Relaxed)
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // The tasks own their processes, which end with them.
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl State {
    fn signal(&self, sandbox: Number, signal: Signal) -> bool {
        // Only living sandboxes are in the list: their numbers cannot have passed to another process.
        let pid = self.alive.get(&sandbox);
        pid.is_some_and(|pid| kill_process(*pid, signal).is_ok())
    }
}

impl Parts {
    async fn hand_over(&self, event: String, limit: Duration) -> (Uuid, oneshot::Receiver<Result<Value, Failure>>) {
        loop {
            let Some(Idle { sandbox, give }) = self.waiting.lock().await.recv().await else {
                std::future::pending().await
            };
            let (id, deadline) = (Uuid::new_v4(), SystemTime::now() + limit);
            let (answer, answered) = oneshot::channel();
            let mut state = held(&self.state);
            if state.dead.contains(&sandbox) {
                continue;
            }
            let work = Work {
                id,
                event: event.clone(),
                deadline,
            };
            if give.send(work).is_err() {
                continue;
            }
            let event = event.clone();
            state.flights.insert(id, Flight { sandbox, event, answer });
            return (id, answered);
        }
    }

    /// The answer of a sandbox; one that comes too late is dropped.
    fn answered(&self, id: Uuid, answer: Result<Value, Failure>) {
        if let Some(flight) = held(&self.state).flights.remove(&id) {
            let _ = flight.answer.send(answer);
        }
    }

    /// Lambda ends a sandbox whose invocation has passed its deadline.
    fn end_flight(&self, id: Uuid) {
        let mut state = held(&self.state);
        if let Some(flight) = state.flights.remove(&id) {
            state.signal(flight.sandbox, Signal::KILL);
        }
    }

    fn sandbox_began(&self, sandbox: Number, pid: Pid) {
        held(&self.state).alive.insert(sandbox, pid);
    }

    /// The invocation that a dead sandbox had is over.
    fn sandbox_ended(&self, sandbox: Number) {
        let mut state = held(&self.state);
        state.alive.remove(&sandbox);
        state.dead.insert(sandbox);
        let lost: Vec<Uuid> = state
            .flights
            .iter()
            .filter(|(_, flight)| flight.sandbox == sandbox)
            .map(|(id, _)| *id)
            .collect();
        for flight in lost.iter().filter_map(|id| state.flights.remove(id)) {
            let _ = flight.answer.send(Err(Failure::Died));
        }
    }
}

fn epoch_milliseconds(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}

/// A panic elsewhere leaves the state whole.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
