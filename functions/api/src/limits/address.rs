//! The client's address, as the gateway says it. A header such as `X-Forwarded-For` can be written by anybody and is not
//! looked at.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use axum::http::Extensions;
use lambda_http::RequestExt;
use lambda_http::request::RequestContext;

/// Of one client, for counting: an IPv6 network of 64 bits is one, because who has one address of it has them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ClientAddress(IpAddr);

impl ClientAddress {
    /// `None` outside of a gateway.
    pub(super) fn of(extensions: &Extensions) -> Option<Self> {
        match extensions.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => Self::parse(context.http.source_ip.as_deref()?),
            _ => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Some(Self(match text.parse::<IpAddr>().ok()?.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
            address @ IpAddr::V4(_) => address,
        }))
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_is_one_client() {
        let read = |text| ClientAddress::parse(text).map(|address| address.to_string());
        assert_eq!(read("192.0.2.7").as_deref(), Some("192.0.2.7"));
        assert_eq!(read("::ffff:192.0.2.7").as_deref(), Some("192.0.2.7"));
        assert_eq!(read("2001:db8:1:2:3:4:5:6").as_deref(), Some("2001:db8:1:2::"));
        assert_eq!(read("2001:db8:1:2::9"), read("2001:db8:1:2:3:4:5:6"));
        assert_ne!(read("2001:db8:1:3::9"), read("2001:db8:1:2::9"));
        assert_eq!(read("unix:"), None);
    }
}
