//! Free ports on the loopback interface.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result, bail};

/// Where the functions are served unless told otherwise.
const DEFAULT_HTTP: u16 = 9000;
/// How many ports after the default one are tried.
const TRIED: u16 = 100;

/// Whether nothing listens on the port.
fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A free port of the system's choice.
///
/// # Errors
/// If there is none.
pub(crate) fn any() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    Ok(listener.local_addr().context("find a free port")?.port())
}

/// The port to serve HTTP on: exactly the one asked for, else the default or the next free one.
///
/// # Errors
/// If the one asked for is taken, or all tried ones are.
pub(crate) fn for_http(asked: Option<u16>) -> Result<u16> {
    match asked {
        Some(port) if is_free(port) => Ok(port),
        Some(port) => bail!("port {port} is taken; give another one with --port, or none for the next free one"),
        None => first_free(DEFAULT_HTTP, is_free),
    }
}

fn first_free(from: u16, is_free: impl Fn(u16) -> bool) -> Result<u16> {
    let mut ports = from..from + TRIED;
    ports
        .find(|&port| is_free(port))
        .with_context(|| format!("no port from {from} to {} is free", from + TRIED - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_free_port_is_taken() {
        assert_eq!(first_free(9000, |_| true).unwrap(), 9000);
        assert_eq!(first_free(9000, |port| port > 9002).unwrap(), 9003);
        assert!(first_free(9000, |_| false).is_err());
    }

    #[test]
    fn a_port_that_was_asked_for_is_not_replaced() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert!(
            for_http(Some(port))
                .unwrap_err()
                .to_string()
                .contains(&port.to_string())
        );
    }
}
