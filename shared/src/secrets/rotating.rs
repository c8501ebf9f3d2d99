//! A value made of a secret that may be replaced while the function runs.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Mutex, MutexGuard};
use tracing::Instrument;

use super::read;
use crate::config::{Env, Source};
use crate::telemetry::chain;

/// Whoever was refused waits for it, and a client of the api not longer than three seconds.
const LONGEST: Duration = Duration::from_secs(2);

/// What makes the value, by the parsers of the start. What they find wrong stands in the environment.
type Make<T> = Box<dyn Fn(&mut Env) -> Result<T, Box<dyn Error + Send + Sync>> + Send + Sync>;

/// A login, a key, or a client that has one. To use it costs an atomic load. Whoever finds that it is refused asks what to
/// try [`instead_of`](Self::instead_of) it: the secret is read again then, if it was given by a name.
pub struct Rotating<T> {
    current: ArcSwap<T>,
    renewal: Option<Renewal<T>>,
}

struct Renewal<T> {
    variable: &'static str,
    source: Source,
    make: Make<T>,
    rest: Duration,
    last: Mutex<Last>,
}

/// The last time that the secret was read.
struct Last {
    /// By the wall clock, which goes on while a sandbox is frozen. `None`: at the start.
    at: Option<SystemTime>,
    secret: SecretString,
}

impl<T: Send + Sync + 'static> Rotating<T> {
    /// `value` was made of the variable's value in `source`; `make` makes another one. After the secret was read again it is
    /// not read once more for `rest`, whoever asks.
    pub fn new<E: Into<Box<dyn Error + Send + Sync>>>(
        source: &Source,
        variable: &'static str,
        rest: Duration,
        value: T,
        make: impl Fn(&mut Env) -> Result<T, E> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let renewal = source.of(variable).map(|(_, mut env)| Renewal {
            variable,
            source: source.clone(),
            make: Box::new(move |env| make(env).map_err(Into::into)),
            rest,
            last: Mutex::new(Last {
                at: None,
                secret: env.secret(variable),
            }),
        });
        Arc::new(Self {
            current: ArcSwap::from_pointee(value),
            renewal,
        })
    }

    /// The value as it was read last.
    #[must_use]
    pub fn current(&self) -> Arc<T> {
        self.current.load_full()
    }

    /// Puts a value made of the same secret in the place of one that has become useless, unless that is gone already.
    pub fn replace(&self, useless: &Arc<T>, value: T) {
        self.current.compare_and_swap(useless, Arc::new(value));
    }

    /// What to try now that `refused` was refused; `None` if there is nothing else. Of many who ask at once one reads.
    /// Who cannot wait for it may drop this: the reading goes on.
    pub async fn instead_of(self: &Arc<Self>, refused: &Arc<T>) -> Option<Arc<T>> {
        let renewal = self.renewal.as_ref()?;
        if Arc::ptr_eq(&self.current(), refused) && !renewal.is_resting() {
            let this = self.clone();
            let reading = async move { this.renew().await }.in_current_span();
            // It cannot panic, and if it did the old value would stand.
            let _ = tokio::spawn(reading).await;
        }
        let current = self.current();
        (!Arc::ptr_eq(&current, refused)).then_some(current)
    }

    async fn renew(&self) {
        let Some(renewal) = &self.renewal else { return };
        let mut last = renewal.last.lock().await;
        if last.is_within(renewal.rest) {
            return;
        }
        let variable = renewal.variable;
        match renewal.read(&mut last).await {
            Ok(Some(value)) => {
                self.current.store(Arc::new(value));
                tracing::info!(variable, "a secret was refused, and replaced by a new one");
            }
            Ok(None) => tracing::warn!(variable, "a secret was refused, and there is no new one"),
            Err(error) => {
                let error = chain(&*error);
                tracing::error!(variable, error, "a secret was refused, and cannot be read again");
            }
        }
    }
}

impl<T> Renewal<T> {
    /// Whoever reads at the moment is waited for.
    fn is_resting(&self) -> bool {
        self.last.try_lock().is_ok_and(|last| last.is_within(self.rest))
    }

    /// `None`: it is still the same.
    async fn read(&self, last: &mut MutexGuard<'_, Last>) -> Result<Option<T>, Box<dyn Error + Send + Sync>> {
        last.at = Some(SystemTime::now());
        let Some((names, mut env)) = self.source.of(self.variable) else {
            return Ok(None);
        };
        read(&names, LONGEST, &mut env).await;
        let secret = env.secret(self.variable);
        if secret.expose_secret() == last.secret.expose_secret() {
            return Ok(None);
        }
        let made = (self.make)(&mut env);
        env.finish()?;
        let value = made?;
        last.secret = secret;
        Ok(Some(value))
    }
}

impl Last {
    /// A clock that was set back counts as a long time.
    fn is_within(&self, rest: Duration) -> bool {
        let since = self.at.and_then(|at| SystemTime::now().duration_since(at).ok());
        since.is_some_and(|since| since < rest)
    }
}

/// It is made of a secret, so nothing of it is shown.
impl<T> fmt::Debug for Rotating<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotating").finish_non_exhaustive()
    }
}
