//! A TCP proxy whose faults are switched while it runs. The libraries there are for this were last published in 2021
//! (`noxious`) or serve one protocol; what is needed here is small.

mod carry;
mod fault;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use fault::Fault;

/// Stands between the functions and one service. Dropping it closes the door; open connections end with their peers.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Where it listens, as `host:port`.
    address: String,
    server: String,
    fault: watch::Sender<Fault>,
    door: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy to the server of a URL such as `redis://127.0.0.1:6379/0`.
    pub(crate) async fn to(url: &str) -> Result<Self> {
        let server = authority(url).to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.context("listen")?;
        let address = listener.local_addr().context("listen")?.to_string();
        let (fault, faults) = watch::channel(Fault::None);
        let door = tokio::spawn(keep_door(listener, address.clone(), server.clone(), faults));
        Ok(Self {
            address,
            server,
            fault,
            door,
        })
    }

    /// The same URL through this proxy.
    pub(crate) fn through(&self, url: &str) -> String {
        url.replacen(&self.server, &self.address, 1)
    }

    /// From now on this is wrong.
    pub(crate) fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.door.abort();
    }
}

/// Accepts connections, unless they are to be refused: then nobody listens until that is over.
async fn keep_door(first: TcpListener, address: String, server: String, mut faults: watch::Receiver<Fault>) {
    let mut listener = Some(first);
    loop {
        let is_open = *faults.borrow_and_update() != Fault::Refuse;
        listener = match (listener.take(), is_open) {
            (_, false) => None,
            (None, true) => TcpListener::bind(&address).await.ok(),
            (there, true) => there,
        };
        let changed = tokio::select! {
            changed = faults.changed() => changed,
            client = accept(listener.as_ref()) => {
                tokio::spawn(join(client, server.clone(), faults.clone()));
                Ok(())
            }
        };
        if changed.is_err() {
            return;
        }
    }
}

/// The next client; never one where nobody listens.
async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    loop {
        match listener {
            None => std::future::pending().await,
            Some(listener) => {
                if let Ok((client, _)) = listener.accept().await {
                    return client;
                }
            }
        }
    }
}

async fn join(client: TcpStream, server: String, faults: watch::Receiver<Fault>) {
    if let Ok(server) = TcpStream::connect(&server).await {
        carry::carry(client, server, faults).await;
    }
}

fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?']).next().unwrap_or(rest);
    host.rsplit_once('@').map_or(host, |(_, host)| host)
}

#[cfg(test)]
mod tests;
