//! The servers that stand in for AWS: a table and a bucket of a test's own.

use std::net::SocketAddr;

use clorp_local_aws::dynamo::{Dynamo, client, create_table};
use clorp_local_aws::s3::{LocalS3, sdk_config};
use clorp_sam::TableSpec;
use reqwest::Method;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, JoinSet};

use crate::moto;

/// Name of the table.
pub const TABLE: &str = "clorp";
/// The variable that chooses the stand-ins for AWS: `embedded`, which is the default, or `moto`.
pub const AWS_VARIABLE: &str = "CLORP_TEST_AWS";

/// The stand-ins for AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aws {
    /// DynamoDB and S3 inside this process.
    Embedded,
    /// A server of moto's.
    Moto,
}

impl Aws {
    /// The choice of the environment.
    pub fn from_env() -> Self {
        match std::env::var(AWS_VARIABLE).as_deref() {
            Err(_) | Ok("" | "embedded") => Self::Embedded,
            Ok("moto") => Self::Moto,
            Ok(other) => panic!("{AWS_VARIABLE} is {other:?}, and not embedded or moto"),
        }
    }
}

/// A DynamoDB with an empty table.
#[derive(Debug)]
pub struct Database {
    url: String,
    embedded: Option<Dynamo>,
}

impl Database {
    /// Starts a database with the table that `spec` describes.
    pub async fn start(aws: Aws, spec: &TableSpec) -> Self {
        let database = match aws {
            Aws::Embedded => {
                let embedded = Dynamo::in_memory().await.expect("embedded DynamoDB");
                Self { url: embedded.url.clone(), embedded: Some(embedded) }
            }
            Aws::Moto => {
                let url = moto::server(moto::next_number()).await.new_account();
                Self { url, embedded: None }
            }
        };
        create_table(&client(&database.url), spec, TABLE).await.expect("the table is created");
        database
    }

    /// The endpoint.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends the database, or gives its memory back to the server that others use too.
    pub async fn shutdown(self) {
        match self.embedded {
            Some(embedded) => embedded.shutdown().await.expect("embedded DynamoDB stops"),
            None => {
                let deleted = client(&self.url).delete_table().table_name(TABLE).send().await;
                deleted.expect("the table is deleted");
            }
        }
    }
}

/// A bucket, which can become unreachable.
#[derive(Debug)]
pub struct Bucket {
    name: String,
    address: SocketAddr,
    backend: Backend,
}

#[derive(Debug)]
enum Backend {
    Embedded { folder: TempDir, running: Mutex<Option<LocalS3>> },
    Moto { server: &'static moto::Server, relay: Mutex<Option<JoinHandle<()>>> },
}

impl Bucket {
    /// Starts an S3 with an empty bucket.
    pub async fn start(aws: Aws) -> Self {
        let name = "clorp-uploads".to_owned();
        match aws {
            Aws::Embedded => {
                let folder = tempfile::tempdir().expect("a folder");
                let s3 = LocalS3::start(folder.path(), &name, None).await.expect("a local S3");
                let address = s3.url.trim_start_matches("http://").parse().expect("an address");
                Self { name, address, backend: Backend::Embedded { folder, running: Mutex::new(Some(s3)) } }
            }
            Aws::Moto => {
                // Names of buckets are unique among all accounts.
                let number = moto::next_number();
                let name = format!("{name}-{number}");
                let server = moto::server(number).await;
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                let address = listener.local_addr().expect("an address");
                let relay = Mutex::new(Some(tokio::spawn(relay(listener, server))));
                let bucket = Self { name, address, backend: Backend::Moto { server, relay } };
                assert!(bucket.send(Method::PUT, "", Vec::new()).await.is_success());
                bucket
            }
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The endpoint.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Access to the files in the bucket.
    pub fn files(&self) -> clorp_files::Files {
        clorp_files::Files::new(&sdk_config(&self.url()), &self.name)
    }

    /// Makes the bucket unreachable.
    pub async fn stop(&self) {
        match &self.backend {
            Backend::Embedded { running, .. } => {
                let running = running.lock().await.take();
                running.expect("S3 runs").shutdown().await.expect("S3 stops");
            }
            Backend::Moto { relay, .. } => {
                let relay = relay.lock().await.take().expect("the relay runs");
                relay.abort();
                // An aborted task ends with an error. Its listener is closed then.
                let _ = relay.await;
            }
        }
    }

    /// Makes the bucket reachable again, with all its objects.
    pub async fn restart(&self) {
        match &self.backend {
            Backend::Embedded { folder, running } => {
                let s3 = LocalS3::start(folder.path(), &self.name, Some(self.address.port())).await;
                *running.lock().await = Some(s3.expect("a local S3"));
            }
            Backend::Moto { server, relay: running } => {
                let listener = TcpListener::bind(self.address).await.expect("the port is free");
                *running.lock().await = Some(tokio::spawn(relay(listener, server)));
            }
        }
    }

    /// Tells whether the bucket has an object.
    pub async fn holds(&self, key: &str) -> bool {
        match &self.backend {
            Backend::Embedded { folder, .. } => folder.path().join(&self.name).join(key).exists(),
            Backend::Moto { .. } => self.send(Method::HEAD, key, Vec::new()).await.is_success(),
        }
    }

    /// Replaces the bytes of an object.
    pub async fn overwrite(&self, key: &str, bytes: &[u8]) {
        match &self.backend {
            Backend::Embedded { folder, .. } => {
                std::fs::write(folder.path().join(&self.name).join(key), bytes).expect("an object");
            }
            Backend::Moto { .. } => {
                assert!(self.send(Method::PUT, key, bytes.to_vec()).await.is_success());
            }
        }
    }

    /// Removes an object.
    pub async fn remove(&self, key: &str) {
        match &self.backend {
            Backend::Embedded { folder, .. } => {
                std::fs::remove_file(folder.path().join(&self.name).join(key)).expect("an object");
            }
            Backend::Moto { .. } => {
                assert!(self.holds(key).await, "no object {key}");
                assert!(self.send(Method::DELETE, key, Vec::new()).await.is_success());
            }
        }
    }

    /// Ends the S3, unless it has been stopped.
    pub async fn shutdown(self) {
        match self.backend {
            Backend::Embedded { running, .. } => {
                if let Some(s3) = running.into_inner() {
                    s3.shutdown().await.expect("the local S3 stops");
                }
            }
            Backend::Moto { relay, .. } => {
                if let Some(relay) = relay.into_inner() {
                    relay.abort();
                }
            }
        }
    }

    /// Sends a request to moto itself, which checks no signature.
    async fn send(&self, method: Method, key: &str, body: Vec<u8>) -> reqwest::StatusCode {
        let Backend::Moto { server, .. } = &self.backend else { panic!("the bucket is not moto's") };
        let request = reqwest::Client::new().request(method, format!("{}/{}/{key}", server.url, self.name));
        let request = request.header("authorization", moto::authorization("s3")).body(body);
        request.send().await.expect("moto answers").status()
    }
}

/// Connects every client of `listener` with a server. Ending the task breaks the connections.
async fn relay(listener: TcpListener, server: &'static moto::Server) {
    let target = server.url.trim_start_matches("http://");
    let mut connections = JoinSet::new();
    loop {
        let Ok((mut client, _)) = listener.accept().await else { continue };
        connections.spawn(async move {
            // A connection fails if one side disconnects, which the other side notices.
            let Ok(mut server) = TcpStream::connect(target).await else { return };
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        });
        while connections.try_join_next().is_some() {}
    }
}
