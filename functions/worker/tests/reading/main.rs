//! Reading documents: what comes out of good ones, and that bad ones end soon. The process that reads is the real worker.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    unreachable_pub,
    reason = "in a test a panic is how a failure is reported, and what is measured is shown by --nocapture"
)]

mod builder;
mod hostile;
mod pdf;
