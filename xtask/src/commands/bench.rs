//! `cargo xtask bench`: measures the packages, on services of its own.

use anyhow::Result;

use crate::bench;
use crate::place::{self, Place};

/// Runs `bench`.
///
/// # Errors
/// If a step fails.
pub(crate) fn run() -> Result<()> {
    let root = place::repository()?;
    let mut place = Place::throwaway(&root)?;
    let result = bench::run(&place);
    if result.is_err() {
        place.keep_logs();
    }
    result
}
