//! The HTTP server of the Stripe sandbox, the issuer and the local S3. Unlike most servers it can drop a
//! connection instead of answering.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tower::ServiceExt;

/// Time that running requests get when the server stops.
const GRACE: Duration = Duration::from_secs(5);

/// Marks a response that is not sent: the server drops the connection instead.
#[derive(Clone, Copy, Debug)]
pub struct Dropped;

/// Binds a port of the loopback interface; 0 stands for any free port. `whom` names the imitated service in
/// errors.
///
/// # Errors
/// Fails if the port is in use.
pub async fn listen(port: u16, whom: &str) -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow!(
                "port {port} for {whom} is taken: stop the process that listens there, or use another port"
            )
        }
        _ => anyhow!(error).context(format!("listening on port {port} for {whom}")),
    })
}

/// Serves until `stop` fires, then waits for running requests.
pub async fn serve(listener: TcpListener, router: Router, mut stop: oneshot::Receiver<()>) {
    let graceful = Arc::new(GracefulShutdown::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stop => break,
        };
        match accepted {
            Ok((stream, _)) => serve_connection(stream, router.clone(), &graceful),
            // The process may have too many open files, for example. A later attempt may succeed.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    drop(listener);
    if let Some(graceful) = Arc::into_inner(graceful) {
        // Requests that run longer are aborted when the runtime ends.
        let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
    }
}

fn serve_connection(stream: TcpStream, router: Router, graceful: &GracefulShutdown) {
    let service = hyper::service::service_fn(move |request| answer(router.clone(), request));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    // A connection fails if its client disconnects, or if a response is `Dropped`.
    tokio::spawn(async move { drop(connection.await) });
}

async fn answer(
    router: Router,
    request: Request<hyper::body::Incoming>,
) -> Result<Response<Body>, std::io::Error> {
    let response: Result<Response<Body>, Infallible> = router.oneshot(request.map(Body::new)).await;
    match response {
        Ok(response) if response.extensions().get::<Dropped>().is_none() => Ok(response),
        _ => Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted)),
    }
}
