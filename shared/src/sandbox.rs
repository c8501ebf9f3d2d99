//! What Lambda runs a function in: a sandbox that is given one invocation at a time, or on a managed instance several at
//! once.

use std::future::Future;
use std::io;

use tokio::runtime::Builder;

use crate::config::Env;

/// Lambda sets it on managed instances alone; `lambda_runtime::run_concurrent` asks for so many invocations.
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-rust.html>
const AT_ONCE: &str = "AWS_LAMBDA_MAX_CONCURRENCY";

/// How many invocations this sandbox may have at once.
#[must_use]
pub fn invocations(env: &Env) -> usize {
    at_once(env.optional(AT_ONCE).as_deref())
}

/// Runs what a function's `main` is made of.
///
/// With one invocation at a time there is nothing that a second thread could do but work that blocks, which has threads
/// of its own, and one is quicker to start. A managed instance has several processors; there an invocation that computes
/// shall not hold up the others.
///
/// # Errors
/// The runtime cannot be made.
pub fn run<T>(main: impl Future<Output = T>) -> io::Result<T> {
    let mut builder = match at_once(std::env::var(AT_ONCE).ok().as_deref()) {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    Ok(builder.enable_all().build()?.block_on(main))
}

/// As `lambda_runtime` reads it: what is no number, or none above zero, counts as one.
fn at_once(text: Option<&str>) -> usize {
    let number = text.and_then(|text| text.parse::<u32>().ok());
    number.map_or(1, |number| usize::try_from(number).unwrap_or(1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_unless_a_number_says_more() {
        for (text, expected) in [
            (None, 1),
            (Some(""), 1),
            (Some("0"), 1),
            (Some("1"), 1),
            (Some("many"), 1),
            (Some("-3"), 1),
            (Some("64"), 64),
        ] {
            assert_eq!(at_once(text), expected, "{text:?}");
        }
    }
}
