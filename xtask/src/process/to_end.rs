//! Running a program to its end, in one of four ways: into a log, for its output, visibly, or watched.

use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::Signal;

use super::{spawn, start};

/// Runs a program to its end, its output in `log`.
///
/// # Errors
/// If it fails, with the end of the log.
pub(crate) fn run(name: &str, command: Command, log: &Path) -> Result<()> {
    let mut running = start(name, command, log, Signal::TERM)?;
    let status = running.wait()?;
    if status.success() {
        Ok(())
    } else {
        Err(running.failure(&format!("{name} failed ({status})")))
    }
}

/// Runs a program to its end and hands its standard output back.
///
/// # Errors
/// If it fails, with what it wrote to standard error.
pub(crate) fn output(name: &str, mut command: Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("start {name}"))?;
    if !output.status.success() {
        bail!(
            "{name} failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    String::from_utf8(output.stdout).with_context(|| format!("read the output of {name}"))
}

/// Runs a program to its end with this program's own outputs.
///
/// # Errors
/// If it fails.
pub(crate) fn run_visibly(name: &str, command: Command) -> Result<()> {
    let status = spawn(name, command, None, Signal::TERM)?.wait()?;
    if status.success() {
        Ok(())
    } else {
        bail!("{name} failed ({status})")
    }
}

/// Runs a program to its end and hands every piece of its standard error, split at line feeds and carriage returns,
/// to `each` as it comes.
///
/// # Errors
/// If it cannot be started or waited for.
pub(crate) fn run_watched(name: &str, mut command: Command, each: impl FnMut(&str) + Send) -> Result<ExitStatus> {
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut running = spawn(name, command, None, Signal::TERM)?;
    let stderr = running.child.stderr.take().context("open the output")?;
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || read_pieces(stderr, each));
        let status = running.wait();
        // Ended before the reader is awaited: a program that is still running would hold the pipe open.
        drop(running);
        reader
            .join()
            .map_err(|_| anyhow!("reading the output of {name} panicked"))?;
        status
    })
}

fn read_pieces(mut source: impl std::io::Read, mut each: impl FnMut(&str)) {
    let mut pending = Vec::new();
    let mut buffer = [0_u8; 8192];
    while let Ok(count @ 1..) = source.read(&mut buffer) {
        for &byte in buffer.iter().take(count) {
            if byte == b'\n' || byte == b'\r' {
                each(&String::from_utf8_lossy(&pending));
                pending.clear();
            } else {
                pending.push(byte);
            }
        }
    }
    each(&String::from_utf8_lossy(&pending));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_split_at_line_feeds_and_carriage_returns() {
        let mut pieces = Vec::new();
        read_pieces("Building 1/2\rBuilding 2/2\nFinished".as_bytes(), |piece| {
            pieces.push(piece.to_owned());
        });
        assert_eq!(pieces, ["Building 1/2", "Building 2/2", "Finished"]);
    }

    #[test]
    fn a_failed_program_is_reported_with_the_end_of_its_log() {
        let log = std::env::temp_dir().join(format!("xtask-process-{}.log", std::process::id()));
        let mut command = Command::new("sh");
        command.args(["-c", "echo first; echo the reason >&2; exit 3"]);
        let failure = run("demo", command, &log).unwrap_err().to_string();
        std::fs::remove_file(&log).unwrap();
        assert!(failure.contains("demo failed (exit status: 3)"), "{failure}");
        assert!(failure.contains("the reason"), "{failure}");
    }
}
