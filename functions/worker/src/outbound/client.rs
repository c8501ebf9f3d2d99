//! The HTTP client for a service that is sent a key.

use std::time::Duration;

use reqwest::{Client, Url, redirect};

/// A client for calls to this address. A call's whole time is limited by its caller.
///
/// # Errors
/// If the TLS library cannot start.
pub(crate) fn client(address: &str) -> Result<Client, reqwest::Error> {
    let is_local = Url::parse(address).is_ok_and(|url| is_this_machine(&url));
    Client::builder()
        .connect_timeout(Duration::from_secs(5))
        // Below the minute after which load balancers close an idle connection.
        .pool_idle_timeout(Duration::from_secs(45))
        // A redirect would carry key and question to another place.
        .redirect(redirect::Policy::none())
        .https_only(!is_local)
        .user_agent(concat!("docent/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Plain HTTP is for a service on the same machine only. The host is looked at, not the address's first letters:
/// `http://localhost:80@example.com` is somewhere else.
fn is_this_machine(url: &Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
}
