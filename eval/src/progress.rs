//! How far a long step is, on standard error: a bar on a terminal, now and then a line elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the bar is drawn anew, and how often a log gets a line.
const REDRAW: Duration = Duration::from_millis(100);
const LOG_EVERY: Duration = Duration::from_secs(15);
/// The bar's width in characters.
const WIDTH: usize = 30;

/// A step with a known number of pieces.
pub struct Progress {
    what: String,
    all: usize,
    done: usize,
    started: Instant,
    shown: Instant,
    terminal: bool,
}

impl Progress {
    /// Begins a step.
    #[must_use]
    pub fn new(what: &str, all: usize) -> Self {
        let now = Instant::now();
        Self {
            what: what.to_owned(),
            all,
            done: 0,
            started: now,
            shown: now,
            terminal: std::io::stderr().is_terminal(),
        }
    }

    /// One piece more is done.
    pub fn step(&mut self) {
        self.done += 1;
        let pause = if self.terminal { REDRAW } else { LOG_EVERY };
        if self.shown.elapsed() >= pause {
            self.shown = Instant::now();
            self.show();
        }
    }

    /// Ends the step; on a terminal the bar goes away.
    pub fn end(self) {
        if self.terminal {
            write("\r\x1b[2K");
        }
    }

    fn show(&self) {
        let seconds = self.started.elapsed().as_secs();
        let Self { what, all, done, .. } = self;
        if self.terminal {
            let bar = bar(*done, *all);
            write(&format!("\r\x1b[2K{what} [{bar}] {done}/{all}, {seconds} s"));
        } else {
            write(&format!("{what}: {done}/{all}, {seconds} s\n"));
        }
    }
}

fn bar(done: usize, all: usize) -> String {
    let filled = done.min(all) * WIDTH / all.max(1);
    format!("{}{}", "=".repeat(filled), " ".repeat(WIDTH - filled))
}

fn write(text: &str) {
    let mut stream = std::io::stderr().lock();
    // Whoever closed standard error does not want to know.
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn the_bar_fills() {
        assert_eq!(bar(0, 3).trim(), "");
        assert_eq!(bar(1, 2).trim_end().len(), 15);
        assert_eq!(bar(3, 3).trim_end().len(), 30);
        assert_eq!(bar(0, 0).len(), 30);
    }
}
