//! Ctrl-C, SIGTERM and SIGHUP: the first asks every wait to give up, so that guards end what was started; a second one
//! does not wait for that.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static ABANDONED: AtomicBool = AtomicBool::new(false);

/// How often a wait looks whether it should give up.
pub(crate) const TICK: Duration = Duration::from_millis(20);

/// The error of every wait after Ctrl-C.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Starts listening for signals.
///
/// # Errors
/// If the handlers cannot be installed.
pub(crate) fn install() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start signal runtime")?;
    let mut signals = Vec::new();
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let _guard = runtime.enter();
        signals.push(signal(kind).context("install signal handler")?);
    }
    std::thread::spawn(move || runtime.block_on(listen(signals)));
    Ok(())
}

async fn listen(mut signals: Vec<tokio::signal::unix::Signal>) {
    loop {
        std::future::poll_fn(|context| {
            // Every handler is polled, or the ones after the first would not wake this task.
            let ready = signals
                .iter_mut()
                .map(|signal| signal.poll_recv(context).is_ready())
                .filter(|ready| *ready)
                .count();
            if ready > 0 {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            // The watchdog sees this process end and ends what it has started.
            std::process::exit(130);
        }
    }
}

/// Whether Ctrl-C was pressed.
pub(crate) fn requested() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// Fails with [`Interrupted`] after Ctrl-C, or when the other half of [`both`] has failed.
pub(crate) fn check() -> Result<()> {
    if requested() || ABANDONED.load(Ordering::SeqCst) {
        Err(Interrupted.into())
    } else {
        Ok(())
    }
}

/// Does two things at once. When one fails, the other is given up at its next wait, and the failure is the result.
pub(crate) fn both<A: Send, B>(
    one: impl FnOnce() -> Result<A> + Send,
    other: impl FnOnce() -> Result<B>,
) -> Result<(A, B)> {
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| abandon_on_failure(one()));
        let other = abandon_on_failure(other());
        (
            one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            other,
        )
    });
    ABANDONED.store(false, Ordering::SeqCst);
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        // The half that was given up has nothing to say.
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
        (Err(one), Err(other)) => Err(if one.is::<Interrupted>() { other } else { one }),
    }
}

fn abandon_on_failure<T>(result: Result<T>) -> Result<T> {
    if result.is_err() {
        ABANDONED.store(true, Ordering::SeqCst);
    }
    result
}

/// Sleeps, unless interrupted.
pub(crate) fn sleep(duration: Duration) -> Result<()> {
    let end = Instant::now() + duration;
    loop {
        check()?;
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(TICK));
    }
}
