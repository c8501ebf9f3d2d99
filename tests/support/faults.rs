//! A way to a service that a test can break.

use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::wire::address;

/// How the way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Everything passes.
    Open,
    /// Connections are closed as soon as they are made, and those that there are, too.
    Refused,
    /// Connections are made, but no byte passes any more.
    Silent,
}

/// Stands between a client and a server.
pub struct FaultyWay {
    way: Arc<watch::Sender<Way>>,
}

impl FaultyWay {
    /// Starts on the way to the server of a URL; returns the URL that leads through it.
    pub async fn to(url: &str) -> (Self, String) {
        let server = address(url).to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let through = url.replacen(&server, &listener.local_addr().unwrap().to_string(), 1);
        let way = Arc::new(watch::Sender::new(Way::Open));
        let set = way.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server.clone(), set.subscribe()));
            }
        });
        (Self { way }, through)
    }

    /// Changes the way, for connections that there are and for new ones.
    pub fn set(&self, way: Way) {
        self.way.send_if_modified(|now| std::mem::replace(now, way) != way);
    }

    /// Closes every connection there is; new ones are as before.
    pub fn cut(&self) {
        let before = *self.way.borrow();
        self.set(Way::Refused);
        self.set(before);
    }
}

async fn carry(mut client: TcpStream, server: String, mut way: watch::Receiver<Way>) {
    let now = *way.borrow_and_update();
    match now {
        Way::Refused => return,
        Way::Silent => {
            let _ = way.changed().await;
            return;
        }
        Way::Open => {}
    }
    let Ok(mut server) = TcpStream::connect(server).await else {
        return;
    };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => return,
        _ = way.changed() => {}
    }
    // Cut or refused: both ends are closed by being dropped. Silent: held, until the way changes again.
    if *way.borrow_and_update() == Way::Silent {
        let _ = way.changed().await;
    }
}
