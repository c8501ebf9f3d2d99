//! Several copies of one program, each started again when it ends: what the Lambda service does with its sandboxes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::process::Signal;

use crate::process::{self, Running};
use crate::{interrupt, progress};

/// The pause before the first new start; it doubles with every copy that does not live for [`LIVED`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A copy that has lived this long has worked.
const LIVED: Duration = Duration::from_secs(10);
/// After so many copies in a row that did not, the program is broken.
const BROKEN_AFTER: u32 = 4;

/// The supervisor; dropping it ends the copies.
#[derive(Debug)]
pub(crate) struct Supervisor {
    stop: Arc<AtomicBool>,
    broken: Arc<Mutex<Option<String>>>,
    log: PathBuf,
    thread: Option<JoinHandle<()>>,
}

struct Copy {
    name: String,
    running: Option<Running>,
    started: Instant,
    failures: u32,
}

impl Supervisor {
    /// Starts the copies.
    ///
    /// # Errors
    /// If the first start fails.
    pub(crate) fn start(
        name: &str,
        copies: usize,
        log: &Path,
        command: impl Fn() -> Command + Send + 'static,
    ) -> Result<Self> {
        let mut all = Vec::new();
        for number in 1..=copies {
            let name = format!("{name} copy {number}");
            let running = Some(process::start(&name, command(), log, Signal::TERM)?);
            all.push(Copy {
                name,
                running,
                started: Instant::now(),
                failures: 0,
            });
        }
        let (stop, broken) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(None)));
        let thread = {
            let (stop, broken, log) = (stop.clone(), broken.clone(), log.to_owned());
            std::thread::spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    for copy in &mut all {
                        copy.look_after(&command, &log, &broken);
                    }
                    std::thread::sleep(interrupt::TICK);
                }
            })
        };
        Ok(Self {
            stop,
            broken,
            log: log.to_owned(),
            thread: Some(thread),
        })
    }

    /// Fails if the program ends again and again.
    pub(crate) fn check(&self) -> Result<()> {
        match self.broken.lock().unwrap_or_else(PoisonError::into_inner).as_deref() {
            None => Ok(()),
            Some(what) => Err(process::with_log(what, &self.log)),
        }
    }
}

impl Copy {
    fn look_after(&mut self, command: &impl Fn() -> Command, log: &Path, broken: &Mutex<Option<String>>) {
        match self.running.as_mut().map(Running::exited) {
            // It has ended: once more after a pause.
            Some(Ok(Some(status))) => {
                self.running = None;
                self.failures = if self.started.elapsed() < LIVED {
                    self.failures + 1
                } else {
                    1
                };
                self.started = Instant::now();
                progress::line(&format!(
                    "          {} has ended ({status}) and is started again",
                    self.name
                ));
                if self.failures >= BROKEN_AFTER {
                    let what = format!("{} ends each time right after its start ({status})", self.name);
                    *broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
                }
            }
            None if self.started.elapsed() >= pause(self.failures) => {
                self.started = Instant::now();
                match process::start(&self.name, command(), log, Signal::TERM) {
                    Ok(running) => self.running = Some(running),
                    // After Ctrl-C nothing is started any more.
                    Err(error) if error.is::<interrupt::Interrupted>() => {}
                    Err(error) => progress::line(&format!("          {}: {error:#}", self.name)),
                }
            }
            _ => {}
        }
    }
}

fn pause(failures: u32) -> Duration {
    FIRST_PAUSE
        .saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)))
        .min(LONGEST_PAUSE)
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed; the copies have ended with their owner.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        assert_eq!(pause(1), Duration::from_millis(200));
        assert_eq!(pause(3), Duration::from_millis(800));
        assert_eq!(pause(30), LONGEST_PAUSE);
    }

    #[test]
    fn a_copy_that_ends_is_started_again_and_a_broken_program_is_reported() {
        let log = std::env::temp_dir().join(format!("xtask-supervisor-{}.log", std::process::id()));
        let supervisor = Supervisor::start("demo", 1, &log, || {
            let mut command = Command::new("sh");
            command.args(["-c", "echo started; exit 1"]);
            command
        })
        .unwrap();
        let end = Instant::now() + Duration::from_secs(30);
        while supervisor.check().is_ok() {
            assert!(Instant::now() < end, "never reported as broken");
            std::thread::sleep(interrupt::TICK);
        }
        drop(supervisor);
        let starts = std::fs::read_to_string(&log).unwrap().lines().count();
        std::fs::remove_file(&log).unwrap();
        assert!(starts >= 4, "{starts}");
    }
}
