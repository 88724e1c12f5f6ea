//! URL of a request, for links to the same resource.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};
use lambda_http::request::RequestContext;

/// Domain name that `cargo lambda watch` puts into the request context, in place of the gateway's.
const LOCAL_DOMAIN: &str = "localhost";

/// The absolute URL of a request.
///
/// Its origin is the domain name that API Gateway reports, which is the API's own however a client writes its
/// `Host` header. So a cached response cannot lead other clients elsewhere. The `Host` header counts only
/// without a gateway, which is on a developer's machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestUrl {
    origin: String,
    uri: Uri,
}

impl RequestUrl {
    /// The URL up to its path.
    pub(crate) fn without_query(&self) -> String {
        format!("{}{}", self.origin, self.uri.path())
    }

    /// The query, possibly empty.
    pub(crate) fn query(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestUrl {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let OriginalUri(uri) = OriginalUri::from_request_parts(parts, state).await?;
        let origin = origin(parts.extensions.get(), &parts.headers);
        Ok(Self { origin, uri })
    }
}

/// Scheme and host of a request; empty if neither the gateway nor the client names a host.
fn origin(context: Option<&RequestContext>, headers: &HeaderMap) -> String {
    let domain = match context {
        Some(RequestContext::ApiGatewayV2(context)) => context.domain_name.as_deref(),
        _ => None,
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    match (domain.filter(|domain| *domain != LOCAL_DOMAIN), host) {
        (Some(domain), _) => format!("https://{domain}"),
        (None, Some(host)) => format!("http://{host}"),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;

    use super::*;

    #[test]
    fn the_origin_is_the_gateways_and_the_host_header_counts_only_without_a_gateway() {
        let check = |domain: Option<&str>, host: Option<&'static str>, expected: &str| {
            let mut context = ApiGatewayV2httpRequestContext::default();
            context.domain_name = domain.map(str::to_owned);
            let host = host.map(|host| (header::HOST, HeaderValue::from_static(host)));
            let context = RequestContext::ApiGatewayV2(context);
            assert_eq!(origin(Some(&context), &host.into_iter().collect()), expected);
        };
        check(Some("api.clorp.example"), Some("evil.example"), "https://api.clorp.example");
        check(Some("localhost"), Some("127.0.0.1:9000"), "http://127.0.0.1:9000");
        check(None, Some("127.0.0.1:4000"), "http://127.0.0.1:4000");
        check(None, None, "");
        assert_eq!(origin(None, &HeaderMap::new()), "");
    }
}
