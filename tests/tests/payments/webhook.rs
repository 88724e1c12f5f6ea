//! The webhook: its signatures, and the events that it applies, ignores, or stores unapplied.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clorp_tests::{Client, Options, World};
use lambda_http::request::LambdaRequest;
use lambda_http::tower::{Service, ServiceExt};
use lambda_http::{Adapter, Context, LambdaEvent};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::signed::{
    PATH, begin_topup, deliver, event, id, latest_event, ledger_audit, metadata, new_topup, secret, send,
    session, signature, unapplied, v1,
};
use super::support::{checkout, complete, complete_without_waiting, ledger};

/// Pays a session of 1000 cents and holds its event back. Returns the session and the event.
async fn pay_with_events_paused(world: &World, user: &Client) -> (String, Value) {
    world.control("webhooks", json!({ "paused": true })).await;
    let session = checkout(user, 1000).await;
    complete_without_waiting(world, &session, "paid").await;
    (session, latest_event(world, "checkout.session.completed"))
}

/// Delivers every event that was held back.
async fn resume_events(world: &World) {
    world.control("webhooks", json!({ "paused": false })).await;
    world.wait_for_webhooks().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_stripe_has_not_signed_changes_nothing() {
    let world = World::start().await;
    let user = &world.stranger;
    let (paid, event) = pay_with_events_paused(&world, user).await;
    let body = event.to_string().into_bytes();
    let (now, secret) = (world.clock().now().as_second(), secret(&world));
    let good = v1(&secret, now, &body);
    let mut changed = body.clone();
    *changed.last_mut().unwrap() ^= 1;
    let before = ledger_audit(&world).await;
    let header = format!("t={now},v1={good}");
    for (what, sent, signature) in [
        ("no header", &body[..], None),
        ("an empty header", &body, Some(String::new())),
        ("a malformed header", &body, Some("whsec".to_owned())),
        ("no time", &body, Some(format!("v1={good}"))),
        ("no signature", &body, Some(format!("t={now}"))),
        ("another scheme", &body, Some(format!("t={now},v0={good}"))),
        ("a malformed time", &body, Some(format!("t=now,v1={good}"))),
        ("half a signature", &body, Some(format!("t={now},v1={}", &good[..32]))),
        ("not hexadecimal", &body, Some(format!("t={now},v1={}", "g".repeat(64)))),
        ("another secret", &body, Some(format!("t={now},v1={}", v1("whsec_wrong", now, &body)))),
        ("an empty secret", &body, Some(format!("t={now},v1={}", v1("", now, &body)))),
        ("another time", &body, Some(format!("t={},v1={good}", now + 1))),
        ("too old", &body, Some(format!("t={0},v1={1}", now - 310, v1(&secret, now - 310, &body)))),
        ("in the future", &body, Some(format!("t={0},v1={1}", now + 310, v1(&secret, now + 310, &body)))),
        ("truncated", &body[..body.len() - 1], Some(header.clone())),
        ("a changed byte", &changed, Some(header.clone())),
        ("empty", b"", Some(header.clone())),
        ("not UTF-8", b"\xff\xfe", Some(header.clone())),
    ] {
        let answer = send(&world, sent, signature.as_deref()).await;
        assert_eq!(answer.status, 400, "{what}");
        answer.expect_field(400, "invalid_signature", "Stripe-Signature");
    }
    assert_eq!(ledger_audit(&world).await, before);
    send(&world, &body, Some(&header)).await.expect(200);
    assert_eq!(ledger(user).await, [(format!("topup:{paid}"), 1000)]);
    resume_events(&world).await;
    assert_eq!(user.balance().await, 1000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_event_cannot_be_replayed_later() {
    let world = World::start().await;
    let (_, event) = pay_with_events_paused(&world, &world.stranger).await;
    let body = event.to_string().into_bytes();
    let header = signature(&world, &body);
    world.advance_seconds(310);
    let late = send(&world, &body, Some(&header)).await;
    late.expect_field(400, "invalid_signature", "Stripe-Signature");
    assert_eq!(world.stranger.balance().await, 0);
    resume_events(&world).await;
    assert_eq!(world.stranger.balance().await, 1000, "Stripe signs each delivery");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_secret_is_rolled_a_signature_with_either_is_accepted() {
    let options = Options { webhook_secrets: vec!["whsec_next".to_owned()], ..Options::default() };
    let world = World::with(options).await;
    let now = world.clock().now().as_second();
    for (n, secrets) in [
        vec!["whsec_sandbox"],
        vec!["whsec_next"],
        vec!["whsec_next", "whsec_sandbox"],
        vec!["whsec_wrong", "whsec_next"],
        vec!["whsec_sandbox", "whsec_wrong"],
    ]
    .into_iter()
    .enumerate()
    {
        let body = event(&world, "charge.refunded", json!({ "id": n })).to_string().into_bytes();
        let signatures: String =
            secrets.iter().map(|secret| format!(",v1={}", v1(secret, now, &body))).collect();
        send(&world, &body, Some(&format!("t={now}{signatures}"))).await.expect(200);
        assert_eq!(unapplied(&world).await.len(), n + 1, "{secrets:?}");
    }
    let body = b"{}";
    let both_at_once = v1("whsec_next,whsec_sandbox", now, body);
    let answer = send(&world, body, Some(&format!("t={now},v1={both_at_once}"))).await;
    answer.expect_field(400, "invalid_signature", "Stripe-Signature");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stripe_may_roll_its_secret_while_events_are_on_their_way() {
    let world = World::start().await;
    world.control("webhook_secret/roll", json!({})).await;
    let session = checkout(&world.stranger, 1000).await;
    complete(&world, &session, "paid").await;
    assert_eq!(world.stranger.balance().await, 1000, "the old secret still signs");
    world.finish().await;
}

/// A request as API Gateway hands it to a Lambda.
fn gateway_event(body: String, is_base64: bool, signature: &str) -> LambdaRequest {
    let event = json!({
        "version": "2.0", "routeKey": format!("POST {PATH}"), "rawPath": PATH, "rawQueryString": "",
        "headers": { "content-type": "application/json; charset=utf-8", "stripe-signature": signature,
                     "host": "api.example.com" },
        "requestContext": {
            "accountId": "1", "apiId": "a", "domainName": "api.example.com", "requestId": "gateway-1",
            "stage": "$default", "routeKey": format!("POST {PATH}"), "time": "x", "timeEpoch": 0,
            "http": { "method": "POST", "path": PATH, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                      "userAgent": "Stripe/1.0" },
        },
        "body": body, "isBase64Encoded": is_base64,
    });
    serde_json::from_value(event).unwrap()
}

/// The status and the body of the response that Lambda would return.
async fn invoke(world: &World, event: LambdaRequest) -> (i64, Value) {
    let mut function = Adapter::from(world.webhook.clone());
    let call = LambdaEvent::new(event, Context::default());
    let response = function.ready().await.unwrap().call(call).await.unwrap();
    let response = serde_json::to_value(&response).unwrap();
    let body = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
    (response["statusCode"].as_i64().unwrap(), body)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_signature_covers_the_original_bytes_even_if_the_gateway_encodes_them() {
    let world = World::start().await;
    let user = &world.stranger;
    let (_, mut event) = pay_with_events_paused(&world, user).await;
    // Neither the escapes nor the spaces would survive parsing and writing the body.
    event["data"]["object"]["custom_text"] = json!("Grüße, 🦀");
    let mut body = serde_json::to_string_pretty(&event).unwrap();
    body = body.replace("Grüße", r"Gr\u00fc\u00dfe");
    let header = signature(&world, body.as_bytes());
    let encoded = gateway_event(STANDARD.encode(&body), true, &header);
    let forged = gateway_event(STANDARD.encode(body.replace("1000", "9000")), true, &header);
    let undecoded = gateway_event(STANDARD.encode(&body), false, &header);
    for bad in [forged, undecoded] {
        let (status, answer) = invoke(&world, bad).await;
        assert_eq!((status, &answer["code"]), (400, &json!("invalid_signature")));
        assert_eq!(answer["request_id"], "gateway-1");
    }
    assert_eq!(user.balance().await, 0);
    assert_eq!(invoke(&world, encoded).await, (200, json!({ "received": true })));
    assert_eq!(user.balance().await, 1000);
    assert_eq!(invoke(&world, gateway_event(body, false, &header)).await.0, 200);
    resume_events(&world).await;
    assert_eq!(user.balance().await, 1000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_about_no_wallet_are_accepted_and_not_stored() {
    let world = World::start().await;
    let before = ledger_audit(&world).await;
    let own = metadata("wallet_topup", &world.stranger.id, &begin_topup(&world, &world.stranger, 1000).await);
    for (kind, object) in [
        ("invoice.paid", json!({ "id": "in_1", "amount_paid": 1000, "metadata": own })),
        ("checkout.session.expired", session("cs_1", 1000, own.clone())),
        ("checkout.session.async_payment_failed", session("cs_1", 1000, own.clone())),
        ("payment_intent.payment_failed", json!({ "id": "pi_1", "metadata": own })),
        ("a.type.of.tomorrow", json!([null])),
    ] {
        deliver(&world, &event(&world, kind, object)).await;
    }
    let after = ledger_audit(&world).await;
    assert_eq!((after.unapplied, after.postings, after.balances), (vec![], before.postings, before.balances));
    world.finish().await;
}

/// Delivers each event twice. Every one must be stored unapplied with its reason, and no money may move.
async fn assert_stored_unapplied(world: &World, events: Vec<(&'static str, Value)>) {
    let before = ledger_audit(world).await;
    let mut expect = unapplied(world).await;
    for (why, event) in &events {
        deliver(world, event).await;
        deliver(world, event).await;
        expect.insert(id(event), (*why).to_owned());
    }
    let after = ledger_audit(world).await;
    assert_eq!(unapplied(world).await, expect);
    assert_eq!(after.unapplied.len(), expect.len(), "sent twice, stored once");
    for (_, event) in &events {
        let stored = after.unapplied.iter().find(|stored| stored.id == id(event)).unwrap();
        assert_eq!(stored.body, event.to_string(), "stored as it was signed");
    }
    assert_eq!((after.postings, after.balances), (before.postings, before.balances));
    assert_eq!(after.topups, before.topups);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_about_foreign_or_unknown_objects_credit_nobody_and_are_stored_unapplied() {
    let world = World::start().await;
    let user = &world.stranger;
    let record = "01JD4B6Q4N0000000000000000";
    let completed =
        |id: &str, metadata| event(&world, "checkout.session.completed", session(id, 1000, metadata));
    let with_metadata = |kind: &str, id: &str, metadata: Value| {
        let object = json!({ "id": id, "amount_received": 1000, "currency": "usd", "customer": "cus_1",
            "payment_method": "pm_1", "payouts_enabled": true, "amount_reversed": 500, "metadata": metadata });
        event(&world, kind, object)
    };
    let about_payment = |kind: &str, intent: Value| {
        let object = json!({ "id": "x_1", "payment_intent": intent, "amount": 500, "amount_refunded": 500,
            "status": "needs_response" });
        event(&world, kind, object)
    };
    let (foreign, unknown) = ("not begun by us", "a top-up we have no record of");
    let events = vec![
        (foreign, completed("cs_none", json!({}))),
        (foreign, completed("cs_null", Value::Null)),
        (foreign, completed("cs_other", json!({ "order": "17" }))),
        (foreign, completed("cs_half", json!({ "type": "wallet_topup", "user_id": user.id }))),
        (foreign, completed("cs_kind", metadata("gift", &user.id, record))),
        (foreign, completed("cs_id", metadata("wallet_topup", &user.id, "1"))),
        (unknown, completed("cs_record", metadata("wallet_topup", &user.id, record))),
        (unknown, completed("cs_user", metadata("wallet_topup", "nobody", record))),
        (foreign, with_metadata("payment_intent.succeeded", "pi_1", json!({}))),
        (
            unknown,
            with_metadata("payment_intent.succeeded", "pi_2", metadata("auto_topup", &user.id, record)),
        ),
        (foreign, with_metadata("setup_intent.succeeded", "seti_1", json!({}))),
        (
            "a setup we have no record of",
            with_metadata("setup_intent.succeeded", "seti_2", metadata("setup", &user.id, record)),
        ),
        (
            "a setup we have no record of",
            with_metadata("setup_intent.succeeded", "seti_3", metadata("setup", "nobody", record)),
        ),
        (foreign, with_metadata("account.updated", "acct_1", json!({}))),
        (
            "the account of a user we have no record of",
            with_metadata("account.updated", "acct_2", json!({ "user_id": "nobody" })),
        ),
        (foreign, with_metadata("transfer.reversed", "tr_1", json!({}))),
        (
            "a withdrawal we have no record of",
            with_metadata("transfer.reversed", "tr_2", metadata("withdrawal", &user.id, record)),
        ),
        ("about a payment that is not known", about_payment("charge.refunded", json!("pi_unknown"))),
        ("about a payment that is not known", about_payment("charge.dispute.created", json!("pi_unknown"))),
        (foreign, about_payment("charge.refunded", Value::Null)),
    ];
    assert_stored_unapplied(&world, events).await;
    let owner = user.get(&format!("/api/users/{}", user.id)).await.expect(200);
    assert_eq!((&owner["stripe_account_id"], &owner["stripe_customer_id"]), (&Value::Null, &Value::Null));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_differs_from_its_top_up_is_quarantined_and_not_credited() {
    let world = World::start().await;
    let user = &world.stranger;
    let record = begin_topup(&world, user, 1000).await;
    let own = metadata("wallet_topup", &user.id, &record);
    let completed = |object| event(&world, "checkout.session.completed", object);
    let mut euros = session("cs_eur", 1000, own.clone());
    euros["currency"] = json!("eur");
    let session_id = checkout(user, 700).await;
    let topups = ledger_audit(&world).await.topups;
    let topup = topups.iter().find(|topup| topup.stripe_id.as_ref() == Some(&session_id)).unwrap();
    let other = metadata("wallet_topup", &user.id, &topup.id.to_string());
    let wrong_owner = metadata("wallet_topup", &world.sender.id, &record);
    let events = vec![
        ("paid in another currency", completed(euros)),
        ("another amount than was asked for", completed(session("cs_less", 999, own.clone()))),
        ("another amount than was asked for", completed(session("cs_more", 100_000, own.clone()))),
        ("another amount than was asked for", completed(session("cs_minus", -1000, own))),
        ("another payment than the one begun", completed(session("cs_foreign", 700, other))),
        ("a top-up we have no record of", completed(session("cs_whose", 1000, wrong_owner))),
    ];
    assert_stored_unapplied(&world, events).await;
    complete(&world, &session_id, "paid").await;
    assert_eq!(ledger(user).await, [(format!("topup:{session_id}"), 700)]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_event_is_quarantined_and_is_applied_if_it_is_sent_readable() {
    let world = World::start().await;
    let user = &world.stranger;
    let (paid, readable) = pay_with_events_paused(&world, user).await;
    let mut unreadable = readable.clone();
    unreadable["data"]["object"]["amount_total"] = json!("1000");
    let mut timeless = event(&world, "charge.refunded", json!({ "id": "ch_1", "amount_refunded": 1 }));
    timeless["created"] = json!("yesterday");
    assert_stored_unapplied(&world, vec![("cannot be read", unreadable), ("cannot be read", timeless)]).await;
    for body in [&b""[..], b"\xff\xfe", b"null", b"[]", b"{\"id\": 7}"] {
        let before = unapplied(&world).await.len();
        for _ in 0..2 {
            send(&world, body, Some(&signature(&world, body))).await.expect(200);
        }
        assert_eq!(unapplied(&world).await.len(), before + 1, "{body:?}");
    }
    assert_eq!(user.balance().await, 0);
    deliver(&world, &readable).await;
    assert_eq!(ledger(user).await, [(format!("topup:{paid}"), 1000)]);
    resume_events(&world).await;
    world.control(&format!("events/{}/resend", id(&readable)), json!({})).await;
    world.wait_for_webhooks().await;
    assert_eq!(user.balance().await, 1000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarantined_event_is_applied_if_it_is_resent_after_its_top_up_is_known() {
    let world = World::start().await;
    let user = &world.stranger;
    let topup = new_topup(&world, user, 1000);
    let stripe = &world.payments[0].stripe;
    let customer = stripe.customer(&topup.user).await.unwrap();
    let url = "https://example.com/wallet";
    let session = stripe.checkout(&topup, &customer, url, url).await.unwrap().id;
    complete(&world, &session, "paid").await;
    assert_eq!(unapplied(&world).await.into_values().collect::<Vec<_>>(), ["a top-up we have no record of"]);
    assert_eq!(user.balance().await, 0);
    world.store.topups().begin(&topup).await.unwrap();
    let event = latest_event(&world, "checkout.session.completed");
    for _ in 0..2 {
        world.control(&format!("events/{}/resend", id(&event)), json!({})).await;
        world.wait_for_webhooks().await;
        assert_eq!(ledger(user).await, [(format!("topup:{session}"), 1000)]);
    }
    world.finish().await;
}

/// A text that hardly gets smaller when it is deflated.
fn noise(bytes: usize) -> String {
    let blocks = (0..bytes.div_ceil(32)).map(|n| Sha256::digest(n.to_string()));
    let letters = blocks.flat_map(|block| block.map(|byte| char::from(b'0' + byte % 64)));
    letters.take(bytes).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_event_larger_than_an_item_is_kept_and_applied_when_its_payment_is_known() {
    let world = World::start().await;
    let user = &world.stranger;
    let (paid, payment) = pay_with_events_paused(&world, user).await;
    let intent = payment["data"]["object"]["payment_intent"].clone();
    for padding in [noise(900_000), "A long description. ".repeat(45_000)] {
        world.control(&format!("charges/{paid}/refund"), json!({ "amount": 300 })).await;
        let mut charge = latest_event(&world, "charge.refunded")["data"]["object"].clone();
        charge["description"] = json!(padding);
        deliver(&world, &event(&world, "charge.refunded", charge)).await;
    }
    let parked = ledger_audit(&world).await.unapplied;
    assert!(
        parked.len() == 2 && parked.iter().all(|event| intent == json!(event.object)),
        "{}",
        parked.len()
    );
    let whole = parked.iter().filter(|event| event.body.contains("A long description.")).count();
    assert_eq!(whole, 1, "an event that can be deflated is stored whole");
    resume_events(&world).await;
    assert_eq!(ledger(user).await.last(), Some(&(format!("topup:{paid}"), 1000)));
    assert_eq!(user.balance().await, 400, "600 were refunded");
    assert_eq!(ledger_audit(&world).await.unapplied, vec![]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_body_of_any_size_and_content_is_quarantined() {
    let world = World::start().await;
    let object = json!({ "id": "acct_1", "payouts_enabled": true, "metadata": {}, "note": noise(950_000) });
    let foreign = event(&world, "account.updated", object).to_string().into_bytes();
    let bodies = [foreign, vec![0xff; 1_000_000], noise(1_000_000).into_bytes(), b"[".repeat(1_000_000)];
    for (n, body) in bodies.iter().enumerate() {
        for _ in 0..2 {
            send(&world, body, Some(&signature(&world, body))).await.expect(200);
        }
        assert_eq!(unapplied(&world).await.len(), n + 1);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_for_a_forged_signature_is_bounded() {
    let world = World::start().await;
    let body = vec![b' '; 1024 * 1024];
    let (now, secret) = (world.clock().now().as_second(), secret(&world));
    let (good, wrong) = (v1(&secret, now, &body), v1("whsec_wrong", now, &body));
    let header = |times: usize| format!("t={now}{},v1={good}", format!(",v1={wrong}").repeat(times));
    send(&world, &body, Some(&header(100))).await.expect_field(400, "invalid_signature", "Stripe-Signature");
    assert_eq!(unapplied(&world).await.len(), 0, "only the first signatures are compared");
    send(&world, &body, Some(&header(4))).await.expect(200);
    let too_long = [body.as_slice(), b" "].concat();
    let signed = signature(&world, &too_long);
    send(&world, &too_long, Some(&signed)).await.expect_error(413, "payload_too_large");
    world.finish().await;
}
