//! An embedded S3 server that stores its objects in a folder and verifies signatures.

use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use axum::Router;
use axum::error_handling::HandleError;
use axum::http::StatusCode;
use clorp_stand_in::server;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::{http_client, retries};

/// The access key id and the secret access key that the server accepts.
const CREDENTIAL: &str = "local";

/// A running local S3. Dropping it stops it; [`LocalS3::shutdown`] also waits until it has stopped.
#[derive(Debug)]
pub struct LocalS3 {
    /// The base URL, such as `http://127.0.0.1:9090`.
    pub url: String,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl LocalS3 {
    /// Starts a server with a single `bucket` that stores its objects in the folder at `path`. Creates the
    /// folder if it is missing. `port` is `None` for a free port.
    ///
    /// # Errors
    /// Fails if the port is in use, or if the folder cannot be created.
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

    /// Stops the server and waits at most five seconds for running requests.
    ///
    /// # Errors
    /// Fails if the server has failed.
    pub async fn shutdown(self) -> Result<()> {
        // Sending fails only if the server has already failed. Its own error says why.
        let _ = self.stop.send(());
        self.server.await.context("the local S3 failed")
    }
}

async fn listen(port: u16) -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow!("port {port} for S3 is taken: stop the process that listens there, or use another port")
        }
        _ => anyhow!(error).context(format!("listening on port {port} for S3")),
    })
}

/// An SDK configuration for the server at `url`, with credentials that it accepts.
pub fn sdk_config(url: &str) -> SdkConfig {
    let credentials = Credentials::new(CREDENTIAL, CREDENTIAL, None, None, "local stack");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client())
        .retry_config(retries())
        .endpoint_url(url)
        .build()
}
