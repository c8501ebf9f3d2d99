use std::io::ErrorKind;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Fault, Proxy};

const TEXT: &[u8; 64] = &[b'x'; 64];

/// A server that says back what it hears, behind a proxy.
async fn echo() -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("tcp://user@{}/path", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                tokio::io::copy(&mut read, &mut write).await
            });
        }
    });
    Proxy::to(&url).await.unwrap()
}

async fn said_back(stream: &mut TcpStream) -> std::io::Result<usize> {
    stream.write_all(TEXT).await?;
    let mut heard = [0; TEXT.len()];
    let mut count = 0;
    while count < TEXT.len() {
        match stream.read(&mut heard[count..]).await? {
            0 => break,
            more => count += more,
        }
    }
    Ok(count)
}

#[tokio::test]
async fn without_a_fault_everything_is_passed_on_and_after_one_again() {
    let proxy = echo().await;
    for fault in Fault::matrix(Duration::from_millis(10)) {
        proxy.set(fault);
        proxy.set(Fault::None);
        // The door may still be opening again.
        let mut stream = loop {
            match TcpStream::connect(&proxy.address).await {
                Ok(stream) => break stream,
                Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionRefused),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        assert_eq!(said_back(&mut stream).await.unwrap(), TEXT.len(), "{fault:?}");
    }
}

#[tokio::test]
async fn open_connections_suffer_too() {
    for (fault, expected) in [(Fault::Reset, None), (Fault::Refuse, Some(0)), (Fault::Cut, Some(32))] {
        let proxy = echo().await;
        let mut stream = TcpStream::connect(&proxy.address).await.unwrap();
        said_back(&mut stream).await.unwrap();
        proxy.set(fault);
        let heard = said_back(&mut stream).await;
        match (heard, expected) {
            // What is written to a closed connection may be answered by a reset as well.
            (Err(_), None | Some(0)) => {}
            (Ok(count), Some(expected)) => assert_eq!(count, expected, "{fault:?}"),
            other => panic!("{fault:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_refusing_server_does_not_listen() {
    let proxy = echo().await;
    proxy.set(Fault::Refuse);
    let end = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(&proxy.address).await.is_ok() {
        assert!(Instant::now() < end, "the door never closed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_hangs_is_delivered_when_the_fault_is_over() {
    let proxy = echo().await;
    proxy.set(Fault::Hang);
    let mut stream = TcpStream::connect(&proxy.address).await.unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(100), said_back(&mut stream)).await;
    assert!(waiting.is_err());
    proxy.set(Fault::None);
    let mut heard = [0; TEXT.len()];
    stream.read_exact(&mut heard).await.unwrap();
}

#[tokio::test]
async fn latency_and_drips_take_their_time() {
    let proxy = echo().await;
    for fault in [Fault::Latency(Duration::from_millis(60)), Fault::Drip] {
        let mut stream = TcpStream::connect(&proxy.address).await.unwrap();
        said_back(&mut stream).await.unwrap();
        proxy.set(fault);
        let started = Instant::now();
        assert_eq!(said_back(&mut stream).await.unwrap(), TEXT.len());
        assert!(started.elapsed() >= Duration::from_millis(80), "{fault:?}");
        proxy.set(Fault::None);
    }
}
