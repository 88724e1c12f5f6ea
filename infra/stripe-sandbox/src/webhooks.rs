//! Delivery of events: signing, sending, and retries.

use std::sync::Arc;

use clorp_random::random_range;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Client;
use serde_json::Value;
use sha2::Sha256;
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use crate::core::Core;
use crate::state::{Kind, State};

/// The next step of an endpoint's courier.
#[derive(Debug)]
enum Next {
    Send { number: u64, event: Value, secrets: Vec<String> },
    Wait(Option<Instant>),
}

/// Replaces the endpoints that receive events, including events that still wait.
pub fn send_to(core: &Arc<Core>, urls: Vec<String>) {
    let mut couriers = JoinSet::new();
    for (endpoint, url) in urls.iter().enumerate() {
        couriers.spawn(deliver(Arc::clone(core), endpoint, url.clone()));
    }
    core.set_endpoints(urls, couriers);
}

/// Delivers the events of one endpoint, one at a time, for as long as the sandbox runs. A failed event waits
/// for its retry and does not hold up later ones.
async fn deliver(core: Arc<Core>, endpoint: usize, url: String) {
    let mut changes = core.watch();
    // Building a client fails only on a machine without TLS.
    let Ok(client) = client(&core) else { return };
    loop {
        changes.mark_unchanged();
        match core.touch(|state| next(state, endpoint)) {
            Next::Send { number, event, secrets } => {
                let status = send(&core, &client, &url, &event, &secrets).await;
                core.change(None, |change| record_outcome(change.state, number, status, &core));
            }
            Next::Wait(until) => {
                tokio::select! {
                    changed = changes.changed() => if changed.is_err() { return },
                    () = sleep_until(until) => {}
                }
            }
        }
    }
}

fn client(core: &Core) -> reqwest::Result<Client> {
    let redirects = reqwest::redirect::Policy::none();
    // A proxy from the environment must not stand between the sandbox and local endpoints.
    Client::builder().no_proxy().redirect(redirects).timeout(core.options.webhook_timeout).build()
}

async fn sleep_until(until: Option<Instant>) {
    match until {
        Some(until) => time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// Takes the next due delivery of an endpoint: the oldest one, or a random one if `shuffle` is set.
fn next(state: &mut State, endpoint: usize) -> Next {
    if state.webhooks.paused {
        return Next::Wait(None);
    }
    let now = Instant::now();
    let due = |at: Option<Instant>| at.is_none_or(|at| at <= now);
    let waiting: Vec<_> =
        (0..state.deliveries.len()).filter(|i| state.deliveries[*i].endpoint == endpoint).collect();
    let ready: Vec<_> = waiting.iter().copied().filter(|i| due(state.deliveries[*i].not_before)).collect();
    let Some(first) = ready.first() else {
        return Next::Wait(waiting.iter().filter_map(|i| state.deliveries[*i].not_before).min());
    };
    let chosen = if state.webhooks.shuffle { ready[random_range(0..ready.len())] } else { *first };
    let delivery = &mut state.deliveries[chosen];
    delivery.sending = true;
    let (number, event) = (delivery.number, delivery.event.clone());
    let event = state.get(Kind::Event, &event).cloned().unwrap_or_default();
    Next::Send { number, event, secrets: state.secrets.clone() }
}

/// Sends an event. Returns the response's status, or `None` if there was no response.
async fn send(core: &Core, client: &Client, url: &str, event: &Value, secrets: &[String]) -> Option<u16> {
    let body = serde_json::to_string_pretty(event).unwrap_or_default();
    let signature = signature(core.now().as_second(), &body, secrets);
    let request = client
        .post(url)
        .header("Content-Type", "application/json; charset=utf-8")
        .header("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
        .header("Stripe-Signature", signature)
        .body(body);
    request.send().await.ok().map(|answer| answer.status().as_u16())
}

/// The value of the header `Stripe-Signature`: the time, and one signature for each secret.
pub fn signature(seconds: i64, body: &str, secrets: &[String]) -> String {
    let mut header = format!("t={seconds}");
    for secret in secrets {
        // HMAC accepts a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { continue };
        mac.update(format!("{seconds}.{body}").as_bytes());
        header.push_str(",v1=");
        for byte in mac.finalize().into_bytes() {
            header.push_str(&format!("{byte:02x}"));
        }
    }
    header
}

/// Records the outcome of an attempt: removes the delivery on success, otherwise schedules a retry.
fn record_outcome(state: &mut State, number: u64, status: Option<u16>, core: &Core) {
    if status.is_some_and(|status| (200..300).contains(&status)) {
        state.deliveries.retain(|delivery| delivery.number != number);
        return;
    }
    let Some(delivery) = state.deliveries.iter_mut().find(|delivery| delivery.number == number) else {
        return;
    };
    let (first, longest) = core.options.redelivery_pauses;
    let pause = first.saturating_mul(2_u32.saturating_pow(delivery.attempts)).min(longest);
    delivery.sending = false;
    delivery.attempts += 1;
    delivery.last_status = status;
    delivery.not_before = Some(Instant::now() + pause);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected value comes from OpenSSL: `printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256
    /// -hmac whsec_a`.
    #[test]
    fn the_header_has_one_hmac_of_time_and_body_for_each_secret() {
        let secrets = ["whsec_a".to_owned(), "whsec_b".to_owned()];
        let header = signature(1_700_000_000, r#"{"id":"evt_1"}"#, &secrets);
        let parts: Vec<_> = header.split(',').collect();
        let first = "v1=97ea69f91fd566038386bacf87292eb0d73a8207414ee62ed313d49996fe0639";
        let second = "v1=c0c4c9e4637bb269965a5df170a9c6c3c973e3fafe3d4bed97086daad7fdc63c";
        assert_eq!(parts, ["t=1700000000", first, second]);
    }
}
