//! Route policies: what a route requires of a request, typed where the route is registered.

use std::collections::HashMap;

use axum::extract::{MatchedPath, Request};
use axum::http::{Method, header};
use clorp_domain::{RateClass, Right};

/// What a route requires of its caller's credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// This right.
    Right(Right),
    /// One of two rights. An error names the first.
    Either(Right, Right),
    /// At most this right, depending on the request. The handler checks it, with
    /// [`Caller::require`](crate::Caller::require).
    ByRequest(Right),
    /// A session of the user's own, whatever the rights of a key.
    Session,
}

impl From<Right> for Access {
    fn from(right: Right) -> Self {
        Self::Right(right)
    }
}

impl Access {
    /// The rights of which a key needs one; none if no key has access.
    pub(crate) fn rights(self) -> Vec<Right> {
        match self {
            Self::Right(right) | Self::ByRequest(right) => vec![right],
            Self::Either(one, other) => vec![one, other],
            Self::Session => Vec::new(),
        }
    }
}

/// Requirements of one route: one path with one method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Anybody may call the route. Credentials are ignored, and requests are limited by client address.
    Public,
    /// Anybody may call the route, which limits its clients by itself, if at all.
    Open,
    /// The route requires a caller with this access, and counts the requests of this class.
    Caller(RateClass, Access),
}

impl Policy {
    /// Tells whether a request with this method may carry an `Idempotency-Key`. A public route has no caller
    /// under whom to store the response; methods other than POST are idempotent without a key.
    pub(crate) fn takes_idempotency_key(self, method: &Method) -> bool {
        matches!(self, Self::Caller(..)) && method == Method::POST
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

    /// The policy for a request. A request without a route is open: its response is 404 or 405.
    pub(crate) fn get(&self, request: &Request) -> Policy {
        let path = request.extensions().get::<MatchedPath>().and_then(|path| self.0.get(path.as_str()));
        // The router answers HEAD with the handler for GET.
        let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        path.and_then(|methods| methods.get(method)).copied().unwrap_or(Policy::Open)
    }

    /// Tells whether a request reads a public resource, or is a browser's preflight for such a request.
    pub(crate) fn is_public_read(&self, request: &Request) -> bool {
        let path = request.extensions().get::<MatchedPath>().and_then(|path| self.0.get(path.as_str()));
        let is_public = path.is_some_and(|methods| methods.get(&Method::GET) == Some(&Policy::Public));
        let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_METHOD);
        let is_read = match *request.method() {
            Method::GET | Method::HEAD => true,
            Method::OPTIONS => asked.is_some_and(|method| method == "GET" || method == "HEAD"),
            _ => false,
        };
        is_public && is_read
    }
}
