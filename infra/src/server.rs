//! The HTTP server of what stands in for others. It can do what a server usually should not: drop a connection instead of answering.

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

/// How long a request may still run when the server is told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Marks an answer that is not sent: the connection is dropped in its place.
#[derive(Clone, Copy, Debug)]
pub struct Dropped;

/// Takes a port of this machine, any free one for 0, for what stands in for `whom`.
///
/// # Errors
/// If it is taken.
pub async fn listen(port: u16, whom: &str) -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow!("port {port}, meant for {whom}, is taken: stop what listens there, or use another port")
        }
        _ => anyhow!(error).context(format!("listening on port {port} for {whom}")),
    })
}

/// Serves until told to stop, and until running requests are answered.
pub async fn serve(listener: TcpListener, router: Router, mut stop: oneshot::Receiver<()>) {
    let graceful = Arc::new(GracefulShutdown::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stop => break,
        };
        match accepted {
            Ok((stream, _)) => serve_connection(stream, router.clone(), &graceful),
            // Too many open files, for example: better in a moment.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    drop(listener);
    if let Some(graceful) = Arc::into_inner(graceful) {
        // What is still running after that is cut off with the runtime.
        let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
    }
}

fn serve_connection(stream: TcpStream, router: Router, graceful: &GracefulShutdown) {
    let service = hyper::service::service_fn(move |request| answer(router.clone(), request));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    // A connection fails when its client goes away, or when it is dropped on purpose.
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
