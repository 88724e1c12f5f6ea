//! Webhook events, as they are parsed. A payment credits only what the event's own fields say.

use clorp_stripe_api::events::{Event, Meaning};
use serde_json::{Value, json};

use crate::{Shape, Target, ensure};

pub const TARGET: Target = Target {
    name: "event",
    subject: "webhook events, and their meaning",
    valid,
    words: WORDS,
    check,
    shapes: &[
        Shape { name: "brackets", make: |bytes| vec![b'['; bytes], most: 1 << 20 },
        Shape { name: "nested objects", make: |bytes| event("{\"a\":".repeat(bytes / 5)), most: 1 << 20 },
        Shape {
            name: "metadata",
            make: |bytes| {
                let members: Vec<String> = (0..bytes / 12).map(|at| format!("\"m{at}\":\"1\"")).collect();
                event(format!("{{\"id\":\"pi_1\",\"metadata\":{{{}}}}}", members.join(",")))
            },
            most: 1 << 20,
        },
        Shape {
            name: "balance transactions",
            make: |bytes| {
                let movements = vec!["{\"amount\":-1}"; bytes / 14].join(",");
                let dispute = format!(
                    "{{\"id\":\"dp_1\",\"payment_intent\":\"pi_1\",\"amount\":1,\"status\":\"won\",\
                     \"balance_transactions\":[{movements}]}}"
                );
                let text = format!(
                    "{{\"id\":\"evt_1\",\"type\":\"charge.dispute.closed\",\"created\":1,\"data\":{{\"object\":{dispute}}}}}"
                );
                text.into_bytes()
            },
            most: 1 << 20,
        },
        Shape {
            name: "escapes",
            make: |bytes| event(format!("\"{}\"", "\\u00e9".repeat(bytes / 6))),
            most: 1 << 20,
        },
    ],
};

/// Words of events.
pub const WORDS: &[&str] = &[
    "{\"id\":\"evt_1\",\"type\":\"",
    "\",\"created\":1795512600,\"data\":{\"object\":{",
    "}}}",
    "\"id\":\"pi_1\",",
    "\"payment_intent\":\"pi_1\",",
    "\"payment_intent\":{\"id\":\"pi_1\"},",
    "\"payment_intent\":null,",
    "\"amount\":",
    "\"amount_total\":1000,",
    "\"amount_total\":-1000,",
    "\"amount_refunded\":",
    "\"amount_reversed\":",
    "\"amount_received\":",
    "\"currency\":\"usd\"",
    "\"currency\":\"eur\"",
    "\"payment_status\":\"paid\"",
    "\"status\":\"lost\"",
    "\"status\":\"won\"",
    "\"status\":\"failed\"",
    "\"metadata\":{\"type\":\"wallet_topup\",\"user_id\":\"ada\",\"record_id\":\"01JD4B6Q4N0000000000000001\"}",
    "\"metadata\":null",
    "\"balance_transactions\":[{\"amount\":-1000}]",
    "checkout.session.completed",
    "payment_intent.succeeded",
    "setup_intent.succeeded",
    "account.updated",
    "charge.succeeded",
    "charge.refunded",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.closed",
    "transfer.reversed",
];

fn event(object: String) -> Vec<u8> {
    let head = r#"{"id":"evt_1","type":"payment_intent.succeeded","created":1,"data":{"object":"#;
    format!("{head}{object}}}}}").into_bytes()
}

/// Ids of the records of the user `ada`, as [`super::webhook`] prepares them.
pub const PENDING_TOPUP: &str = "01JD4B6Q4N0000000000000001";
pub const PAID_TOPUP: &str = "01JD4B6Q4N0000000000000002";
pub const WITHDRAWAL: &str = "01JD4B6Q4N0000000000000003";
pub const SETUP: &str = "01JD4B6Q4N0000000000000004";
/// Amount of both top-ups, in cents.
pub const TOPUP_CENTS: i64 = 1000;
/// Amount of the withdrawal, in cents.
pub const WITHDRAWAL_CENTS: i64 = 500;

fn ours(kind: &str, record: &str) -> Value {
    json!({ "type": kind, "user_id": "ada", "record_id": record })
}

/// One event of each kind, in the shape of Stripe's API.
pub fn events() -> Vec<Value> {
    let session = json!({
        "id": "cs_1", "object": "checkout.session", "mode": "payment", "status": "complete", "payment_status": "paid",
        "payment_intent": "pi_2", "amount_total": TOPUP_CENTS, "currency": "usd", "livemode": false,
        "metadata": ours("wallet_topup", PENDING_TOPUP),
    });
    let charge = |refunded: i64| {
        json!({
            "id": "ch_1", "object": "charge", "amount": TOPUP_CENTS, "amount_refunded": refunded, "currency": "usd",
            "payment_intent": "pi_1", "refunded": refunded == TOPUP_CENTS, "metadata": ours("wallet_topup", PAID_TOPUP),
            "payment_method_details": { "type": "card", "card": { "brand": "visa", "fingerprint": "card-of-ada" } },
        })
    };
    let dispute = |status: &str, moved: &[i64]| {
        json!({
            "id": "dp_1", "object": "dispute", "amount": TOPUP_CENTS, "charge": "ch_1", "payment_intent": "pi_1",
            "currency": "usd", "status": status, "reason": "fraudulent",
            "balance_transactions": moved.iter().map(|cents| json!({ "amount": cents, "fee": 1500 })).collect::<Vec<_>>(),
        })
    };
    [
        ("checkout.session.completed", session),
        ("payment_intent.succeeded", json!({
            "id": "pi_3", "object": "payment_intent", "amount": TOPUP_CENTS, "amount_received": TOPUP_CENTS,
            "currency": "usd", "status": "succeeded", "metadata": ours("auto_topup", PENDING_TOPUP),
        })),
        ("setup_intent.succeeded", json!({
            "id": "seti_1", "object": "setup_intent", "customer": "cus_1", "payment_method": "pm_1",
            "payment_method_types": ["card"], "metadata": ours("setup", SETUP),
        })),
        ("account.updated", json!({
            "id": "acct_1", "object": "account", "payouts_enabled": true, "capabilities": { "transfers": "active" },
            "external_accounts": { "data": [{ "object": "bank_account", "fingerprint": "bank-of-ada" }] },
            "metadata": { "user_id": "ada" },
        })),
        ("charge.succeeded", charge(0)),
        ("charge.refunded", charge(400)),
        ("charge.refunded", charge(TOPUP_CENTS)),
        ("refund.failed", json!({
            "id": "re_1", "object": "refund", "amount": 400, "charge": "ch_1", "payment_intent": "pi_1", "status": "failed",
        })),
        ("charge.dispute.created", dispute("needs_response", &[])),
        ("charge.dispute.funds_withdrawn", dispute("needs_response", &[-TOPUP_CENTS])),
        ("charge.dispute.funds_reinstated", dispute("won", &[-TOPUP_CENTS, TOPUP_CENTS])),
        ("charge.dispute.closed", dispute("lost", &[-TOPUP_CENTS])),
        ("transfer.reversed", json!({
            "id": "tr_1", "object": "transfer", "amount": WITHDRAWAL_CENTS, "amount_reversed": 200, "currency": "usd",
            "metadata": ours("withdrawal", WITHDRAWAL),
        })),
        ("payout.paid", json!({ "id": "po_1", "object": "payout", "amount": 1 })),
    ]
    .into_iter()
    .enumerate()
    .map(|(at, (kind, object))| json!({
        "id": format!("evt_{at}"), "object": "event", "api_version": "2026-01-28", "created": 1_795_512_600 + at,
        "type": kind, "livemode": false, "pending_webhooks": 1, "data": { "object": object },
        "request": { "id": null, "idempotency_key": null },
    }))
    .collect()
}

fn valid() -> Vec<Vec<u8>> {
    events().iter().map(|event| event.to_string().into_bytes()).collect()
}

fn check(input: &[u8]) -> Result<(), String> {
    let whole = serde_json::from_slice::<Value>(input);
    let event = match Event::parse(input) {
        Ok(event) => event,
        Err(unreadable) => {
            let text = |name: &str| whole.as_ref().ok().and_then(|event| event[name].as_str());
            let named = whole.is_err() || unreadable.id.as_deref() == text("id");
            return ensure(named, || format!("the id of {unreadable:?}"));
        }
    };
    // What the parser skips need not be sound, such as a number beyond every range.
    let Ok(whole) = whole else { return Ok(()) };
    let object = &whole["data"]["object"];
    ensure(whole["created"].as_i64() == Some(event.created.as_second()), || "another time".to_owned())?;
    let says = |place: &Value, cents: i64| place.as_i64() == Some(cents);
    let names = |place: &Value, id: &str| *place == id || place["id"] == id;
    match &event.meaning {
        Meaning::TopupPaid(paid) => {
            let amount = if event.kind.starts_with("checkout") { "amount_total" } else { "amount_received" };
            ensure(says(&object[amount], paid.amount.get()), || "another amount".to_owned())?;
            ensure(object["currency"] == paid.currency, || "another currency".to_owned())?;
            let data = &object["metadata"];
            ensure(data["user_id"] == paid.user.as_str(), || "another user".to_owned())?;
            ensure(data["record_id"] == paid.topup.to_string(), || "another top-up".to_owned())?;
            let pays = !event.kind.starts_with("checkout") || object["payment_status"] == "paid";
            ensure(pays && object["id"] == paid.stripe_id, || "another payment".to_owned())
        }
        Meaning::Refunded { refunded, intent, .. } => {
            ensure(names(&object["payment_intent"], intent), || "another intent".to_owned())?;
            ensure(says(&object["amount_refunded"], refunded.get()), || "another refund".to_owned())
        }
        Meaning::Disputed { intent, report } => {
            ensure(names(&object["payment_intent"], intent), || "another intent".to_owned())?;
            ensure(says(&object["amount"], report.amount.get()), || "another dispute".to_owned())
        }
        Meaning::TransferReversed { reversed, .. } => {
            ensure(says(&object["amount_reversed"], reversed.get()), || "another reversal".to_owned())
        }
        _ => Ok(()),
    }
}
