//! Stripe's API in the same process: the sandbox behind an unreliable network.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::Method;
use clorp_stripe_api::Stripe;
use clorp_stripe_api::transport::{LocalRequest, LocalResponse};
use clorp_stripe_sandbox::FaultKind;
use futures::FutureExt;
use tokio::time::sleep;

use crate::faults::Fault;
use crate::site::Site;
use crate::task::Task;

/// Longest usual time of a call in one direction, in milliseconds.
const MAX_LATENCY_MILLIS: u64 = 300;

/// A client of Stripe.
pub fn client(site: &Arc<Site>) -> Stripe {
    let site = Arc::clone(site);
    Stripe::local(Arc::new(move |request| answer(Arc::clone(&site), request).boxed()))
}

async fn answer(site: Arc<Site>, request: LocalRequest) -> LocalResponse {
    let task = Task::current();
    let at = task.next_point();
    let mut chance = site.with(|state| state.weather.chance(at));
    sleep(Duration::from_millis(chance.u64(1..MAX_LATENCY_MILLIS))).await;
    let fault = site.strike(&task, at, possible(&request));
    match fault {
        Some(Fault::DeathBefore) => task.die().await,
        Some(Fault::StripeLostRequest) => return silence(&mut chance).await,
        _ => {}
    }
    let answered = act(&site, request, fault).await;
    site.arrivals.notify_one();
    match fault {
        Some(Fault::DeathAfter) => task.die().await,
        Some(Fault::StripeLostResponse) => return silence(&mut chance).await,
        _ => {}
    }
    sleep(Duration::from_millis(chance.u64(1..MAX_LATENCY_MILLIS))).await;
    answered
}

async fn act(site: &Site, request: LocalRequest, fault: Option<Fault>) -> LocalResponse {
    let LocalRequest { method, path, body, idempotency_key } = request;
    let method: Method = method.parse().ok()?;
    let fault = fault.and_then(|fault| match fault {
        Fault::StripeError => Some(FaultKind::ServerError),
        Fault::StripeKeptError => Some(FaultKind::KeptServerError),
        Fault::StripeErrorAfter => Some(FaultKind::ServerErrorAfter),
        Fault::StripeRateLimit => Some(FaultKind::RateLimit),
        Fault::StripeDecline => Some(FaultKind::Decline),
        _ => None,
    });
    let stripe = site.with(|state| state.stripe.clone());
    let answered: Option<(u16, Bytes)> = stripe.call(method, &path, body, idempotency_key, fault).await;
    answered
}

/// The faults that may strike a request.
fn possible(request: &LocalRequest) -> &'static [Fault] {
    const ASKING: &[Fault] = &[
        Fault::StripeLostRequest,
        Fault::StripeLostResponse,
        Fault::StripeError,
        Fault::StripeRateLimit,
        Fault::DeathBefore,
    ];
    const CREATING: &[Fault] = &[
        Fault::StripeLostRequest,
        Fault::StripeLostResponse,
        Fault::StripeError,
        Fault::StripeKeptError,
        Fault::StripeErrorAfter,
        Fault::StripeRateLimit,
        Fault::DeathBefore,
        Fault::DeathAfter,
    ];
    const MOVING: &[Fault] = &[
        Fault::StripeLostRequest,
        Fault::StripeLostResponse,
        Fault::StripeError,
        Fault::StripeKeptError,
        Fault::StripeErrorAfter,
        Fault::StripeRateLimit,
        Fault::StripeDecline,
        Fault::DeathBefore,
        Fault::DeathAfter,
    ];
    match (request.method, request.path.as_str()) {
        ("GET", _) => ASKING,
        (_, "/v1/payment_intents" | "/v1/transfers") => MOVING,
        _ => CREATING,
    }
}

/// A connection that breaks at once, or never answers.
async fn silence(chance: &mut fastrand::Rng) -> LocalResponse {
    if chance.bool() {
        return None;
    }
    std::future::pending().await
}
