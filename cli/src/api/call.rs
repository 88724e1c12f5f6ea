//! Calls: the operations of the API that the command line uses, with the types of their bodies.

use std::fmt::Write;
use std::marker::PhantomData;

use hyper::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

/// Everything but the characters that are never encoded (RFC 3986).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An operation of the API that takes a body of type `B` and answers with a body of type `A`.
#[derive(Debug)]
pub struct Call<B, A> {
    pub(super) method: Method,
    /// The path with its parameter, such as `/api/jobs/{id}`.
    pub(super) path: &'static str,
    /// The documented statuses of a success.
    pub(super) statuses: &'static [u16],
    /// The names of the query parameters that are ever sent.
    pub(super) query: &'static [&'static str],
    /// True if the operation requires a credential.
    pub(super) private: bool,
    types: PhantomData<fn(B) -> A>,
}

impl<B, A> Call<B, A> {
    const fn new(method: Method, path: &'static str, statuses: &'static [u16]) -> Self {
        Self { method, path, statuses, query: &[], private: true, types: PhantomData }
    }

    /// A read.
    pub(super) const fn get(path: &'static str) -> Self {
        Self::new(Method::GET, path, &[200])
    }

    /// A stream of events. Without a body, it is complete.
    pub(super) const fn stream(path: &'static str) -> Self {
        Self::new(Method::GET, path, &[200, 204])
    }

    /// A POST, which succeeds with these statuses.
    pub(super) const fn post(path: &'static str, statuses: &'static [u16]) -> Self {
        Self::new(Method::POST, path, statuses)
    }

    /// A PATCH.
    pub(super) const fn patch(path: &'static str) -> Self {
        Self::new(Method::PATCH, path, &[200])
    }

    /// A DELETE.
    pub(super) const fn delete(path: &'static str) -> Self {
        Self::new(Method::DELETE, path, &[204])
    }

    /// The same call with query parameters.
    pub(super) const fn with_query(mut self, query: &'static [&'static str]) -> Self {
        self.query = query;
        self
    }

    /// The same call without a credential.
    pub(super) const fn without_credential(mut self) -> Self {
        self.private = false;
        self
    }

    /// True if the operation takes an idempotency key.
    pub(super) fn is_keyed(&self) -> bool {
        self.method == Method::POST && self.private
    }

    /// A request to the operation.
    pub fn request(&self) -> Request<A> {
        Request {
            method: self.method.clone(),
            operation: self.path,
            path: self.path.to_owned(),
            query: String::new(),
            names: self.query,
            statuses: self.statuses,
            private: self.private,
            keyed: self.is_keyed(),
            changes: self.method != Method::GET,
            body: None,
            last_event_id: None,
            answer: PhantomData,
        }
    }

    /// A request about one resource.
    pub fn at(&self, id: &str) -> Request<A> {
        let id = utf8_percent_encode(id, ENCODED).to_string();
        // `.` and `..` would be taken for steps of the path.
        let id = if matches!(id.as_str(), "." | "..") { id.replace('.', "%2E") } else { id };
        let request = self.request();
        Request { path: self.path.replace("{id}", &id), ..request }
    }
}

impl<B: Serialize, A> Call<B, A> {
    /// A request with a body.
    pub fn body(&self, body: &B) -> Request<A> {
        self.request().with_body(body)
    }

    /// A request about one resource, with a body.
    pub fn body_at(&self, id: &str, body: &B) -> Request<A> {
        self.at(id).with_body(body)
    }
}

/// A request that has not been sent.
#[derive(Debug)]
pub struct Request<A> {
    pub(super) method: Method,
    /// The path of the operation, by which requests share a rate limit.
    pub(super) operation: &'static str,
    pub(super) path: String,
    pub(super) query: String,
    names: &'static [&'static str],
    pub(super) statuses: &'static [u16],
    pub(super) private: bool,
    pub(super) keyed: bool,
    /// True if the request may change something, so that a dry run does not send it.
    pub(super) changes: bool,
    pub(super) body: Option<String>,
    pub(super) last_event_id: Option<String>,
    answer: PhantomData<fn() -> A>,
}

// Derived, it would require a `Clone` of the answer's type, of which a request has no value.
impl<A> Clone for Request<A> {
    fn clone(&self) -> Self {
        Self {
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.query.clone(),
            body: self.body.clone(),
            last_event_id: self.last_event_id.clone(),
            ..*self
        }
    }
}

impl<A> Request<A> {
    fn with_body<B: Serialize>(mut self, body: &B) -> Self {
        // A body of strings, numbers and lists is always JSON.
        self.body = serde_json::to_string(body).ok();
        self
    }

    /// Adds a query parameter, if there is a value.
    pub fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        debug_assert!(self.names.contains(&name), "{} does not declare {name}", self.operation);
        if let Some(value) = value {
            let sign = if self.query.is_empty() { '?' } else { '&' };
            let value = value.to_string();
            let _infallible = write!(self.query, "{sign}{name}={}", utf8_percent_encode(&value, ENCODED));
        }
        self
    }

    /// Asks only for the events of a stream that follow this one.
    pub fn after_event(mut self, id: Option<String>) -> Self {
        self.last_event_id = id;
        self
    }

    /// Declares that the request changes nothing although it is a POST.
    pub fn without_effect(mut self) -> Self {
        self.changes = false;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: Call<(), ()> = Call::get("/api/jobs/{id}").with_query(&["pack", "limit"]);

    #[test]
    fn ids_and_values_cannot_leave_their_place() {
        for (id, path) in [
            ("01ABC", "/api/jobs/01ABC"),
            ("../keys?x#y", "/api/jobs/..%2Fkeys%3Fx%23y"),
            ("..", "/api/jobs/%2E%2E"),
            ("a b\r\n", "/api/jobs/a%20b%0D%0A"),
        ] {
            assert_eq!(CALL.at(id).path, path);
        }
        let request = CALL.at("1").query("pack", Some("a&b=é")).query("limit", None::<u32>);
        assert_eq!(request.query, "?pack=a%26b%3D%C3%A9");
        assert_eq!(request.query("limit", Some(5)).query, "?pack=a%26b%3D%C3%A9&limit=5");
    }
}
