//! Cross-origin requests: the web pages that may call with a user's cookies, and the CORS headers for them
//! and for readers of public resources.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use clorp_context::{BootError, var};
use clorp_domain::rules::BadRule;
use tower_http::cors::CorsLayer;

use crate::headers::{
    IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED, LAST_EVENT_ID, NEXT_CURSOR, RATE_LIMIT, RATE_LIMIT_POLICY,
    REQUEST_ID,
};
use crate::policy::Policies;

/// Name of the variable that lists the origins.
const VARIABLE: &str = "CLORP_WEB_ORIGINS";
/// Lifetime of a preflight response in a browser's cache.
const MAX_AGE: Duration = Duration::from_secs(600);
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Headers that trackers of a page's requests add to them (W3C Trace Context and Baggage).
const TRACING_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("baggage"),
];

/// The origins of our web pages, such as `https://clorp.example`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(Arc<[HeaderValue]>);

impl Origins {
    /// Parses a list separated by commas; `None` if an entry is not an origin.
    pub fn parse(list: &str) -> Option<Self> {
        let origins = list.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        origins.map(parse_origin).collect::<Option<Vec<_>>>().map(|origins| Self(origins.into()))
    }

    /// Reads `CLORP_WEB_ORIGINS`. Without it, no origin is allowed.
    ///
    /// # Errors
    /// [`BootError`] if the value is not a list of origins.
    pub fn from_env() -> Result<Self, BootError> {
        let expected = "origins such as https://clorp.example, separated by commas";
        let list = var(VARIABLE).unwrap_or_default();
        Self::parse(&list).ok_or(BootError::Bad(BadRule { name: VARIABLE, expected }))
    }

    /// Tells whether every origin uses HTTPS, so that cookies can be restricted to it.
    pub(crate) fn are_secure(&self) -> bool {
        self.0.iter().all(|origin| origin.as_bytes().starts_with(b"https://"))
    }

    /// Tells whether the browser's headers prove that a page of an allowed origin, or of the requested host,
    /// sent the request.
    pub(crate) fn sent(&self, headers: &HeaderMap) -> bool {
        match headers.get(header::ORIGIN) {
            Some(origin) => self.0.contains(origin) || is_own(origin, headers.get(header::HOST)),
            None => headers.get(SEC_FETCH_SITE).is_some_and(|site| site == "same-origin"),
        }
    }

    /// The CORS layer for these origins.
    pub(crate) fn layer(&self) -> CorsLayer {
        let exposed = [RATE_LIMIT_POLICY, RATE_LIMIT, IDEMPOTENCY_REPLAYED].into_iter();
        let exposed = exposed.chain([header::ETAG, header::LINK, header::RETRY_AFTER]);
        let exposed = exposed.chain([REQUEST_ID, NEXT_CURSOR]);
        let allowed =
            [header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_NONE_MATCH, header::CACHE_CONTROL];
        let allowed = allowed.into_iter().chain([IDEMPOTENCY_KEY, LAST_EVENT_ID, REQUEST_ID]);
        let allowed = allowed.chain(TRACING_HEADERS);
        CorsLayer::new()
            .allow_origin(self.0.to_vec())
            .allow_credentials(true)
            .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
            .allow_headers(allowed.collect::<Vec<_>>())
            .expose_headers(exposed.collect::<Vec<_>>())
            .max_age(MAX_AGE)
    }
}

/// Lets pages of every origin read public resources, without credentials. The layer of [`Origins::layer`] is
/// within this one, and has allowed the configured origins before.
pub(crate) async fn open_public_reads(
    State(policies): State<Arc<Policies>>,
    request: Request,
    next: Next,
) -> Response {
    let is_public = policies.is_public_read(&request);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if is_public && !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.remove(header::ACCESS_CONTROL_ALLOW_CREDENTIALS);
    }
    response
}

/// Parses an origin in the form that browsers send: scheme, host and optional port, in lower case.
fn parse_origin(origin: &str) -> Option<HeaderValue> {
    let uri: Uri = origin.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let written = format!("{scheme}://{authority}");
    let sound = ["http", "https"].contains(&scheme) && !written.contains('@') && written == origin;
    // The parser accepts characters that no host has, such as a wildcard, which would match nothing.
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.:[]".contains(&b);
    let sound = sound && authority.as_str().bytes().all(plain);
    HeaderValue::from_str(origin).ok().filter(|_| sound)
}

fn is_own(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let origin = origin.to_str().unwrap_or_default();
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    match (authority, host.and_then(|host| host.to_str().ok())) {
        (Some(authority), Some(host)) => !host.is_empty() && authority.eq_ignore_ascii_case(host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        for good in ["", "https://clorp.example", "http://localhost:3000, https://a.b.example"] {
            assert!(Origins::parse(good).is_some(), "{good}");
        }
        for bad in [
            "https://clorp.example*",
            "https://*.clorp.example",
            "*",
            "null",
            "clorp.example",
            "https://clorp.example/",
            "https://a@b",
            "ftp://a",
            "https://A.b",
            "https://",
        ] {
            assert_eq!(Origins::parse(bad), None, "{bad}");
        }
        assert!(Origins::parse("https://a.example").unwrap().are_secure());
        assert!(!Origins::parse("https://a.example,http://localhost:1").unwrap().are_secure());
    }

    #[test]
    fn a_request_is_from_our_pages_only_if_the_browser_says_so() {
        let ours = Origins::parse("https://clorp.example").unwrap();
        let made = |headers: &[(&'static str, &'static str)]| {
            let header = |&(name, value): &(&'static str, &'static str)| {
                (HeaderName::from_static(name), HeaderValue::from_static(value))
            };
            ours.sent(&headers.iter().map(header).collect())
        };
        let host = ("host", "api.clorp.example");
        for good in [
            &[("origin", "https://clorp.example"), host][..],
            &[("origin", "https://api.clorp.example"), host],
            &[("sec-fetch-site", "same-origin"), host],
        ] {
            assert!(made(good), "{good:?}");
        }
        for bad in [
            &[host][..],
            &[("origin", "null"), host],
            &[("origin", "https://evil.example"), host],
            &[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin"), host],
            &[("origin", "https://clorp.example.evil.example"), host],
            &[("origin", "http://clorp.example"), host],
            &[("origin", "https://"), ("host", "")],
            &[("sec-fetch-site", "same-site"), host],
            &[("sec-fetch-site", "cross-site"), host],
            &[("sec-fetch-site", "none"), host],
        ] {
            assert!(!made(bad), "{bad:?}");
        }
    }
}
