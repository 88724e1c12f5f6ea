//! HTTP: one exchange at a time, through a proxy if the environment names one.

use std::error::Error as _;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::HeaderMap;
use hyper::{Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;
use tower::Service;

use crate::failure::chain;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest body that is read. The API's own are smaller, and so are files.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A response.
#[derive(Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Response {
    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Clients of both schemes. Each is built when it is first needed, because reading the system's certificates
/// takes milliseconds.
#[derive(Default)]
pub struct Transport {
    plain: OnceLock<Client<HttpConnector, Full<Bytes>>>,
    secure: OnceLock<Client<HttpsConnector<Proxied>, Full<Bytes>>>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl Transport {
    /// Sends a request and collects the response. Redirects are not followed, because they would carry the
    /// key elsewhere.
    ///
    /// # Errors
    /// The reason for which there is no whole response.
    pub async fn send(&self, request: Request<Full<Bytes>>, limit: Duration) -> Result<Response, String> {
        let exchange = async {
            let response = match request.uri().scheme_str() {
                Some("https") => self.secure.get_or_init(secure).request(request).await,
                _ => self.plain.get_or_init(plain).request(request).await,
            };
            // The client's own words say only at which step it failed.
            let reason = |error: Error| error.source().map_or_else(|| chain(&error), chain);
            let (head, body) = response.map_err(reason)?.into_parts();
            let body = Limited::new(body, MAX_BODY_BYTES).collect().await;
            let body = body.map_err(|error| chain(error.as_ref()))?.to_bytes();
            Ok(Response { status: head.status.as_u16(), headers: head.headers, body })
        };
        let late = || Err(format!("no response within {} s", limit.as_secs()));
        timeout(limit, exchange).await.unwrap_or_else(|_| late())
    }
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector.set_nodelay(true);
    connector.enforce_http(false);
    connector
}

/// The client for addresses on this machine, to which no proxy stands between.
fn plain() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).build(connector())
}

fn secure() -> Client<HttpsConnector<Proxied>, Full<Bytes>> {
    let proxied = Proxied { direct: connector(), proxies: Arc::new(Matcher::from_env()) };
    let builder = HttpsConnectorBuilder::new();
    // A system without certificates, such as a bare container, has those that are compiled in.
    let builder =
        builder.with_native_roots().unwrap_or_else(|_| HttpsConnectorBuilder::new().with_webpki_roots());
    let connector = builder.https_only().enable_http1().wrap_connector(proxied);
    Client::builder(TokioExecutor::new()).build(connector)
}

/// Connects to a host, or to the proxy that the environment names for it.
#[derive(Clone, Debug)]
struct Proxied {
    direct: HttpConnector,
    proxies: Arc<Matcher>,
}

impl Service<Uri> for Proxied {
    type Response = <HttpConnector as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Service::<Uri>::poll_ready(&mut self.direct, cx).map_err(Into::into)
    }

    fn call(&mut self, host: Uri) -> Self::Future {
        let Some(proxy) = self.proxies.intercept(&host) else {
            let connecting = self.direct.call(host);
            return Box::pin(async { connecting.await.map_err(Into::into) });
        };
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.direct.clone());
        if let Some(authorization) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        Box::pin(async move { tunnel.call(host).await.map_err(Into::into) })
    }
}
