//! Where a run keeps its data and its logs: `.local/up` for `up`, a directory of its own for every throwaway run.
//!
//! Ownership is a file lock, which the system releases however a run ends: it needs no process numbers, and a
//! directory whose lock is free belongs to a dead run and is removed by the next one.

mod dead;

use std::fs::{File, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

pub(crate) use dead::note_outside;
use dead::{remove_dead_runs, remove_old_logs, remove_run};

/// The repository this program was built in.
pub(crate) fn repository() -> Result<PathBuf> {
    let package =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    let root = package.parent().context("find the repository")?;
    root.canonicalize()
        .with_context(|| format!("find the repository {}", root.display()))
}

/// A run's directories; dropping a throwaway place removes it.
#[derive(Debug)]
pub(crate) struct Place {
    /// The repository.
    pub(crate) root: PathBuf,
    /// The data of this run.
    pub(crate) dir: PathBuf,
    /// The logs of this run.
    pub(crate) logs: PathBuf,
    /// Whether the data is removed at the end.
    pub(crate) throwaway: bool,
    keep_logs: bool,
    _lock: File,
}

impl Place {
    /// The place of `up`, whose data stays.
    ///
    /// # Errors
    /// If another `up` runs there; says where it serves.
    pub(crate) fn of_up(root: &Path) -> Result<Self> {
        let local = root.join(".local");
        let dir = local.join("up");
        create(&dir)?;
        let lock = open(&local.join("up.lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("{}", already_up(&dir)),
            Err(TryLockError::Error(error)) => return Err(error).context("lock .local/up"),
        }
        let logs = Self::logs_of_up(root);
        // The logs of the run before would be taken for this one's.
        remove(&logs)?;
        create(&logs)?;
        let place = Self {
            root: root.to_owned(),
            dir,
            logs,
            throwaway: false,
            keep_logs: true,
            _lock: lock,
        };
        place.withdraw();
        Ok(place)
    }

    /// Where the logs are of the `up` that serves, or of the last one.
    pub(crate) fn logs_of_up(root: &Path) -> PathBuf {
        root.join(".local/logs/up")
    }

    /// A fresh place that goes when it is dropped.
    ///
    /// # Errors
    /// If its directories cannot be made.
    pub(crate) fn throwaway(root: &Path) -> Result<Self> {
        let local = root.join(".local");
        create(&local)?;
        // Held while runs are made and removed, so that nobody takes a run for dead that has not locked itself yet.
        let registry = open(&local.join("runs.lock"))?;
        registry.lock().context("lock .local/runs.lock")?;
        remove_dead_runs(&local)?;
        remove_old_logs(&local)?;
        let name = free_name(&local);
        let lock = open(&local.join(format!("{name}.lock")))?;
        lock.lock().with_context(|| format!("lock {name}"))?;
        let place = Self {
            root: root.to_owned(),
            dir: local.join(&name),
            logs: local.join("logs").join(&name),
            throwaway: true,
            keep_logs: false,
            _lock: lock,
        };
        create(&place.dir)?;
        create(&place.logs)?;
        Ok(place)
    }

    /// A log file of this run.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    /// Keeps the logs of a throwaway run, because something in them is wanted.
    pub(crate) fn keep_logs(&mut self) {
        self.keep_logs = true;
    }

    /// Says where this run serves, for the next `up` that finds the place taken.
    ///
    /// # Errors
    /// If the note cannot be written.
    pub(crate) fn announce(&self, url: &str) -> Result<()> {
        std::fs::write(self.dir.join("url"), url).context("write down the base URL")
    }

    /// Where the `up` of this repository serves, if one does.
    pub(crate) fn url_of_up(root: &Path) -> Option<String> {
        std::fs::read_to_string(root.join(".local/up/url")).ok()
    }

    /// Writes down the URL of the database, with its password, for [`Self::database_of_up`]: only for the owner's eyes.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn announce_database(&self, url: &str) -> Result<()> {
        let path = self.dir.join("database_url");
        // One that a killed run left would keep its mode.
        let _ = std::fs::remove_file(&path);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(&path).context("write down the URL of the database")?;
        file.write_all(url.as_bytes())
            .context("write down the URL of the database")
    }

    /// The database of the `up` that serves here, if one does, with the login that owns it.
    pub(crate) fn database_of_up(root: &Path) -> Option<String> {
        std::fs::read_to_string(root.join(".local/up/database_url")).ok()
    }

    fn withdraw(&self) {
        // Absent before the first announcement.
        for name in ["url", "database_url"] {
            let _ = std::fs::remove_file(self.dir.join(name));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.withdraw();
        if !self.throwaway {
            return;
        }
        // What cannot be removed now is removed by the next run.
        let _ = remove_run(&self.dir);
        if !self.keep_logs {
            let _ = remove(&self.logs);
        }
        let _ = std::fs::remove_file(self.dir.with_extension("lock"));
    }
}

fn already_up(dir: &Path) -> String {
    match std::fs::read_to_string(dir.join("url")) {
        Ok(url) => format!("another `cargo xtask up` is serving at {url}; end it with Ctrl-C there, or use it"),
        Err(_) => "another `cargo xtask up` is just starting; wait for it, or end it with Ctrl-C there".to_owned(),
    }
}

/// One process may run several stacks one after the other; the logs that a failed one has kept stay its own.
fn free_name(local: &Path) -> String {
    let pid = std::process::id();
    let is_free = |name: &String| {
        let taken = [
            local.join(name),
            local.join(format!("{name}.lock")),
            local.join("logs").join(name),
        ];
        !taken.iter().any(|path| path.exists())
    };
    (0..)
        .map(|number| format!("run-{pid}-{number}"))
        .find(is_free)
        .unwrap_or_else(|| format!("run-{pid}"))
}

fn open(path: &Path) -> Result<File> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .with_context(|| format!("open {}", path.display()))
}

/// Creates a directory and its parents.
pub(crate) fn create(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).with_context(|| format!("create {}", path.display()))
}

/// Removes a directory tree, if it is there.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Waits for a lock file, telling the person what it waits for.
///
/// # Errors
/// If the file cannot be locked.
pub(crate) fn wait_for_lock(path: &Path, waiting_for: &str) -> Result<File> {
    let lock = open(path)?;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) => crate::progress::live(&format!("waiting for {waiting_for}")),
            Err(TryLockError::Error(error)) => return Err(error).with_context(|| format!("lock {}", path.display())),
        }
        crate::interrupt::sleep(Duration::from_millis(100))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let root = std::env::temp_dir().join(format!("xtask-place-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        root
    }

    #[test]
    fn a_second_up_is_told_where_the_first_serves() {
        let root = scratch("up");
        let first = Place::of_up(&root).unwrap();
        first.announce("http://127.0.0.1:9000").unwrap();
        let error = Place::of_up(&root).unwrap_err().to_string();
        drop(first);
        let again = Place::of_up(&root).is_ok();
        std::fs::remove_dir_all(&root).unwrap();
        assert!(error.contains("http://127.0.0.1:9000"), "{error}");
        assert!(again);
    }

    #[test]
    fn throwaway_places_do_not_collide_and_leave_nothing() {
        let root = scratch("throwaway");
        let (one, two) = (Place::throwaway(&root).unwrap(), Place::throwaway(&root).unwrap());
        assert_ne!(one.dir, two.dir);
        assert!(one.dir.exists() && two.dir.exists());
        drop((one, two));
        let left: Vec<_> = std::fs::read_dir(root.join(".local"))
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        std::fs::remove_dir_all(&root).unwrap();
        assert!(
            !left.iter().any(|name| name.to_string_lossy().starts_with("run-")),
            "{left:?}"
        );
    }

    #[test]
    fn kept_logs_are_not_taken_by_the_next_run() {
        let root = scratch("logs");
        let mut failed = Place::throwaway(&root).unwrap();
        failed.keep_logs();
        let logs = failed.logs.clone();
        drop(failed);
        drop(Place::throwaway(&root).unwrap());
        let kept = logs.exists();
        std::fs::remove_dir_all(&root).unwrap();
        assert!(kept);
    }

    #[test]
    fn a_dead_run_is_removed_with_its_data_outside() {
        let root = scratch("dead");
        let (dead, outside) = (root.join(".local/run-1-0"), root.join("outside"));
        create(&dead).unwrap();
        create(&outside).unwrap();
        note_outside(&dead, &outside).unwrap();
        std::fs::write(root.join(".local/run-1-0.lock"), "").unwrap();
        let place = Place::throwaway(&root).unwrap();
        assert!(!dead.exists() && !outside.exists());
        drop(place);
        std::fs::remove_dir_all(&root).unwrap();
    }
}
