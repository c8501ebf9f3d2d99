//! Which connections may do without TLS: those that stay on this machine, and those of a network that the operator trusts.

use super::Env;

/// What is wrong with an address that would have passwords and questions travel readably.
pub(super) const PLAINTEXT: &str =
    "leads to another machine without TLS; use TLS, or set ALLOW_PLAINTEXT=true if you trust the network in between";

/// `ALLOW_PLAINTEXT`: `true` or `false`, which is the default.
pub(super) fn allows_plaintext(env: &mut Env) -> bool {
    env.parsed("ALLOW_PLAINTEXT", "true or false", false)
}

/// Whether a host name is this machine's own.
pub(super) fn is_this_machine(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "::1" | "[::1]")
}
