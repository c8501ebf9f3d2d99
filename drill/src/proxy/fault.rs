//! What can be wrong with a network and with the service at its other end.

use std::time::Duration;

/// The fault of the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Fault {
    /// None: everything is passed on.
    #[default]
    None,
    /// Every piece is late by this time, in both directions.
    Latency(Duration),
    /// Nobody listens, and open connections are closed.
    Refuse,
    /// Connections are reset: open ones at once, new ones when they first speak.
    Reset,
    /// Connections open, and nothing is passed on until the fault is over.
    Hang,
    /// Half of what the server says is passed on, then the connection is closed.
    Cut,
    /// What the server says is passed on in drips.
    Drip,
}

/// Bytes of one drip.
pub(crate) const DRIP: usize = 24;
/// The pause after each.
pub(crate) const DRIP_PAUSE: Duration = Duration::from_millis(40);

impl Fault {
    /// The six of the matrix, with a latency that suits the service.
    pub(crate) fn matrix(latency: Duration) -> [Self; 6] {
        [
            Self::Latency(latency),
            Self::Refuse,
            Self::Reset,
            Self::Hang,
            Self::Cut,
            Self::Drip,
        ]
    }

    /// Its name in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Latency(_) => "latency",
            Self::Refuse => "refuse",
            Self::Reset => "reset",
            Self::Hang => "hang",
            Self::Cut => "cut",
            Self::Drip => "drip",
        }
    }
}
