//! What every text from outside has to satisfy before it may be stored.

use super::Invalid;

/// Refuses NUL (which Postgres cannot store) and control characters other than tab, line feed and carriage return.
pub(super) fn refuse_control_characters(text: &str) -> Result<(), Invalid> {
    match text
        .chars()
        .find(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
    {
        None => Ok(()),
        Some(c) => Err(Invalid::new(format!(
            "must not contain the control character U+{:04X}",
            u32::from(c)
        ))),
    }
}

/// Trims, refuses control characters, and holds the length (in characters) between 1 and `max`.
pub(super) fn parse_line(text: &str, max: usize) -> Result<String, Invalid> {
    // Before trimming: some control characters count as white space.
    refuse_control_characters(text)?;
    let trimmed = text.trim();
    match trimmed.chars().count() {
        0 => Err(Invalid::new("must not be empty")),
        n if n > max => Err(Invalid::new(format!("must be at most {max} characters long, not {n}"))),
        _ => Ok(trimmed.to_owned()),
    }
}
