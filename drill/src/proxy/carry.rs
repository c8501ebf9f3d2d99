//! One connection through the proxy.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;

use super::Fault;
use super::fault::{DRIP, DRIP_PAUSE};

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// In order.
    Closed,
    /// By a reset.
    Reset,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    ToServer,
    ToClient,
}

/// Passes bytes both ways until a side or a fault ends it.
pub(super) async fn carry(mut client: TcpStream, mut server: TcpStream, faults: watch::Receiver<Fault>) {
    // Small pieces are not to wait for each other; without it latency would be measured that nobody asked for.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let end = {
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        let (up, down) = (faults.clone(), faults);
        tokio::select! {
            end = pass(&mut from_client, &mut to_server, up, Way::ToServer) => end,
            end = pass(&mut from_server, &mut to_client, down, Way::ToClient) => end,
        }
    };
    if end == End::Reset {
        // Closing without lingering is what sends a reset.
        let _ = client.set_zero_linger();
    }
}

async fn pass(from: &mut ReadHalf<'_>, to: &mut WriteHalf<'_>, mut faults: watch::Receiver<Fault>, way: Way) -> End {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = tokio::select! {
            changed = faults.changed() => match (changed, end_at_once(*faults.borrow())) {
                (Ok(()), None) => continue,
                (_, end) => return end.unwrap_or(End::Closed),
            },
            read = from.read(&mut buffer) => match read {
                Ok(0) | Err(_) => return End::Closed,
                Ok(count) => count,
            },
        };
        if let Err(end) = hand_over(&buffer[..count], to, &mut faults, way).await {
            return end;
        }
    }
}

fn end_at_once(fault: Fault) -> Option<End> {
    match fault {
        Fault::Refuse => Some(End::Closed),
        Fault::Reset => Some(End::Reset),
        _ => None,
    }
}

async fn hand_over(
    piece: &[u8],
    to: &mut WriteHalf<'_>,
    faults: &mut watch::Receiver<Fault>,
    way: Way,
) -> Result<(), End> {
    let fault = *faults.borrow_and_update();
    match (fault, way) {
        (Fault::Refuse, _) => Err(End::Closed),
        (Fault::Reset, _) => Err(End::Reset),
        (Fault::Latency(time), _) => {
            tokio::time::sleep(time).await;
            write(to, piece).await
        }
        (Fault::Hang, _) => {
            // What was held back is delivered when the network heals, as after a partition.
            while *faults.borrow_and_update() == Fault::Hang {
                faults.changed().await.map_err(|_| End::Closed)?;
            }
            end_at_once(*faults.borrow()).map_or(Ok(()), Err)?;
            write(to, piece).await
        }
        (Fault::Cut, Way::ToClient) => {
            write(to, &piece[..piece.len() / 2]).await?;
            Err(End::Closed)
        }
        (Fault::Drip, Way::ToClient) => drip(piece, to, faults).await,
        (Fault::None | Fault::Cut | Fault::Drip, _) => write(to, piece).await,
    }
}

async fn drip(piece: &[u8], to: &mut WriteHalf<'_>, faults: &watch::Receiver<Fault>) -> Result<(), End> {
    for drip in piece.chunks(DRIP) {
        write(to, drip).await?;
        if *faults.borrow() == Fault::Drip {
            tokio::time::sleep(DRIP_PAUSE).await;
        }
    }
    Ok(())
}

async fn write(to: &mut WriteHalf<'_>, piece: &[u8]) -> Result<(), End> {
    to.write_all(piece).await.map_err(|_| End::Closed)
}
