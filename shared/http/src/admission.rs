//! Letting callers in: who they are, and whether they may do more of what they ask for.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use clorp_admission::behind;
use clorp_domain::{ApiKey, Error, RateClass};
use clorp_service::Service;
use futures::future::join;
use utoipa::openapi::OpenApi;

use crate::auth::{Caller, Credential, bearer};
use crate::limits::Buckets;
use crate::{Problem, openapi};

/// What a function needs to know whom it serves.
#[derive(Clone, Debug)]
pub struct Callers {
    /// Store, rules and clock.
    pub service: Service,
    buckets: Buckets,
}

impl Callers {
    /// By API key.
    pub fn new(service: Service) -> Self {
        Self { service, buckets: Buckets::default() }
    }

    /// Whose key this is. One round trip.
    async fn by_key(&self, key: ApiKey) -> Result<Caller, Error> {
        let stored = self.service.store.key(&key.hash()).await?;
        let stored = stored.filter(|key| key.is_valid(self.service.clock.now()));
        Ok(Caller::by_key(stored.ok_or(Error::Unauthenticated)?))
    }

    /// Notes now and then that a credential is in use. What becomes of the note changes nothing about the request.
    async fn note_use(&self, caller: &Caller) {
        let now = self.service.clock.now();
        let Credential::Key(key) = &caller.credential;
        if key.is_use_news(now)
            && let Err(error) = self.service.store.note_use(key, now).await
        {
            tracing::warn!(?error, "the use of a key could not be noted");
        }
    }

    async fn answer(&self, class: RateClass, request: Request, next: Next) -> Result<Response, Error> {
        let (mut parts, body) = request.into_parts();
        let key = bearer(&parts.headers).ok_or(Error::Unauthenticated)?;
        let caller = self.by_key(key).await?;
        tracing::Span::current().record("user_id", caller.id.as_str());
        parts.extensions.insert(caller.clone());
        let bucket = self.buckets.of(caller.id.clone(), class, self.service.rules.rate(class));
        let admission = {
            let (service, bucket) = (self.service.clone(), bucket.clone());
            async move { bucket.take(&service).await }
        };
        let handled = behind(admission, next.run(Request::from_parts(parts, body)));
        let (handled, ()) = join(handled, self.note_use(&caller)).await;
        let mut response = handled.unwrap_or_else(|error| Problem::from(error).into_response());
        bucket.label(response.headers_mut(), self.service.clock.now());
        Ok(response)
    }
}

/// The layer that lets callers in, for the routes of one function.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    callers: Callers,
    /// What kind of thing each route with a caller does, by path and method.
    routes: Arc<BTreeMap<(String, String), RateClass>>,
}

impl Gate {
    /// For the routes that `document` describes as having a caller.
    pub(crate) fn new(callers: Callers, document: &OpenApi) -> Self {
        let routes = openapi::callers_routes(document);
        let routes = routes.map(|(path, method, class)| ((path.to_owned(), method.to_string()), class));
        Self { callers, routes: Arc::new(routes.collect()) }
    }

    fn class(&self, request: &Request) -> Option<RateClass> {
        let route = request.extensions().get::<MatchedPath>()?.as_str();
        let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        self.routes.get(&(route.to_owned(), method.to_string())).copied()
    }
}

/// Lets callers in where there are to be any.
pub(crate) async fn admit(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    match gate.class(&request) {
        None => next.run(request).await,
        Some(class) => {
            let answered = gate.callers.answer(class, request, next).await;
            answered.unwrap_or_else(|error| Problem::from(error).into_response())
        }
    }
}
