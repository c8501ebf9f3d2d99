//! Addresses of services that a key is sent to.

use super::Env;

/// The address without a trailing slash. One that would carry a key in the clear to another machine is noted as a
/// problem of the variable `name`.
pub(super) fn checked(env: &mut Env, name: &str, address: &str) -> String {
    if !address.starts_with("https://") && !is_on_this_machine(address) {
        env.problem(name, "must start with https:// (or be on this machine)");
    }
    address.trim_end_matches('/').to_owned()
}

/// `http://127.0.0.1:8080` and its like; nothing that only begins like it.
fn is_on_this_machine(url: &str) -> bool {
    let authority = url
        .strip_prefix("http://")
        .and_then(|rest| rest.split('/').next())
        .unwrap_or_default();
    let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
    matches!(host, "127.0.0.1" | "localhost") && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_reached_without_tls() {
        assert!(is_on_this_machine("http://127.0.0.1:8080/base") && is_on_this_machine("http://localhost"));
        for url in [
            "http://localhost:80@evil.example",
            "http://127.0.0.1.evil.example",
            "http://localhost:",
            "ftp://localhost",
        ] {
            assert!(!is_on_this_machine(url), "{url}");
        }
    }
}
