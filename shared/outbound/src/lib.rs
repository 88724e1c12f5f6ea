//! Calls to services other than AWS and Stripe, which have SDKs of their own.

use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

/// A client for HTTPS. Cheap to clone.
#[derive(Clone)]
pub struct Https(Transport);

#[derive(Clone)]
enum Transport {
    Network(Box<Client<HttpsConnector<HttpConnector>, Full<Bytes>>>),
    Local(Arc<LocalHandler>),
}

/// Answers requests in the same process.
pub type LocalHandler =
    dyn Fn(Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, NoResponse>> + Send + Sync;

impl fmt::Debug for Https {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Https")
    }
}

/// Limits of one call.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time until the response is complete.
    pub time: Duration,
    /// Size of the response's body, in bytes.
    pub bytes: usize,
}

/// The reason for a missing response, for the log.
pub type NoResponse = String;

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

const LATE: &str = "no response in time";

impl Https {
    /// A client that waits this long for a connection.
    pub fn new(connect_timeout: Duration) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(connect_timeout));
        connector.enforce_http(false);
        connector.set_nodelay(true);
        // Plain HTTP stays on the local machine, because addresses pass `safe_address`.
        let connector = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        // Connections are not pooled: calls are rare or long, and a connection that was open when the sandbox
        // froze is dead when it thaws.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Self(Transport::Network(Box::new(client)))
    }

    /// A client of a stand-in in the same process. For simulations.
    pub fn local(handler: Arc<LocalHandler>) -> Self {
        Self(Transport::Local(handler))
    }

    /// Sends a request and collects the response. Redirects are not followed.
    ///
    /// # Errors
    /// [`NoResponse`] if the service cannot be reached, or its response exceeds the limits.
    pub async fn send(&self, request: Request<Bytes>, limits: Limits) -> Result<Response<Bytes>, NoResponse> {
        let client = match &self.0 {
            Transport::Network(client) => client,
            Transport::Local(handler) => {
                let answer = timeout(limits.time, handler(request)).await;
                return answer.unwrap_or_else(|_| Err(LATE.to_owned()));
            }
        };
        let call = async {
            let response = client.request(request.map(Full::new)).await.map_err(|error| describe(&error))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, limits.bytes).collect().await;
            let body = body.map_err(|error| describe(error.as_ref()))?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };
        timeout(limits.time, call).await.unwrap_or_else(|_| Err(LATE.to_owned()))
    }
}

/// The address, if secrets may travel to it: it uses HTTPS or stays on this machine, and has neither a query
/// nor a fragment nor a user.
pub fn safe_address(url: &str) -> Option<Uri> {
    let address: Uri = url.parse().ok()?;
    let host = address.host()?;
    let is_local = host.eq_ignore_ascii_case("localhost")
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let is_private = match address.scheme_str()? {
        "https" => true,
        "http" => is_local,
        _ => false,
    };
    let is_plain =
        address.query().is_none() && !url.contains('#') && !address.authority()?.as_str().contains('@');
    (is_private && is_plain).then_some(address)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_travel_by_https_or_stay_on_this_machine() {
        for good in [
            "https://a.example",
            "https://a.example/v1/",
            "HTTPS://A.example:8443",
            "http://localhost:54321",
            "http://LOCALHOST/v1",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
        ] {
            assert!(safe_address(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "a.example",
            "/x",
            "http://a.example",
            "http://10.0.0.1",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
            "ftp://localhost",
            "https://a.example?x=1",
            "https://a.example#x",
            "https://user@a.example",
        ] {
            assert!(safe_address(bad).is_none(), "{bad}");
        }
    }
}
