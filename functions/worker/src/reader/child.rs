//! The process that reads a document: started by [`super::Reader`], before anything else of the worker has begun.
//!
//! It takes a document from its standard input, writes the reply to its standard output, and ends. Before it looks at
//! the document it gives up what it does not need: it cannot take more memory or processor time than the limits, write
//! files, open files or connections, or start processes.

use std::io::{Read, Write};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, setrlimit};

use super::TIME_LIMIT;
use super::protocol::{self, READ_DOCUMENT, Reply};
use crate::rag::reading;

/// What the document and everything that is made of it may take up, in bytes.
const MEMORY_LIMIT: u64 = 256 * 1024 * 1024;

/// What the whole process may take up, the program itself included: it is mapped, and hardly in memory.
const ADDRESS_SPACE_LIMIT: u64 = 2 * MEMORY_LIMIT;

/// The status that Rust's runtime gives a process whose main thread panicked.
pub(super) const EXIT_AFTER_PANIC: i32 = 101;

/// Reads a document and says how to exit, if that is what this process was started for.
#[must_use]
pub fn asked_for() -> Option<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next()? != READ_DOCUMENT {
        return None;
    }
    let (kind, charset) = (arguments.next()?, arguments.next());
    let done = read(&kind, charset.as_deref());
    Some(done.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS))
}

fn read(kind: &str, charset: Option<&str>) -> Option<()> {
    give_up_rights()?;
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes).ok()?;
    let original = protocol::original(kind, charset, bytes).ok()?;
    let mut stdout = std::io::stdout().lock();
    Reply::of(reading::read(&original)).write(&mut stdout).ok()?;
    stdout.flush().ok()
}

/// Sets the limits. Elsewhere than on Linux, which is where documents of strangers are read, some are not known.
fn give_up_rights() -> Option<()> {
    let limits = [
        (Resource::Data, MEMORY_LIMIT),
        (Resource::As, ADDRESS_SPACE_LIMIT),
        (Resource::Cpu, TIME_LIMIT.as_secs()),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        // The three that are open stay open.
        (Resource::Nofile, 3),
        (Resource::Nproc, 0),
    ];
    for (resource, most) in limits {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        let set = setrlimit(resource, limit);
        if cfg!(target_os = "linux") {
            set.ok()?;
        }
    }
    Some(())
}
