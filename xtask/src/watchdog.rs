//! Nothing outlives the run that started it, even when that run is killed with SIGKILL.
//!
//! Every run starts this program once more as its watchdog, with a pipe as standard input, and tells it which process
//! groups it has started and which have ended. When the pipe closes, the run is gone, however it went: the watchdog
//! ends the groups that are left. It needs no polling and no file, and works wherever pipes do.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// How long a process may take to end after its stop signal before it is killed.
const GRACE: Duration = Duration::from_secs(5);

static WATCHDOG: Mutex<Option<Child>> = Mutex::new(None);

/// Starts this run's watchdog.
///
/// # Errors
/// If it cannot be started.
pub(crate) fn start() -> Result<()> {
    let program = std::env::current_exe().context("find this program")?;
    let child = Command::new(program)
        .arg("watchdog")
        // A group of its own: Ctrl-C in the terminal must not reach it.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("start the watchdog")?;
    *WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
    Ok(())
}

/// Puts a process group under the watchdog.
pub(crate) fn add(group: Pid, stop: Signal) {
    tell(&format!("add {} {}", group.as_raw_nonzero(), stop.as_raw()));
}

/// Takes a process group that has ended from the watchdog, as its number may be given to another.
pub(crate) fn remove(group: Pid) {
    tell(&format!("remove {}", group.as_raw_nonzero()));
}

fn tell(line: &str) {
    let mut watchdog = WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pipe) = watchdog.as_mut().and_then(|child| child.stdin.as_mut()) {
        // A run goes on without its watchdog: the guards of `process.rs` end everything unless it is killed.
        let _ = writeln!(pipe, "{line}");
    }
}

/// Ends this run's watchdog, and with it whatever is still running.
pub(crate) fn end() {
    if let Some(mut child) = WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // Waiting closes the pipe first.
        let _ = child.wait();
    }
}

/// The watchdog itself: returns when the run is gone and its groups are too.
pub(crate) fn serve() {
    let mut groups = BTreeMap::new();
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        apply(&line, &mut groups);
    }
    end_all(&groups);
}

/// Applies one line of the run to the groups (number -> stop signal).
fn apply(line: &str, groups: &mut BTreeMap<i32, i32>) {
    match line.split(' ').collect::<Vec<_>>().as_slice() {
        ["add", group, stop] => {
            if let (Ok(group), Ok(stop)) = (group.parse(), stop.parse()) {
                groups.insert(group, stop);
            }
        }
        ["remove", group] => {
            if let Ok(group) = group.parse() {
                groups.remove(&group);
            }
        }
        _ => {}
    }
}

fn end_all(groups: &BTreeMap<i32, i32>) {
    let groups: Vec<(Pid, Signal)> = groups
        .iter()
        .filter_map(|(&group, &stop)| Some((Pid::from_raw(group)?, Signal::from_named_raw(stop)?)))
        .collect();
    for &(group, stop) in &groups {
        // A group that has ended meanwhile is what is wanted.
        let _ = kill_process_group(group, stop);
    }
    let end = Instant::now() + GRACE;
    while groups.iter().any(|&(group, _)| test_kill_process_group(group).is_ok()) {
        if Instant::now() > end {
            for &(group, _) in &groups {
                let _ = kill_process_group(group, Signal::KILL);
            }
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::apply;
    use std::collections::BTreeMap;

    #[test]
    fn the_watchdog_keeps_what_is_running() {
        let mut groups = BTreeMap::new();
        for line in ["add 10 15", "add 11 2", "remove 10", "remove 99", "", "add x 15"] {
            apply(line, &mut groups);
        }
        assert_eq!(groups, BTreeMap::from([(11, 2)]));
    }
}
