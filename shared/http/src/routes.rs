//! Registration of routes: a handler, its part of the OpenAPI document, and its policy.
//!
//! A function registers `.public(route!(routes::board::board))` or
//! `.with_caller(RateClass::Claim, Right::Work, route!(routes::claim::claim))`.
//!
//! A handler that takes a [`Caller`] cannot be registered as public, and a handler without one cannot be
//! registered with a caller: both are compile errors, because [`Route`] carries the types of its handler's
//! arguments.

use std::marker::PhantomData;

use axum::Router;
use axum::extract::State;
use axum::handler::Handler;
use axum::http::HeaderMap;
use clorp_domain::RateClass;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::auth::Caller;
use crate::extract::{ApiJson, ApiQuery, NoBody, NoParams, OptionalJson, PathId, RawBody};
use crate::openapi;
use crate::policy::{Access, Policies, Policy};
use crate::request_url::RequestUrl;
use crate::source::SourceAddress;

/// Pairs a handler that `#[utoipa::path]` describes with the types of its arguments:
/// `route!(routes::claim::claim)`.
#[macro_export]
macro_rules! route {
    ($($handler:tt)+) => {
        $crate::routes::Route::new($($handler)+, $crate::routes::__routes!($($handler)+))
    };
}

#[doc(hidden)]
pub use utoipa_axum::routes as __routes;

/// A handler with its description. `T` is the tuple of the handler's arguments, as in [`Handler`].
pub struct Route<S, T> {
    described: UtoipaMethodRouter<S>,
    arguments: PhantomData<T>,
}

impl<S, T> Route<S, T> {
    /// The route that `described` serves with `handler`. Use [`route!`](crate::route) to get both from one
    /// name.
    pub fn new<H: Handler<T, S>>(_handler: H, described: UtoipaMethodRouter<S>) -> Self {
        Self { described, arguments: PhantomData }
    }
}

/// The routes of one function, with state `S`.
pub struct Routes<S> {
    router: OpenApiRouter<S>,
    policies: Policies,
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes.
    pub fn new() -> Self {
        Self { router: OpenApiRouter::default(), policies: Policies::default() }
    }

    /// Adds a route that anybody may call, and counts each request against the limit of the client's address.
    #[must_use]
    pub fn public<T: PublicArguments>(self, route: Route<S, T>) -> Self {
        self.add(Policy::Public, route)
    }

    /// Adds a route that anybody may call, and that limits its clients by itself.
    #[must_use]
    pub fn open<T: PublicArguments>(self, route: Route<S, T>) -> Self {
        self.add(Policy::Open, route)
    }

    /// Adds a route that requires a caller with this right or access, and counts each request against the
    /// caller's rate limit for `class`. A POST also takes an `Idempotency-Key`.
    #[must_use]
    pub fn with_caller<T: CallerArguments>(
        self,
        class: RateClass,
        access: impl Into<Access>,
        route: Route<S, T>,
    ) -> Self {
        self.add(Policy::Caller(class, access.into()), route)
    }

    fn add<T>(mut self, policy: Policy, route: Route<S, T>) -> Self {
        let (schemas, mut paths, methods) = route.described;
        for (path, item) in &mut paths.paths {
            for (method, operation) in openapi::operations_mut(item) {
                self.policies.insert(path, method.clone(), policy);
                openapi::describe_policy(operation, &method, policy);
            }
        }
        self.router = self.router.routes((schemas, paths, methods));
        self
    }

    /// The routes' part of the OpenAPI document.
    pub fn into_openapi(self) -> OpenApi {
        self.router.into_openapi()
    }

    /// The router, and the policies of its routes.
    pub(crate) fn into_parts(self) -> (Router<S>, Policies) {
        let (router, _) = self.router.split_for_parts();
        (router, self.policies)
    }
}

/// Arguments of a handler that requires a caller: a [`Caller`], then any others.
#[diagnostic::on_unimplemented(
    message = "a route with a caller needs a handler whose first argument is `Caller`",
    note = "register the route with `Routes::public` if anybody may call it"
)]
pub trait CallerArguments {}

/// Arguments of a handler that anybody may call, all of them [`PublicArgument`]s.
#[diagnostic::on_unimplemented(
    message = "a public route needs a handler whose arguments are all `PublicArgument`",
    note = "register the route with `Routes::with_caller` if its handler takes a `Caller`"
)]
pub trait PublicArguments {}

/// An argument that says nothing about a caller. Neither [`Caller`] nor [`NewIds`](crate::NewIds) is one: a
/// public route has no caller, and takes no `Idempotency-Key`.
pub trait PublicArgument {}

impl PublicArgument for HeaderMap {}
impl PublicArgument for NoBody {}
impl PublicArgument for NoParams {}
impl PublicArgument for RawBody {}
impl PublicArgument for RequestUrl {}
impl PublicArgument for SourceAddress {}
impl<T> PublicArgument for ApiJson<T> {}
impl<T> PublicArgument for ApiQuery<T> {}
impl<T> PublicArgument for OptionalJson<T> {}
impl<T> PublicArgument for PathId<T> {}
impl<T> PublicArgument for State<T> {}

/// Implements the traits for tuples. `M` is axum's marker for the kind of the last argument.
macro_rules! arguments {
    ($($argument:ident)*) => {
        impl<M, $($argument: PublicArgument),*> PublicArguments for (M, $($argument,)*) {}
        impl<M, $($argument),*> CallerArguments for (M, Caller, $($argument,)*) {}
    };
}

arguments!();
arguments!(A);
arguments!(A B);
arguments!(A B C);
arguments!(A B C D);
arguments!(A B C D E);
arguments!(A B C D E F);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NewIds;

    /// `Probe<T>::PUBLIC` is the inherent constant if `T` is [`PublicArguments`], and otherwise the trait's.
    struct Probe<T>(PhantomData<T>);

    trait Otherwise {
        const PUBLIC: bool = false;
    }

    impl<T> Otherwise for Probe<T> {}

    impl<T: PublicArguments> Probe<T> {
        const PUBLIC: bool = true;
    }

    #[test]
    fn a_public_handler_takes_neither_a_caller_nor_new_ids() {
        let public = [Probe::<((),)>::PUBLIC, Probe::<((), NoParams, State<u8>, ApiJson<u8>)>::PUBLIC];
        let private = [
            Probe::<((), Caller)>::PUBLIC,
            Probe::<((), NoParams, Caller)>::PUBLIC,
            Probe::<((), NoParams, State<u8>, NewIds, ApiJson<u8>)>::PUBLIC,
        ];
        assert_eq!((public, private), ([true; 2], [false; 3]));
    }
}
