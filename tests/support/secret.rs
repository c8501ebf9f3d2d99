//! Secrets in the emulated services, and how often they are read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_ssm::types::ParameterType;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use super::service;
use super::wire::address;

/// What a call of one of both services has in its head.
const CALLS: [&str; 2] = ["GetSecretValue", "GetParameters"];

/// A secret of its own in Secrets Manager.
pub struct Secret {
    pub arn: String,
}

/// A parameter of its own in SSM.
pub struct Parameter {
    pub name: String,
}

async fn sdk() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest()).load().await
}

impl Secret {
    pub async fn create(value: &str) -> Self {
        let client = aws_sdk_secretsmanager::Client::new(&sdk().await);
        let name = format!("test/{}", Uuid::new_v4());
        let call = client.create_secret().name(name).secret_string(value);
        let arn = call.send().await.unwrap().arn.unwrap();
        Self { arn }
    }

    pub async fn put(&self, value: &str) {
        let client = aws_sdk_secretsmanager::Client::new(&sdk().await);
        let call = client.put_secret_value().secret_id(&self.arn).secret_string(value);
        call.send().await.unwrap();
    }
}

impl Parameter {
    pub async fn create(value: &str) -> Self {
        let name = format!("/test/{}", Uuid::new_v4());
        let parameter = Self { name };
        parameter.put(value).await;
        parameter
    }

    pub async fn put(&self, value: &str) {
        let client = aws_sdk_ssm::Client::new(&sdk().await);
        let call = client.put_parameter().name(&self.name).value(value).overwrite(true);
        call.r#type(ParameterType::SecureString).send().await.unwrap();
    }
}

/// The way of one sandbox to both services, on which the readings are counted.
pub struct Readings {
    pub endpoint: String,
    count: Arc<AtomicUsize>,
}

impl Readings {
    pub async fn counted() -> Self {
        let url = service("AWS_ENDPOINT_URL");
        let server = address(&url).to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let count = Arc::new(AtomicUsize::new(0));
        let seen = count.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(carry(client, server, seen.clone()));
            }
        });
        Self { endpoint, count }
    }

    /// How often anything was read since the last call.
    pub fn take(&self) -> usize {
        self.count.swap(0, Ordering::SeqCst)
    }
}

async fn carry(client: TcpStream, server: TcpStream, count: Arc<AtomicUsize>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
        let text = String::from_utf8_lossy(&buffer[..length]);
        let calls: usize = CALLS.iter().map(|call| text.matches(&format!(".{call}")).count()).sum();
        count.fetch_add(calls, Ordering::SeqCst);
        if to_server.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
}
