//! A private Redis without persistence. Any of these will do, tried in this order: `redis-server` or `valkey-server`
//! on PATH; Debian's; the one that a PyPI package carries.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use super::{debian, ports, python};
use crate::place::{self, Place};
use crate::process::{self, Running};

const LIMIT: Duration = Duration::from_secs(15);

/// Finds a Redis server, or gets one.
///
/// # Errors
/// If none of the ways works: says what to install.
pub(crate) fn find(root: &Path) -> Result<PathBuf> {
    for name in ["redis-server", "valkey-server"] {
        if let Some(path) = on_path(name) {
            return Ok(path);
        }
    }
    from_debian(root).or_else(|debian| {
        let environment = python::REDIS.ensure(root).with_context(|| {
            format!("no redis-server or valkey-server on PATH; install one, it is found then ({debian:#})")
        })?;
        Ok(environment.join("bin/redis-server"))
    })
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|file| file.is_file())
}

/// Debian's package `redis-server` starts a service of its own on the standard port. `redis-tools` has the same
/// program and no service: it is `redis-check-rdb`, which is a server when it is called by that name.
fn from_debian(root: &Path) -> Result<PathBuf> {
    let program = Path::new("/usr/bin/redis-check-rdb");
    let link = root.join(".local").join("redis-server");
    if !program.exists() {
        let logs = root.join(".local").join("logs");
        place::create(&logs)?;
        debian::install(&["redis-tools"], &logs.join("apt.log"))?;
    }
    if !link.exists() {
        std::os::unix::fs::symlink(program, &link).with_context(|| format!("create {}", link.display()))?;
    }
    let mut version = Command::new(&link);
    version.arg("--version");
    let version = process::output("redis-server --version", version)?;
    if version.contains("v=") {
        Ok(link)
    } else {
        bail!("{} is no Redis server", program.display())
    }
}

/// Starts Redis; the program and its URL.
///
/// # Errors
/// If it is not ready in time, with its log.
pub(crate) fn start(place: &Place, program: &Path) -> Result<(Running, String)> {
    let port = ports::any()?;
    let directory = place.dir.join("redis");
    place::create(&directory)?;
    let mut command = Command::new(program);
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
    // Neither snapshots nor a log of commands: what is in here can be made again.
    command
        .args(["--save", "", "--appendonly", "no", "--dir"])
        .arg(directory);
    let mut running = process::start("redis", command, &place.log("redis"), Signal::TERM)?;
    process::wait_until(&mut running, LIMIT, || ping(port))?;
    Ok((running, format!("redis://127.0.0.1:{port}")))
}

fn ping(port: u16) -> Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("connect")?;
    stream
        .set_read_timeout(Some(Duration::from_secs(1)))
        .context("set a timeout")?;
    stream.write_all(b"PING\r\n").context("send PING")?;
    let mut answer = [0_u8; 5];
    stream.read_exact(&mut answer).context("read the answer to PING")?;
    if &answer == b"+PONG" {
        Ok(())
    } else {
        bail!("not a PONG: {}", String::from_utf8_lossy(&answer))
    }
}
