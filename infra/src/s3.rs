//! S3 inside this process: a server that speaks its protocol over a folder, and checks what was signed.

use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use axum::Router;
use axum::error_handling::HandleError;
use axum::http::StatusCode;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::server;

/// The key, and the secret, that the server knows.
const CREDENTIAL: &str = "local";

/// A running S3. It stops when dropped; [`LocalS3::shutdown`] also waits for it.
#[derive(Debug)]
pub struct LocalS3 {
    /// Where it listens, such as `http://127.0.0.1:9090`.
    pub url: String,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl LocalS3 {
    /// A server that keeps its objects in the folder at `path`, which is made if missing, and has one `bucket`. Without a
    /// `port` it takes a free one.
    ///
    /// # Errors
    /// When the port is taken, or the folder cannot be made.
    pub async fn start(path: &Path, bucket: &str, port: Option<u16>) -> Result<Self> {
        let folder = path.join(bucket);
        std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        let objects =
            FileSystem::new(path).map_err(|error| anyhow!("opening {}: {error:?}", path.display()))?;
        let mut service = S3ServiceBuilder::new(objects);
        service.set_auth(SimpleAuth::from_single(CREDENTIAL, CREDENTIAL));
        let service = HandleError::new(service.build(), async |error| {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:?}"))
        });
        let listener = listen(port.unwrap_or(0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (stop, stopped) = oneshot::channel();
        let router = Router::new().fallback_service(service);
        let server = tokio::spawn(server::serve(listener, router, stopped));
        Ok(Self { url, stop, server })
    }

    /// Stops the server and waits until running requests are answered, but not for longer than five seconds.
    ///
    /// # Errors
    /// When the server has failed.
    pub async fn shutdown(self) -> Result<()> {
        // The receiver is gone if the server has already failed; its own error says why.
        let _ = self.stop.send(());
        self.server.await.context("the local S3 failed")
    }
}

async fn listen(port: u16) -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow!("port {port}, meant for S3, is taken: stop what listens there, or use another port")
        }
        _ => anyhow!(error).context(format!("listening on port {port} for S3")),
    })
}

/// How to reach the server at `url`, with its credentials.
pub fn sdk_config(url: &str) -> SdkConfig {
    let credentials = Credentials::new(CREDENTIAL, CREDENTIAL, None, None, "local stack");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(url)
        .build()
}
