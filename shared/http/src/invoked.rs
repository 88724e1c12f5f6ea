//! The service that Lambda invokes: a router, behind the conversion of events to requests.

use std::task::{Context, Poll};

use axum::Router;
use axum::http::{HeaderMap, Uri, header};
use axum::response::Response;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, LambdaEvent, Service};
use url::Url;

/// A router as the service for Lambda's events.
///
/// `lambda_http` panics on an event whose path, query or host is no part of a URI, and a panic ends the
/// instance. Such a request gets a refusal instead.
#[derive(Clone)]
pub struct Invoked {
    router: Adapter<'static, Response, Router>,
    refusal: Adapter<'static, Response, Router>,
}

impl Invoked {
    /// The service that answers with `router`, or with `refusal` for an event without a URI.
    pub(crate) fn new(router: Router, refusal: Router) -> Self {
        Self { router: router.into(), refusal: refusal.into() }
    }
}

impl Service<LambdaEvent<LambdaRequest>> for Invoked {
    type Response = <Adapter<'static, Response, Router> as Service<LambdaEvent<LambdaRequest>>>::Response;
    type Error = <Adapter<'static, Response, Router> as Service<LambdaEvent<LambdaRequest>>>::Error;
    type Future = <Adapter<'static, Response, Router> as Service<LambdaEvent<LambdaRequest>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.router.poll_ready(context)
    }

    fn call(&mut self, mut event: LambdaEvent<LambdaRequest>) -> Self::Future {
        match &mut event.payload {
            LambdaRequest::ApiGatewayV2(request) if !has_uri(request) => {
                make_convertible(request);
                self.refusal.call(event)
            }
            _ => self.router.call(event),
        }
    }
}

/// Tells whether host, path and query of an event form a URI, by the parsers that the conversion uses.
fn has_uri(request: &ApiGatewayV2httpRequest) -> bool {
    let path = request.raw_path.as_deref().unwrap_or_default();
    let host = text(&request.headers, header::HOST.as_str());
    let host = host.or(request.request_context.domain_name.as_deref()).unwrap_or("localhost");
    let scheme = text(&request.headers, "x-forwarded-proto").unwrap_or("https");
    let query = request.raw_query_string.as_deref().unwrap_or_default();
    let url = Url::parse(&format!("{scheme}://{host}{path}"));
    path.starts_with('/') && url.is_ok_and(|url| format!("{url}?{query}").parse::<Uri>().is_ok())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Replaces everything that is not part of a URI. The method and the request id stay.
fn make_convertible(request: &mut ApiGatewayV2httpRequest) {
    request.raw_path = Some("/".to_owned());
    request.raw_query_string = None;
    request.headers.remove(header::HOST);
    request.request_context.domain_name = None;
}
