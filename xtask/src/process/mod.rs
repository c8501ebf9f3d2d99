//! Starting and ending other programs. Each runs in a process group of its own, so that it ends together with
//! everything it has started itself, and so that Ctrl-C reaches this program alone, which then ends them in order.

mod to_end;

use std::fs::{File, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use crate::{interrupt, watchdog};
pub(crate) use to_end::{output, run, run_visibly, run_watched};

/// How long a process may take to end after its stop signal before it is killed.
const GRACE: Duration = Duration::from_secs(10);
/// Lines of a log that are shown when its program failed.
const TAIL: usize = 15;

/// A running program with its process group; dropping it ends both.
#[derive(Debug)]
pub(crate) struct Running {
    name: String,
    child: Child,
    group: Pid,
    stop: Signal,
    log: Option<PathBuf>,
}

impl Running {
    /// Fails if the program has ended, with the end of its log.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.exited()? {
            None => Ok(()),
            Some(status) => Err(self.failure(&format!("{} has ended ({status})", self.name))),
        }
    }

    /// The exit status if the program has ended.
    pub(crate) fn exited(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("wait for {}", self.name))
    }

    /// An error with the end of the program's log.
    pub(crate) fn failure(&self, what: &str) -> anyhow::Error {
        match &self.log {
            Some(log) => with_log(what, log),
            None => anyhow!("{what}"),
        }
    }

    fn wait(&mut self) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.exited()? {
                return Ok(status);
            }
            interrupt::sleep(interrupt::TICK)?;
        }
    }

    /// Ends the program and its group: asks, waits, kills.
    fn end(&mut self) {
        // Errors here mean that the group has ended, which is what is wanted.
        let _ = kill_process_group(self.group, self.stop);
        let end = Instant::now() + GRACE;
        loop {
            let ended = !matches!(self.child.try_wait(), Ok(None));
            if ended {
                reap_orphans(self.group);
            }
            if ended && test_kill_process_group(self.group).is_err() {
                break;
            }
            if Instant::now() > end {
                let _ = kill_process_group(self.group, Signal::KILL);
                let _ = self.child.wait();
                reap_orphans(self.group);
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        watchdog::remove(self.group);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// Makes this program the one that inherits the orphans of what it has started, where the system has that: in a
/// container whose first process never collects them, ended processes would look alive.
pub(crate) fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    // Without it, ending a group takes its full grace in such a container, and nothing worse.
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

/// Collects the ended members of a group whose leader has been collected.
fn reap_orphans(group: Pid) {
    while let Ok(Some(_)) = rustix::process::waitpgid(group, rustix::process::WaitOptions::NOHANG) {}
}

/// Starts a program that keeps running, its output in `log`.
///
/// # Errors
/// If it cannot be started.
pub(crate) fn start(name: &str, mut command: Command, log: &Path, stop: Signal) -> Result<Running> {
    let file = open_log(log)?;
    command.stdout(file.try_clone().context("share the log")?).stderr(file);
    spawn(name, command, Some(log), stop)
}

/// Starts a program whose outputs the caller has set.
///
/// # Errors
/// If it cannot be started.
fn spawn(name: &str, mut command: Command, log: Option<&Path>, stop: Signal) -> Result<Running> {
    interrupt::check()?;
    command.stdin(Stdio::null()).process_group(0);
    let child = command
        .spawn()
        .with_context(|| format!("start {name} ({})", command.get_program().display()))?;
    let raw = i32::try_from(child.id()).context("read a process id")?;
    let group = Pid::from_raw(raw).context("read a process id")?;
    let running = Running {
        name: name.to_owned(),
        child,
        group,
        stop,
        log: log.map(Path::to_path_buf),
    };
    watchdog::add(group, stop);
    Ok(running)
}

fn open_log(log: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("open log {}", log.display()))
}

/// An error with the last lines of a log file.
pub(crate) fn with_log(what: &str, log: &Path) -> anyhow::Error {
    anyhow!("{what}\n{}", tail(log))
}

/// The last lines of a log file, under its name.
pub(crate) fn tail(log: &Path) -> String {
    let text = std::fs::read(log)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines
        .iter()
        .skip(lines.len().saturating_sub(TAIL))
        .map(|line| format!("    {line}\n"));
    format!(
        "  the end of {}:\n{}",
        log.display(),
        last.collect::<String>().trim_end()
    )
}

/// Waits until `ready` says so, while the program runs and the limit is not reached.
///
/// # Errors
/// If the program ends, the limit passes (with the last reason of `ready`), or Ctrl-C is pressed.
pub(crate) fn wait_until(running: &mut Running, limit: Duration, mut ready: impl FnMut() -> Result<()>) -> Result<()> {
    let end = Instant::now() + limit;
    loop {
        running.check()?;
        let Err(reason) = ready() else { return Ok(()) };
        if Instant::now() > end {
            return Err(running.failure(&format!("{} is not ready after {limit:?}: {reason:#}", running.name)));
        }
        interrupt::sleep(interrupt::TICK)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn dropping_a_program_ends_what_it_has_started() {
        // As `main` does. Where nobody collects orphans, an ended one would be found in its group for ever.
        adopt_orphans();
        let log = std::env::temp_dir().join(format!("xtask-group-{}.log", std::process::id()));
        let running = start("demo", shell("sleep 60 & sleep 60"), &log, Signal::TERM).unwrap();
        let group = running.group;
        assert!(test_kill_process_group(group).is_ok());
        drop(running);
        std::fs::remove_file(&log).unwrap();
        assert!(test_kill_process_group(group).is_err());
    }
}
