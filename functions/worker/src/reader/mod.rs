//! Reads documents in a process of its own.
//!
//! What people upload may be made to exhaust whoever reads it: by endless loops, by terabytes that unfold from a few
//! bytes, by nesting that overflows the stack. A thread cannot be ended from outside, a process can, and it has limits
//! that the system keeps. So the worker starts its own program once more, which reads one document and ends. It inherits
//! no variable and no connection; see [`child`] for what it may do.

pub mod child;
mod protocol;

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::domain::Original;
use shared::telemetry::milliseconds;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;

use crate::rag::reading::{Text, Unreadable};
use protocol::{MAX_REPLY_BYTES, Reply};

/// How long reading a document may take. Large ones take one or two seconds.
pub const TIME_LIMIT: Duration = Duration::from_secs(20);

/// Two at once could take more memory than the function has.
const AT_ONCE: usize = 1;

/// Why there is no text.
#[derive(Debug)]
pub enum ReadFailure {
    /// It is the document's fault.
    Unreadable(Unreadable),
    /// There was not enough time left for another document.
    NoTime,
    /// It is ours, or the system's.
    Broken(std::io::Error),
}

impl From<std::io::Error> for ReadFailure {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(error)
    }
}

/// Starts the processes that read.
#[derive(Debug, Clone)]
pub struct Reader {
    program: PathBuf,
    free: Arc<Semaphore>,
}

/// The program that this process runs. On Linux by a name that holds when the file was replaced meanwhile.
///
/// # Errors
/// The system does not say.
pub fn this_program() -> std::io::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        Ok(PathBuf::from("/proc/self/exe"))
    } else {
        std::env::current_exe()
    }
}

impl Reader {
    /// Has documents read by a program whose `main` calls [`child::asked_for`] first.
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        Self {
            program,
            free: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Reads a document's text. `time_left` is how long the caller can wait at all, if there is an end to it.
    ///
    /// # Errors
    /// [`ReadFailure`].
    pub async fn read(&self, original: &Original, time_left: Option<Duration>) -> Result<Text, ReadFailure> {
        let asked = Instant::now();
        let turn = self.free.acquire().await.map_err(std::io::Error::other)?;
        // A document is not to blame for the time that others took.
        if time_left.is_some_and(|left| left.saturating_sub(asked.elapsed()) < TIME_LIMIT) {
            return Err(ReadFailure::NoTime);
        }
        let started = Instant::now();
        let read = self.in_a_process(original).await;
        drop(turn);
        let bytes = original.bytes().len();
        tracing::info!(
            ms = milliseconds(started.elapsed()),
            bytes,
            ok = read.is_ok(),
            "document read"
        );
        read
    }

    async fn in_a_process(&self, original: &Original) -> Result<Text, ReadFailure> {
        let mut child = Command::new(&self.program)
            .args(protocol::arguments(original))
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It could only say what is in the document, and that is not for a log.
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        match tokio::time::timeout(TIME_LIMIT, converse(&mut child, original.bytes())).await {
            Ok(ended) => {
                let (status, reply) = ended?;
                judge(status, &reply)
            }
            Err(_) => {
                child.kill().await?;
                Err(ReadFailure::Unreadable(Unreadable::TooComplex))
            }
        }
    }
}

/// Hands the document over and takes what comes back, until the process has ended.
async fn converse(child: &mut Child, document: &[u8]) -> std::io::Result<(ExitStatus, Vec<u8>)> {
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(std::io::Error::other("the process has no pipes"));
    };
    let hand_over = async move {
        // Whoever ends before it has read everything has not ended well, which its status tells.
        let _ = stdin.write_all(document).await;
        drop(stdin);
    };
    let mut reply = Vec::new();
    let mut limited = stdout.take(MAX_REPLY_BYTES);
    let ((), taken) = tokio::join!(hand_over, limited.read_to_end(&mut reply));
    taken?;
    Ok((child.wait().await?, reply))
}

/// A process that did not end by itself was ended by the system: for its memory, its stack or its time.
fn judge(status: ExitStatus, reply: &[u8]) -> Result<Text, ReadFailure> {
    match status.code() {
        Some(0) => match Reply::parse(reply) {
            Some(Reply::Text(text)) => Ok(text),
            Some(Reply::Unreadable(reason)) => Err(ReadFailure::Unreadable(reason)),
            None => Err(std::io::Error::other("the process that reads gave no reply").into()),
        },
        // A panic is a defect of a library that met a file its authors did not think of.
        Some(child::EXIT_AFTER_PANIC) => Err(ReadFailure::Unreadable(Unreadable::Damaged)),
        Some(code) => Err(std::io::Error::other(format!("the process that reads ended with {code}")).into()),
        None => Err(ReadFailure::Unreadable(Unreadable::TooComplex)),
    }
}
