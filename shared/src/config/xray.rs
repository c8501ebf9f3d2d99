//! Where X-Ray's daemon is, which Lambda starts beside a function that is traced.

use std::net::SocketAddr;

use super::Env;

/// `AWS_XRAY_DAEMON_ADDRESS`, which Lambda sets.
#[derive(Debug, Clone, Default)]
pub struct XRayConfig {
    /// `None`: nobody is told of traces.
    pub daemon: Option<SocketAddr>,
}

impl XRayConfig {
    /// Reads the section. It is not an operator's to set, so an address that is none is no reason not to start.
    pub fn from_env(env: &mut Env) -> Self {
        let daemon = env.optional("AWS_XRAY_DAEMON_ADDRESS");
        Self {
            daemon: daemon.and_then(|address| address.parse().ok()),
        }
    }
}
