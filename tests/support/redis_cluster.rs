//! A Redis that is a cluster of one node, as a serverless cache shows itself.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use redis::aio::MultiplexedConnection;
use uuid::Uuid;

use super::{service, wait_for};

/// The places that the keys of a cluster are in.
const SLOTS: u16 = 16_384;
/// Nodes talk to each other on a port that is so much higher.
const BUS: u16 = 10_000;

/// A server of its own; it ends when this is dropped.
pub struct RedisCluster {
    server: Child,
    folder: PathBuf,
    pub url: String,
}

impl RedisCluster {
    pub async fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("docent-test-redis-{}", Uuid::new_v4()));
        std::fs::create_dir(&folder).unwrap();
        let port = free_port().to_string();
        let mut command = Command::new(program().await);
        command.args(["--bind", "127.0.0.1", "--port", &port, "--cluster-enabled", "yes"]);
        command.args(["--save", "", "--appendonly", "no", "--dir"]).arg(&folder);
        let server = command.stdout(Stdio::null()).spawn().unwrap();
        let url = format!("redis://127.0.0.1:{port}");
        let this = Self { server, folder, url };
        let client = redis::Client::open(this.url.as_str()).unwrap();
        let connect = || async { client.get_multiplexed_async_connection().await.ok() };
        let mut connection = wait_for("the cluster's node", connect).await;
        let mut all = redis::cmd("CLUSTER");
        let all = all.arg("ADDSLOTS").arg((0..SLOTS).collect::<Vec<_>>());
        all.exec_async(&mut connection).await.unwrap();
        wait_for("the cluster", || is_well(connection.clone())).await;
        this
    }

    /// The names of all keys.
    pub async fn keys(&self) -> Vec<String> {
        let mut connection = connection(&self.url).await;
        redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap()
    }
}

impl Drop for RedisCluster {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn connection(url: &str) -> MultiplexedConnection {
    let client = redis::Client::open(url).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

async fn is_well(mut connection: MultiplexedConnection) -> Option<()> {
    let info: String = redis::cmd("CLUSTER")
        .arg("INFO")
        .query_async(&mut connection)
        .await
        .unwrap();
    info.contains("cluster_state:ok").then_some(())
}

/// The program of the Redis that all tests use, which runs on this machine.
async fn program() -> String {
    let mut connection = connection(&service("TEST_REDIS_URL")).await;
    let info: String = redis::cmd("INFO")
        .arg("server")
        .query_async(&mut connection)
        .await
        .unwrap();
    let program = info.lines().find_map(|line| line.strip_prefix("executable:"));
    program.expect("Redis knows its own program").to_owned()
}

/// One with a free port for the bus.
fn free_port() -> u16 {
    let free = |port| TcpListener::bind(("127.0.0.1", port)).ok();
    let ports = std::iter::repeat_with(|| free(0).unwrap().local_addr().unwrap().port());
    let with_bus = |port: &u16| port.checked_add(BUS).is_some_and(|bus| free(bus).is_some());
    ports.take(1000).find(with_bus).expect("a free port")
}
