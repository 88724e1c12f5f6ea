//! The HTTP client for calls to Supabase.

use std::error::Error;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

/// Timeout for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Timeout for a whole call.
const CALL_TIMEOUT: Duration = Duration::from_secs(3);
/// Largest response body, in bytes.
const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// An HTTP client.
#[derive(Clone, Debug)]
pub(crate) struct Http(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// The reason for a missing response, for the log.
pub(crate) type NoResponse = String;

impl Http {
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.enforce_http(false);
        connector.set_nodelay(true);
        // The configuration permits plain HTTP only for the local machine.
        let connector = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        // Connections are not pooled: calls are rare, and a connection that was open when the sandbox froze
        // is dead when it thaws.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Self(client)
    }

    /// Sends a request and returns status and body. Redirects are not followed.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), NoResponse> {
        let call = async {
            let response = self.0.request(request).await.map_err(|error| describe(&error))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, MAX_RESPONSE_BYTES).collect().await;
            let body = body.map_err(|error| describe(error.as_ref()))?;
            Ok((head.status, body.to_bytes()))
        };
        timeout(CALL_TIMEOUT, call).await.unwrap_or_else(|_| Err("no response in time".to_owned()))
    }
}

fn describe(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
