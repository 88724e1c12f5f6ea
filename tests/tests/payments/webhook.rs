//! The webhook: what it takes for Stripe's, and what it makes of what it is told.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clorp_tests::{Client, Options, World};
use lambda_http::request::LambdaRequest;
use lambda_http::tower::{Service, ServiceExt};
use lambda_http::{Adapter, Context, LambdaEvent};
use serde_json::{Value, json};

use super::signed::{
    PATH, begin_topup, deliver, event, id, latest_event, ledger_audit, metadata, new_topup, secret, send,
    session, signature, unapplied, v1,
};
use super::support::{checkout, complete, complete_without_waiting, ledger};

/// A paid session of 1000 cents whose report is held back: the session, and the report.
async fn pay_with_events_paused(world: &World, user: &Client) -> (String, Value) {
    world.control("webhooks", json!({ "paused": true })).await;
    let session = checkout(user, 1000).await;
    complete_without_waiting(world, &session, "paid").await;
    (session, latest_event(world, "checkout.session.completed"))
}

/// Lets everything that was held back arrive.
async fn resume_events(world: &World) {
    world.control("webhooks", json!({ "paused": false })).await;
    world.reported().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stripe_has_not_signed_changes_nothing() {
    let world = World::start().await;
    let user = &world.stranger;
    let (paid, report) = pay_with_events_paused(&world, user).await;
    let body = report.to_string().into_bytes();
    let (now, secret) = (world.clock().now().as_second(), secret(&world));
    let good = v1(&secret, now, &body);
    let mut changed = body.clone();
    *changed.last_mut().unwrap() ^= 1;
    let before = ledger_audit(&world).await;
    let header = format!("t={now},v1={good}");
    for (what, sent, signature) in [
        ("no header", &body[..], None),
        ("an empty header", &body, Some(String::new())),
        ("no header in form", &body, Some("whsec".to_owned())),
        ("no time", &body, Some(format!("v1={good}"))),
        ("no signature", &body, Some(format!("t={now}"))),
        ("another scheme", &body, Some(format!("t={now},v0={good}"))),
        ("a time that is none", &body, Some(format!("t=now,v1={good}"))),
        ("half a signature", &body, Some(format!("t={now},v1={}", &good[..32]))),
        ("no hexadecimal", &body, Some(format!("t={now},v1={}", "g".repeat(64)))),
        ("another secret", &body, Some(format!("t={now},v1={}", v1("whsec_wrong", now, &body)))),
        ("an empty secret", &body, Some(format!("t={now},v1={}", v1("", now, &body)))),
        ("the time of another", &body, Some(format!("t={},v1={good}", now + 1))),
        ("too old", &body, Some(format!("t={0},v1={1}", now - 310, v1(&secret, now - 310, &body)))),
        ("of the future", &body, Some(format!("t={0},v1={1}", now + 310, v1(&secret, now + 310, &body)))),
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
async fn a_recorded_report_cannot_be_played_back_later() {
    let world = World::start().await;
    let (_, report) = pay_with_events_paused(&world, &world.stranger).await;
    let body = report.to_string().into_bytes();
    let header = signature(&world, &body);
    world.advance_seconds(310);
    let late = send(&world, &body, Some(&header)).await;
    late.expect_field(400, "invalid_signature", "Stripe-Signature");
    assert_eq!(world.stranger.balance().await, 0);
    resume_events(&world).await;
    assert_eq!(world.stranger.balance().await, 1000, "Stripe signs anew whenever it sends");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_secret_is_rolled_any_signature_under_either_will_do() {
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
async fn stripe_may_roll_its_secret_while_reports_are_under_way() {
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

/// The status and the body of what Lambda would hand back.
async fn invoke(world: &World, event: LambdaRequest) -> (i64, Value) {
    let mut function = Adapter::from(world.webhook.clone());
    let call = LambdaEvent::new(event, Context::default());
    let response = function.ready().await.unwrap().call(call).await.unwrap();
    let response = serde_json::to_value(&response).unwrap();
    let body = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
    (response["statusCode"].as_i64().unwrap(), body)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_signature_is_over_the_bytes_also_where_the_gateway_encodes_them() {
    let world = World::start().await;
    let user = &world.stranger;
    let (_, mut report) = pay_with_events_paused(&world, user).await;
    // Neither the escapes nor the spaces survive a body that is parsed and written again.
    report["data"]["object"]["custom_text"] = json!("Grüße, 🦀");
    let mut body = serde_json::to_string_pretty(&report).unwrap();
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
async fn events_that_concern_no_wallet_are_received_and_nothing_is_kept() {
    let world = World::start().await;
    let before = ledger_audit(&world).await;
    let ours =
        metadata("wallet_topup", &world.stranger.id, &begin_topup(&world, &world.stranger, 1000).await);
    for (kind, object) in [
        ("invoice.paid", json!({ "id": "in_1", "amount_paid": 1000, "metadata": ours })),
        ("checkout.session.expired", session("cs_1", 1000, ours.clone())),
        ("checkout.session.async_payment_failed", session("cs_1", 1000, ours.clone())),
        ("payment_intent.payment_failed", json!({ "id": "pi_1", "metadata": ours })),
        ("a.type.of.tomorrow", json!([null])),
    ] {
        deliver(&world, &event(&world, kind, object)).await;
    }
    let after = ledger_audit(&world).await;
    assert_eq!((after.unapplied, after.postings, after.balances), (vec![], before.postings, before.balances));
    world.finish().await;
}

/// Reports each of these; every one must be kept for this reason, and no money may move.
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
    assert_eq!(after.unapplied.len(), expect.len(), "sent twice, kept once");
    for (_, event) in &events {
        let stored = after.unapplied.iter().find(|stored| stored.id == id(event)).unwrap();
        assert_eq!(stored.body, event.to_string(), "stored as it was signed");
    }
    assert_eq!((after.postings, after.balances), (before.postings, before.balances));
    assert_eq!(after.topups, before.topups);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_we_never_began_credits_nobody_and_is_kept() {
    let world = World::start().await;
    let user = &world.stranger;
    let record = "01JD4B6Q4N0000000000000000";
    let paid = |id: &str, metadata| event(&world, "checkout.session.completed", session(id, 1000, metadata));
    let of = |kind: &str, id: &str, metadata: Value| {
        let object = json!({ "id": id, "amount_received": 1000, "currency": "usd", "customer": "cus_1",
            "payment_method": "pm_1", "payouts_enabled": true, "amount_reversed": 500, "metadata": metadata });
        event(&world, kind, object)
    };
    let about = |kind: &str, intent: Value| {
        let object = json!({ "id": "x_1", "payment_intent": intent, "amount": 500, "amount_refunded": 500,
            "status": "needs_response" });
        event(&world, kind, object)
    };
    let (foreign, unknown) = ("not begun by us", "a top-up we have no record of");
    let events = vec![
        (foreign, paid("cs_none", json!({}))),
        (foreign, paid("cs_null", Value::Null)),
        (foreign, paid("cs_other", json!({ "order": "17" }))),
        (foreign, paid("cs_half", json!({ "type": "wallet_topup", "user_id": user.id }))),
        (foreign, paid("cs_kind", metadata("gift", &user.id, record))),
        (foreign, paid("cs_id", metadata("wallet_topup", &user.id, "1"))),
        (unknown, paid("cs_record", metadata("wallet_topup", &user.id, record))),
        (unknown, paid("cs_user", metadata("wallet_topup", "nobody", record))),
        (foreign, of("payment_intent.succeeded", "pi_1", json!({}))),
        (unknown, of("payment_intent.succeeded", "pi_2", metadata("auto_topup", &user.id, record))),
        (foreign, of("setup_intent.succeeded", "seti_1", json!({}))),
        (
            "a setup we have no record of",
            of("setup_intent.succeeded", "seti_2", metadata("setup", &user.id, record)),
        ),
        (
            "a setup we have no record of",
            of("setup_intent.succeeded", "seti_3", metadata("setup", "nobody", record)),
        ),
        (foreign, of("account.updated", "acct_1", json!({}))),
        (
            "the account of a user we have no record of",
            of("account.updated", "acct_2", json!({ "user_id": "nobody" })),
        ),
        (foreign, of("transfer.reversed", "tr_1", json!({}))),
        (
            "a withdrawal we have no record of",
            of("transfer.reversed", "tr_2", metadata("withdrawal", &user.id, record)),
        ),
        ("about a payment that is not known", about("charge.refunded", json!("pi_unknown"))),
        ("about a payment that is not known", about("charge.dispute.created", json!("pi_unknown"))),
        (foreign, about("charge.refunded", Value::Null)),
    ];
    assert_stored_unapplied(&world, events).await;
    let known = user.get(&format!("/api/users/{}", user.id)).await.expect(200);
    assert_eq!((&known["stripe_account_id"], &known["stripe_customer_id"]), (&Value::Null, &Value::Null));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_is_not_the_one_begun_is_kept_and_not_credited() {
    let world = World::start().await;
    let user = &world.stranger;
    let record = begin_topup(&world, user, 1000).await;
    let ours = metadata("wallet_topup", &user.id, &record);
    let paid = |object| event(&world, "checkout.session.completed", object);
    let mut euros = session("cs_eur", 1000, ours.clone());
    euros["currency"] = json!("eur");
    let begun = checkout(user, 700).await;
    let topups = ledger_audit(&world).await.topups;
    let known = topups.iter().find(|topup| topup.stripe_id.as_ref() == Some(&begun)).unwrap();
    let other = metadata("wallet_topup", &user.id, &known.id.to_string());
    let stranger = metadata("wallet_topup", &world.sender.id, &record);
    let events = vec![
        ("paid in another currency", paid(euros)),
        ("another amount than was asked for", paid(session("cs_less", 999, ours.clone()))),
        ("another amount than was asked for", paid(session("cs_more", 100_000, ours.clone()))),
        ("another amount than was asked for", paid(session("cs_minus", -1000, ours))),
        ("another payment than the one begun", paid(session("cs_foreign", 700, other))),
        ("a top-up we have no record of", paid(session("cs_whose", 1000, stranger))),
    ];
    assert_stored_unapplied(&world, events).await;
    complete(&world, &begun, "paid").await;
    assert_eq!(ledger(user).await, [(format!("topup:{begun}"), 700)]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_kept_and_counts_once_it_can_be() {
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
    world.reported().await;
    assert_eq!(user.balance().await, 1000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_was_kept_is_acted_on_when_it_is_sent_again_and_can_be() {
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
    world.store.begin_topup(&topup).await.unwrap();
    let report = latest_event(&world, "checkout.session.completed");
    for _ in 0..2 {
        world.control(&format!("events/{}/resend", id(&report)), json!({})).await;
        world.reported().await;
        assert_eq!(ledger(user).await, [(format!("topup:{session}"), 1000)]);
    }
    world.finish().await;
}
