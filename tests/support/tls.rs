//! Real certificates, and a server's door that speaks TLS.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

use super::wire::address;

/// An authority that signs certificates, with a file to trust it by.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pub file: PathBuf,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = std::env::temp_dir().join(format!("docent-test-ca-{}.pem", Uuid::new_v4()));
        std::fs::write(&file, issuer.pem()).unwrap();
        Self { issuer, file }
    }

    /// A certificate for a host that ends so many days from now, after ninety days.
    pub fn certify(&self, host: &str, days: i64) -> Arc<ServerConfig> {
        let end = OffsetDateTime::now_utc() + Duration::days(days);
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        (params.not_before, params.not_after) = (end - Duration::days(90), end);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key);
        Arc::new(config.unwrap())
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

/// A door before a server that has none of its own: it ends TLS and hands on what was said.
pub struct TlsDoor {
    opened: Arc<AtomicUsize>,
    /// The server's URL through this door, at `localhost`.
    pub url: String,
}

impl TlsDoor {
    pub async fn before(url: &str, identity: Arc<ServerConfig>) -> Self {
        let server = address(url).to_owned();
        let is_postgres = url.starts_with("postgres");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = format!("localhost:{}", listener.local_addr().unwrap().port());
        let through = url.replacen(&server, &here, 1);
        let opened = Arc::<AtomicUsize>::default();
        let count = opened.clone();
        let acceptor = TlsAcceptor::from(identity);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, server, count) = (acceptor.clone(), server.clone(), count.clone());
                tokio::spawn(async move {
                    let _ = carry(client, &acceptor, is_postgres, (&server, &count)).await;
                });
            }
        });
        let url = if is_postgres {
            format!("{through}?sslmode=verify-full")
        } else {
            through.replacen("redis://", "rediss://", 1)
        };
        Self { opened, url }
    }

    /// How many clients trusted it. Others have said nothing that matters.
    pub fn opened(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }
}

async fn carry(
    mut client: TcpStream,
    acceptor: &TlsAcceptor,
    is_postgres: bool,
    (server, opened): (&str, &AtomicUsize),
) -> std::io::Result<()> {
    if is_postgres {
        // SSLRequest: https://www.postgresql.org/docs/current/protocol-message-formats.html
        let mut request = [0; 8];
        client.read_exact(&mut request).await?;
        assert_eq!(request, [0, 0, 0, 8, 4, 210, 22, 47], "the client began without TLS");
        client.write_all(b"S").await?;
    }
    let mut client = acceptor.accept(client).await?;
    opened.fetch_add(1, Ordering::SeqCst);
    let mut server = TcpStream::connect(server).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}
