//! Webhook events that a test writes and signs itself.

use std::collections::BTreeMap;

use clorp_context::new_ulid;
use clorp_domain::{Cents, Topup, TopupId, TopupKind, UserId};
use clorp_store::LedgerAudit;
use clorp_tests::{Answer, Client, World};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

/// The webhook's path.
pub(crate) const PATH: &str = "/api/stripe/webhook";

/// A new event about an object, with the current time.
pub(crate) fn event(world: &World, kind: &str, object: Value) -> Value {
    let now = world.clock().now();
    let id = format!("evt_{}", new_ulid(now));
    json!({ "id": id, "object": "event", "type": kind, "created": now.as_second(), "data": { "object": object } })
}

/// The metadata that the functions put on an object at Stripe.
pub(crate) fn metadata(kind: &str, user: &str, record: &str) -> Value {
    json!({ "type": kind, "user_id": user, "record_id": record })
}

/// A paid Checkout session, as an event contains it.
pub(crate) fn session(id: &str, amount: i64, metadata: Value) -> Value {
    json!({ "id": id, "object": "checkout.session", "payment_status": "paid", "payment_intent": format!("pi_of_{id}"),
            "amount_total": amount, "currency": "usd", "metadata": metadata })
}

/// A new top-up that is not recorded.
pub(crate) fn new_topup(world: &World, user: &Client, amount: i64) -> Topup {
    let now = world.clock().now();
    let (id, owner): (_, UserId) = (TopupId::new(new_ulid(now)), user.id.parse().unwrap());
    Topup::begun(id, owner, TopupKind::Checkout, Cents::new(amount), now)
}

/// Records a top-up whose session is not known yet. Returns its id.
pub(crate) async fn begin_topup(world: &World, user: &Client, amount: i64) -> String {
    let topup = new_topup(world, user, amount);
    world.store.topups().begin(&topup).await.unwrap();
    topup.id.to_string()
}

/// One `v1` signature.
pub(crate) fn v1(secret: &str, seconds: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The secret that Stripe signs with.
pub(crate) fn secret(world: &World) -> String {
    world.sandbox.webhook_secrets().remove(0)
}

/// A valid `Stripe-Signature` for a body.
pub(crate) fn signature(world: &World, body: &[u8]) -> String {
    let seconds = world.clock().now().as_second();
    format!("t={seconds},v1={}", v1(&secret(world), seconds, body))
}

/// Sends a body with this `Stripe-Signature`, or none.
pub(crate) async fn send(world: &World, body: &[u8], signature: Option<&str>) -> Answer {
    let mut headers = vec![("content-type", "application/json; charset=utf-8")];
    headers.extend(signature.map(|signature| ("stripe-signature", signature)));
    world.anon.send(Method::POST, PATH, Some(body.to_vec()), &headers).await
}

/// Sends an event with a valid signature. The webhook must accept it.
pub(crate) async fn deliver(world: &World, event: &Value) {
    let body = event.to_string().into_bytes();
    let answer = send(world, &body, Some(&signature(world, &body))).await;
    assert_eq!(answer.expect(200), json!({ "received": true }));
}

/// The latest event of this type, delivered or held back.
pub(crate) fn latest_event(world: &World, kind: &str) -> Value {
    let events = world.sandbox.events();
    let found = events.into_iter().rev().find(|event| event["type"] == kind);
    found.unwrap_or_else(|| panic!("there is no event {kind}"))
}

/// The current audit of the ledger.
pub(crate) async fn ledger_audit(world: &World) -> LedgerAudit {
    world.store.ledger().audit().await.unwrap()
}

/// The reason of each event that is stored unapplied, by the event's id.
pub(crate) async fn unapplied(world: &World) -> BTreeMap<String, String> {
    ledger_audit(world).await.unapplied.into_iter().map(|event| (event.id, event.why)).collect()
}

/// The id of an event.
pub(crate) fn id(event: &Value) -> String {
    event["id"].as_str().unwrap().to_owned()
}
