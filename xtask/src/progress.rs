//! What the person at the terminal sees: one line a finished step with its duration, and, on a terminal, one live
//! line for what is going on.

use std::io::{IsTerminal, Write};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Without a terminal (a CI log) a live text becomes a line, at most this often.
const LOG_EVERY: Duration = Duration::from_secs(15);

struct Screen {
    terminal: bool,
    live: bool,
    last_logged: Instant,
}

static SCREEN: LazyLock<Mutex<Screen>> = LazyLock::new(|| {
    Mutex::new(Screen {
        terminal: std::io::stdout().is_terminal(),
        live: false,
        last_logged: Instant::now(),
    })
});

fn screen() -> MutexGuard<'static, Screen> {
    SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Screen {
    fn clear_live(&mut self) {
        if self.live {
            print!("\r\x1b[2K");
            self.live = false;
        }
    }
}

/// Prints a line above the live one.
pub(crate) fn line(text: &str) {
    let mut screen = screen();
    screen.clear_live();
    println!("{text}");
}

/// Prints a finished step.
pub(crate) fn done(since: Instant, text: &str) {
    line(&format!("[{}] {text}", duration(since.elapsed())));
}

/// Shows what is going on; replaced by whatever is shown next.
pub(crate) fn live(text: &str) {
    let mut screen = screen();
    if screen.terminal {
        screen.clear_live();
        // Longer than the terminal is wide, it would wrap and could not be cleared.
        print!("{}", text.chars().take(100).collect::<String>());
        // A terminal that went away ends this program by SIGHUP, not by this write.
        let _ = std::io::stdout().flush();
        screen.live = true;
    } else if screen.last_logged.elapsed() >= LOG_EVERY {
        println!("{text}");
        screen.last_logged = Instant::now();
    }
}

/// Clears the live line, for output that other code writes.
pub(crate) fn end_live() {
    screen().clear_live();
    let _ = std::io::stdout().flush();
}

/// Runs one step: its name is live while it runs and names the failure; its result is the text of the finished line.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> Result<(T, String)>) -> Result<T> {
    let start = Instant::now();
    live(&format!("[  ...  ] {name}"));
    let (value, text) = work().with_context(|| format!("{name} (after {})", duration(start.elapsed()).trim()))?;
    done(start, &text);
    Ok(value)
}

/// A duration, seven characters wide: `  0.34 s`, ` 12.0 s`, `  3m12s`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let text = match seconds {
        s if s < 10.0 => format!("{s:.2} s"),
        s if s < 60.0 => format!("{s:.1} s"),
        _ => format!("{}m{:02}s", duration.as_secs() / 60, duration.as_secs() % 60),
    };
    format!("{text:>7}")
}

#[cfg(test)]
mod tests {
    use super::duration;
    use std::time::Duration;

    #[test]
    fn durations_have_one_width() {
        assert_eq!(duration(Duration::from_millis(340)), " 0.34 s");
        assert_eq!(duration(Duration::from_secs(12)), " 12.0 s");
        assert_eq!(duration(Duration::from_secs(192)), "  3m12s");
    }
}
