//! Cleaning up after runs that are gone.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{open, remove};

/// How long the logs of a failed run are kept.
const KEEP_LOGS: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes the directories of runs that hold their locks no more.
///
/// # Errors
/// If one cannot be removed.
pub(super) fn remove_dead_runs(local: &Path) -> Result<()> {
    for entry in std::fs::read_dir(local).context("list .local")? {
        let path = entry.context("list .local")?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("run-") && name.ends_with(".lock") && open(&path)?.try_lock().is_ok() {
            remove_run(&path.with_extension(""))?;
            std::fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// Removes the logs that failed runs have kept, after a day.
///
/// # Errors
/// If they cannot be removed.
pub(super) fn remove_old_logs(local: &Path) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(local.join("logs")) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry.context("list the logs")?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let age = path
            .metadata()
            .and_then(|data| data.modified())
            .ok()
            .and_then(|time| time.elapsed().ok());
        if name.starts_with("run-") && age.is_some_and(|age| age > KEEP_LOGS) {
            remove(&path)?;
        }
    }
    Ok(())
}

/// The name of the note in a run's directory that says where its data is, if that is elsewhere.
const OUTSIDE: &str = "outside";

/// Notes that some of the run's data is in a directory outside, which is removed with it.
///
/// # Errors
/// If the note cannot be written.
pub(crate) fn note_outside(dir: &Path, outside: &Path) -> Result<()> {
    std::fs::write(dir.join(OUTSIDE), outside.as_os_str().as_encoded_bytes()).context("write down the data directory")
}

/// Removes a run's directory, and its data outside.
///
/// # Errors
/// If one cannot be removed.
pub(super) fn remove_run(dir: &Path) -> Result<()> {
    if let Ok(outside) = std::fs::read_to_string(dir.join(OUTSIDE)) {
        remove(Path::new(&outside))?;
    }
    remove(dir)
}
