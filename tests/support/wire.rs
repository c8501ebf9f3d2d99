//! Counts round trips where they happen: between a client and its server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Stands between a client and a server, and counts how often the client speaks after it has listened: one such turn
/// is one round trip, however many commands travel in it.
pub struct CountingProxy {
    address: String,
    turns: Arc<AtomicUsize>,
}

impl CountingProxy {
    /// Starts a proxy to the server of a URL such as `redis://127.0.0.1:6379/0`.
    pub async fn to(url: &str) -> (Self, String) {
        let server = address(url).to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap().to_string(),
            turns: Arc::default(),
        };
        let turns = proxy.turns.clone();
        let through = url.replacen(&server, &proxy.address, 1);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(carry(client, server, turns.clone()));
            }
        });
        (proxy, through)
    }

    /// The round trips since the last call.
    pub fn take_turns(&self) -> usize {
        self.turns.swap(0, Ordering::SeqCst)
    }
}

pub(super) fn address(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?']).next().unwrap();
    host.rsplit_once('@').map_or(host, |(_, host)| host)
}

async fn carry(client: TcpStream, server: TcpStream, turns: Arc<AtomicUsize>) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let has_listened = Arc::new(AtomicBool::new(true));
    let heard = has_listened.clone();
    tokio::spawn(async move { pass(&mut from_server, &mut to_client, || heard.store(true, Ordering::SeqCst)).await });
    pass(&mut from_client, &mut to_server, || {
        if has_listened.swap(false, Ordering::SeqCst) {
            turns.fetch_add(1, Ordering::SeqCst);
        }
    })
    .await;
}

/// Passes bytes on until one side ends; `note` is told of each piece before it is passed on.
async fn pass(from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf, note: impl Fn()) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count) = from.read(&mut buffer).await {
        if count == 0 {
            break;
        }
        note();
        if to.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}
