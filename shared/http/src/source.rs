//! Client address of a request.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::Extensions;
use axum::http::request::Parts;
use lambda_http::request::RequestContext;

/// The client IP that API Gateway reports. Never taken from headers, which clients can forge. `None` without
/// a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceAddress(pub Option<IpAddr>);

impl SourceAddress {
    /// The address in the gateway's context of a request.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        let address = match extensions.get::<RequestContext>() {
            Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.as_deref(),
            _ => None,
        };
        Self(address.and_then(|address| address.parse().ok()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SourceAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}
