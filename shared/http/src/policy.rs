//! Route policies: what a route requires of a request, typed where the route is registered.

use std::collections::HashMap;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use clorp_domain::RateClass;

/// Requirements of one route: one path with one method.
///
/// Anything that depends on the request, such as a session instead of an API key, is checked by the handler
/// through [`Caller`](crate::Caller).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Anybody may call the route. Credentials are ignored.
    Public,
    /// The route requires a caller, whose requests of this class are limited together.
    Caller(RateClass),
}

impl Policy {
    /// Tells whether a request with this method may carry an `Idempotency-Key`. A public route has no caller
    /// under whom to store the response; methods other than POST are idempotent without a key.
    pub(crate) fn takes_idempotency_key(self, method: &Method) -> bool {
        matches!(self, Self::Caller(_)) && method == Method::POST
    }
}

/// The policies of one function's routes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policies(HashMap<String, HashMap<Method, Policy>>);

impl Policies {
    /// Records the policy of the route at `path`, written as the router matches it.
    pub(crate) fn insert(&mut self, path: &str, method: Method, policy: Policy) {
        self.0.entry(path.to_owned()).or_default().insert(method, policy);
    }

    /// The policy for a request. A request without a route is public: its response is 404 or 405.
    pub(crate) fn get(&self, request: &Request) -> Policy {
        let path = request.extensions().get::<MatchedPath>().and_then(|path| self.0.get(path.as_str()));
        // The router answers HEAD with the handler for GET.
        let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        path.and_then(|methods| methods.get(method)).copied().unwrap_or(Policy::Public)
    }
}
