//! The layers that every request passes through, and the entry point of a Lambda.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::Response;
use clorp_context::{Clock, Context, new_ulid};
use clorp_deadline::scope_invocation;
use clorp_store::count_units;
use lambda_http::request::RequestContext;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tracing::Instrument;
use tracing::field::Empty;

use crate::authenticate::{self, AuthLayer, Authenticator};
use crate::cache::weaken_tag;
use crate::extract::MAX_BODY_BYTES;
use crate::headers::REQUEST_ID;
use crate::idempotency::{self, Idempotency};
use crate::invoked::Invoked;
use crate::limits::{self, AddressLayer};
use crate::origins::{Origins, open_public_reads};
use crate::policy::Policies;
use crate::problem::Problem;
use crate::routes::Routes;

/// The shortest timeout of a function in the template. It bounds requests whose environment names no
/// deadline.
const TIMEOUT: Duration = Duration::from_secs(10);

/// True until a first request has ended. Its caller has also waited for the start of the environment.
static IS_COLD: AtomicBool = AtomicBool::new(true);

/// Smallest body that is compressed, in bytes. A smaller one fits into one packet anyway.
const MIN_COMPRESSED_BYTES: u16 = 1024;

/// Serves public routes with what all functions share: JSON errors for unknown paths and methods, limits on
/// bodies and client addresses, compression, CORS, request ids, error bodies, and one log line per request.
pub fn finish<S>(routes: Routes<S>, state: S, context: Context, origins: &Origins) -> Router
where
    S: Clone + Send + Sync + 'static,
{
    let (router, policies) = routes.into_parts();
    let policies = Arc::new(policies);
    let addresses = AddressLayer::new(context, policies.clone());
    add_layers(add_fallbacks(router.with_state(state)), addresses, origins, policies)
}

/// Serves routes as [`finish`] does, and enforces their policies: authentication, rate limits and idempotency
/// keys.
pub fn finish_for_callers<S>(routes: Routes<S>, state: S, authenticator: Authenticator) -> Router
where
    S: Clone + Send + Sync + 'static,
{
    let (router, policies) = routes.into_parts();
    let policies = Arc::new(policies);
    let idempotency = Idempotency::new(authenticator.context.clone(), policies.clone());
    let addresses = AddressLayer::new(authenticator.context.clone(), policies.clone());
    let origins = authenticator.origins.clone();
    let layer = AuthLayer::new(authenticator, policies.clone());
    add_layers(
        add_fallbacks(router.with_state(state))
            .layer(from_fn_with_state(idempotency, idempotency::run_once))
            .layer(from_fn_with_state(layer, authenticate::authenticate)),
        addresses,
        &origins,
        policies,
    )
}

fn add_fallbacks(routes: Router) -> Router {
    routes
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
}

fn add_layers(routes: Router, addresses: AddressLayer, origins: &Origins, policies: Arc<Policies>) -> Router {
    let is_worthwhile = SizeAbove::new(MIN_COMPRESSED_BYTES).and(NotForContentType::SSE);
    // A function has a part of a core, and better levels take several times as long for a few per cent.
    let compression = CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(is_worthwhile);
    routes
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn_with_state(addresses, limits::limit_addresses))
        .layer(compression)
        .layer(map_response(weaken_tag))
        .layer(origins.layer())
        .layer(from_fn_with_state(policies, open_public_reads))
        .layer(from_fn(wrap))
}

/// Serves in a Lambda until its environment ends.
///
/// # Errors
/// Failures of the Lambda runtime itself.
pub async fn run(router: Router) -> Result<(), lambda_http::Error> {
    lambda_http::lambda_runtime::run(invoked(router)).await
}

/// The service for a Lambda's events.
pub fn invoked(router: Router) -> Invoked {
    Invoked::new(router, Router::new().fallback(malformed_url).layer(from_fn(wrap)))
}

async fn malformed_url() -> Problem {
    let message = "The path or the query has characters that must be percent-encoded";
    Problem::new(StatusCode::BAD_REQUEST, "malformed_url", message)
}

async fn wrap(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(&request);
    let method = request.method().clone();
    // The pattern, not the path: a path with an id is unique.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let span =
        tracing::info_span!("request", request_id = %id, %method, route, user_id = Empty, key_id = Empty);
    let ends_at = request.extensions().get::<lambda_http::Context>().map(|context| context.deadline);
    let answered = scope_invocation(ends_at, TIMEOUT, count_units(next.run(request)));
    let (mut response, units) = answered.instrument(span.clone()).await;
    let problem = response.extensions_mut().remove::<Problem>();
    let code = problem.as_ref().map(|problem| problem.code.clone());
    let code = code.as_deref();
    let detail = problem.as_ref().and_then(|problem| problem.detail.clone());
    if let Some(problem) = problem {
        let headers = std::mem::take(response.headers_mut());
        response = problem.render(&id);
        response.headers_mut().extend(headers);
    }
    let status = response.status().as_u16();
    let cold = IS_COLD.swap(false, Ordering::Relaxed);
    // A u128 would be logged as text.
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (read_units, write_units) = (units.read, units.write);
    let _entered = span.enter();
    match detail {
        Some(detail) if status == 500 => {
            tracing::error!(status, code, millis, read_units, write_units, cold, detail, "request failed");
        }
        Some(detail) => {
            tracing::warn!(status, code, millis, read_units, write_units, cold, detail, "request failed");
        }
        None => tracing::info!(status, code, millis, read_units, write_units, cold, "request"),
    }
    label(response, &id)
}

/// The gateway's id for the request, so that both logs agree; a new one without a gateway.
fn request_id(request: &Request) -> String {
    let given = request.extensions().get::<RequestContext>().and_then(|context| match context {
        RequestContext::ApiGatewayV2(context) => context.request_id.clone(),
        _ => None,
    });
    given.unwrap_or_else(|| new_ulid(Clock::system().now()).to_string())
}

/// Adds the headers of every response. A response without `Cache-Control` must not be cached.
fn label(mut response: Response, id: &str) -> Response {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    join_vary(headers);
    response
}

/// Joins the `Vary` headers, because Lambda passes only one header of a name on.
fn join_vary(headers: &mut HeaderMap) {
    let values: Vec<_> =
        headers.get_all(header::VARY).iter().filter_map(|value| value.to_str().ok()).collect();
    if values.len() > 1
        && let Ok(joined) = HeaderValue::from_str(&values.join(", "))
    {
        headers.insert(header::VARY, joined);
    }
}
