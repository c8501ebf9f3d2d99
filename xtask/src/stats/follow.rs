//! Reads logs that are being written: each whole line once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The logs of a folder, and how far each was read.
#[derive(Debug)]
pub(super) struct Follower {
    folder: PathBuf,
    read: BTreeMap<PathBuf, u64>,
}

impl Follower {
    pub(super) fn of(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            read: BTreeMap::new(),
        }
    }

    /// Hands over each line that was finished since the last call. A log may begin at any time.
    pub(super) fn new_lines(&mut self, each: &mut impl FnMut(&str)) -> Result<()> {
        let entries = std::fs::read_dir(&self.folder).with_context(|| format!("read {}", self.folder.display()))?;
        for entry in entries {
            let path = entry.context("read a folder of logs")?.path();
            if path.extension().is_some_and(|extension| extension == "log") {
                let offset = self.read.entry(path.clone()).or_default();
                *offset += lines_after(&path, *offset, each).with_context(|| format!("read {}", path.display()))?;
            }
        }
        Ok(())
    }
}

/// Returns how many bytes were read. The beginning of a line whose end is not written yet is left for the next time.
fn lines_after(path: &Path, offset: u64, each: &mut impl FnMut(&str)) -> std::io::Result<u64> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut reader = BufReader::new(file);
    let (mut line, mut read) = (Vec::new(), 0);
    loop {
        line.clear();
        let bytes = reader.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Ok(read);
        }
        read += bytes as u64;
        each(&String::from_utf8_lossy(&line));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn each_whole_line_is_read_once() {
        let folder = std::env::temp_dir().join(format!("xtask-follow-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut log = File::create(folder.join("api.log")).unwrap();
        std::fs::write(folder.join("notes.txt"), "not a log\n").unwrap();
        let mut follower = Follower::of(&folder);
        let read = |follower: &mut Follower| {
            let mut lines = Vec::new();
            follower
                .new_lines(&mut |line| lines.push(line.trim().to_owned()))
                .unwrap();
            lines
        };
        write!(log, "one\ntw").unwrap();
        let first = read(&mut follower);
        writeln!(log, "o").unwrap();
        std::fs::write(folder.join("worker.log"), b"three \xff\n").unwrap();
        let mut second = read(&mut follower);
        second.sort_unstable();
        let third = read(&mut follower);
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(first, ["one"]);
        assert_eq!(second, ["three \u{fffd}", "two"]);
        assert!(third.is_empty());
    }
}
