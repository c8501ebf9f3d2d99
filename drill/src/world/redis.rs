//! A Redis of a world's own, which can be killed and started again.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

/// How long it may take to listen.
const LIMIT: Duration = Duration::from_secs(15);

/// A running Redis.
#[derive(Debug)]
pub(crate) struct Redis {
    program: PathBuf,
    port: u16,
    child: Child,
}

impl Redis {
    /// Starts one on a free port.
    pub(crate) async fn start(program: &Path) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")
            .await
            .and_then(|listener| listener.local_addr())
            .context("find a free port")?
            .port();
        let child = spawn(program, port).await?;
        Ok(Self {
            program: program.to_owned(),
            port,
            child,
        })
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// `kill -9`, and after this time an empty one at the same place.
    pub(crate) async fn restart_after(&mut self, pause: Duration) -> Result<()> {
        self.child.kill().await.context("kill Redis")?;
        tokio::time::sleep(pause).await;
        self.child = spawn(&self.program, self.port).await?;
        Ok(())
    }
}

async fn spawn(program: &Path, port: u16) -> Result<Child> {
    let child = Command::new(program)
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--save", "", "--appendonly", "no"])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("start {}", program.display()))?;
    let listens = async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if tokio::time::timeout(LIMIT, listens).await.is_err() {
        bail!("Redis does not listen after {LIMIT:?}");
    }
    Ok(child)
}
