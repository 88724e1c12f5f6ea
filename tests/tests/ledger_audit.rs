//! The audit of the ledger. It passes when every cent is accounted for, and finds every cent that is not.

mod claims;

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use aws_sdk_dynamodb::Client as Table;
use aws_sdk_dynamodb::types::AttributeValue;
use clorp_ledger_audit::audit;
use clorp_tests::world::{STRIPE_KEY, TABLE};
use clorp_tests::{Client, World};
use serde_json::{Value, json};

type Item = HashMap<String, AttributeValue>;

/// The discrepancies that an audit finds.
async fn discrepancies(world: &World) -> Vec<String> {
    audit(&world.store, Some(&world.payments[0].stripe)).await.unwrap().discrepancies
}

/// A world with money paid in, paid to a winner, paid out, and held in escrow.
async fn busy_world() -> World {
    let world = World::start().await;
    pay_in(&world, &world.workers[0], 1000).await;
    let drop = world.sender.post_drop(1000).await;
    world.race(&drop, 2).await;
    world.advance_seconds(300);
    world.sweep().await;
    world.sender.post_drop(700).await;
    world.onboard(&world.workers[0]).await;
    withdraw(&world.workers[0], 800).await;
    assert_eq!(discrepancies(&world).await, Vec::<String>::new());
    world
}

async fn checkout(client: &Client, amount_cents: i64) -> String {
    let page = client.post("/api/wallet/topup", json!({ "amount_cents": amount_cents })).await.expect(200);
    page["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

async fn pay_in(world: &World, client: &Client, amount_cents: i64) {
    let session = checkout(client, amount_cents).await;
    world.control(&format!("checkout/sessions/{session}/complete"), json!({ "outcome": "paid" })).await;
    world.wait_for_webhooks().await;
}

async fn withdraw(client: &Client, amount_cents: i64) -> String {
    let withdrawal =
        client.post("/api/wallet/withdraw", json!({ "amount_cents": amount_cents })).await.expect(201);
    withdrawal["id"].as_str().unwrap().to_owned()
}

/// The first item whose keys have these prefixes, found by a scan.
pub(crate) async fn find_item(table: &Table, pk: &str, sk: &str) -> Item {
    find(table, |item| text(item, "pk").starts_with(pk) && text(item, "sk").starts_with(sk)).await
}

async fn find(table: &Table, matches: impl Fn(&Item) -> bool) -> Item {
    let mut items = table.scan().table_name(TABLE).into_paginator().items().send();
    while let Some(item) = items.next().await {
        let item = item.unwrap();
        if matches(&item) {
            return item;
        }
    }
    panic!("no such item");
}

fn text<'i>(item: &'i Item, name: &str) -> &'i str {
    item[name].as_s().unwrap()
}

/// Adds a cent to a number of an item, audits, and takes the cent back. Returns the discrepancies.
async fn audit_with_one_cent_more(world: &World, item: &Item, attribute: &str) -> Vec<String> {
    let table = world.table();
    let add = async |cents: i64| {
        let update = table.update_item().table_name(TABLE).key("pk", item["pk"].clone());
        let update = update.key("sk", item["sk"].clone()).update_expression("ADD #a :cents");
        let update = update.expression_attribute_names("#a", attribute);
        update
            .expression_attribute_values(":cents", AttributeValue::N(cents.to_string()))
            .send()
            .await
            .unwrap();
    };
    add(1).await;
    let found = discrepancies(world).await;
    add(-1).await;
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_added_cent_is_found_in_every_amount() {
    let world = busy_world().await;
    let table = world.table();
    let worker = format!("USER#{}", world.workers[0].id);
    for (pk, sk, attribute) in [
        (worker.as_str(), "USER", "balance_cents"),
        (&worker, "USER", "released_cents"),
        (&worker, "USER", "contested_cents"),
        (&worker, "USER", "held_1795512600"),
        (&worker, "TOPUP#", "amount_cents"),
        (&worker, "TOPUP#", "refunded_cents"),
        (&worker, "TOPUP#", "disputed_cents"),
        (&worker, "WITHDRAWAL#", "amount_cents"),
        (&worker, "WITHDRAWAL#", "reversed_cents"),
        ("DROP#", "DROP", "escrow_cents"),
    ] {
        let item = find_item(&table, pk, sk).await;
        let found = audit_with_one_cent_more(&world, &item, attribute).await;
        assert!(!found.is_empty(), "a cent more in {attribute} of {sk} goes unnoticed");
    }
    for side in ["delta_cents", "escrow_cents", "platform_cents", "external_cents"] {
        let has_side = |item: &Item| text(item, "sk").starts_with("LEDGER#") && item.contains_key(side);
        let posting = find(&table, has_side).await;
        let found = audit_with_one_cent_more(&world, &posting, side).await;
        let sums = found.iter().filter(|line| line.starts_with("posting ") && line.contains(" sums to "));
        assert_eq!(sums.count(), 1, "a cent more in {side} of a posting: {found:?}");
    }
    let drop = find_item(&table, "DROP#", "DROP").await;
    let fee = audit_with_one_cent_more(&world, &drop, "fee_cents").await;
    let price = audit_with_one_cent_more(&world, &drop, "price_cents").await;
    assert!(
        !fee.is_empty() || !price.is_empty(),
        "neither the fee of a judged nor the price of an open drop counts"
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_posting_is_found() {
    let world = busy_world().await;
    let table = world.table();
    for side in ["escrow_cents", "platform_cents", "external_cents"] {
        let has_side = |item: &Item| text(item, "sk").starts_with("LEDGER#") && item.contains_key(side);
        let item = find(&table, has_side).await;
        let delete = table.delete_item().table_name(TABLE).key("pk", item["pk"].clone());
        delete.key("sk", item["sk"].clone()).send().await.unwrap();
        assert!(!discrepancies(&world).await.is_empty(), "{item:?}");
        table.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_at_stripe_without_a_credit_is_found_until_it_is_credited() {
    let world = busy_world().await;
    world.control("webhooks", json!({ "paused": true })).await;
    let session = checkout(&world.stranger, 900).await;
    world.control(&format!("checkout/sessions/{session}/complete"), json!({ "outcome": "paid" })).await;
    let found = discrepancies(&world).await;
    assert!(
        found.iter().any(|discrepancy| discrepancy.contains(&session) && discrepancy.contains("900")),
        "{found:?}"
    );
    world.control("webhooks", json!({ "paused": false })).await;
    world.wait_for_webhooks().await;
    assert_eq!(world.stranger.balance().await, 900);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_without_a_withdrawal_is_found() {
    let world = busy_world().await;
    let worker = &world.workers[0];
    let user = worker.get(&format!("/api/users/{}", worker.id)).await.expect(200);
    let metadata =
        [("type", "withdrawal"), ("user_id", &worker.id), ("record_id", "01JD4B6Q4N0000000000000000")];
    let mut form = vec![
        ("amount".to_owned(), "100".to_owned()),
        ("currency".to_owned(), "usd".to_owned()),
        ("destination".to_owned(), user["stripe_account_id"].as_str().unwrap().to_owned()),
    ];
    form.extend(metadata.map(|(name, value)| (format!("metadata[{name}]"), value.to_owned())));
    let url = format!("{}/v1/transfers", world.sandbox.url);
    let response = reqwest::Client::new().post(url).bearer_auth(STRIPE_KEY).form(&form).send().await.unwrap();
    assert!(response.status().is_success(), "{}", response.text().await.unwrap());
    let found = discrepancies(&world).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("01JD4B6Q4N0000000000000000"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unrecorded_reversal_of_a_transfer_is_found_until_it_is_recorded() {
    let world = busy_world().await;
    pay_in(&world, &world.workers[0], 500).await;
    let id = withdraw(&world.workers[0], 500).await;
    let state: Value =
        reqwest::get(format!("{}/_sandbox/state", world.sandbox.url)).await.unwrap().json().await.unwrap();
    let transfer = transfer_of(&state, &id).expect("a transfer");
    world.control("webhooks", json!({ "paused": true })).await;
    world.control(&format!("transfers/{transfer}/reverse"), json!({ "amount": 200 })).await;
    let found = discrepancies(&world).await;
    assert!(found.iter().any(|discrepancy| discrepancy.contains(&id)), "{found:?}");
    world.control("webhooks", json!({ "paused": false })).await;
    world.wait_for_webhooks().await;
    world.finish().await;
}

/// The id of the transfer whose metadata names a withdrawal, at any depth of the state.
fn transfer_of(value: &Value, withdrawal: &str) -> Option<String> {
    match value {
        Value::Object(map) if map.get("object") == Some(&json!("transfer")) => {
            let matches = value["metadata"]["record_id"] == withdrawal;
            matches.then(|| value["id"].as_str().unwrap().to_owned())
        }
        Value::Object(map) => map.values().find_map(|value| transfer_of(value, withdrawal)),
        Value::Array(values) => values.iter().find_map(|value| transfer_of(value, withdrawal)),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_fails_on_a_missing_credit_and_names_its_payment() {
    let world = busy_world().await;
    let data = tempfile::tempdir().unwrap();
    write_dev_file(&world, data.path());
    let (passed, printed) = run_audit(data.path(), &[]);
    assert!(passed && printed.contains("every cent is accounted for"), "{printed}");
    world.control("webhooks", json!({ "paused": true })).await;
    let session = checkout(&world.stranger, 900).await;
    world.control(&format!("checkout/sessions/{session}/complete"), json!({ "outcome": "paid" })).await;
    let (passed, printed) = run_audit(data.path(), &[]);
    assert!(!passed && printed.contains("wrong:") && printed.contains(&session), "{printed}");
    world.control("webhooks", json!({ "paused": false })).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_prints_its_figures_as_one_json_object() {
    let world = busy_world().await;
    let data = tempfile::tempdir().unwrap();
    write_dev_file(&world, data.path());
    let (passed, printed) = run_audit(data.path(), &["--json"]);
    assert!(passed, "{printed}");
    let audit: Value = serde_json::from_str(&printed).unwrap();
    let total = |count: u64, cents: i64| json!({ "count": count, "cents": cents });
    let expected = json!({
        "postings": 13,
        "wallets": total(9, 26_250), "open_drops": total(1, 700), "fees_cents": 250, "external_cents": -27_200,
        "paid_topups": total(1, 1000), "paid_withdrawals": total(1, 800),
        "stripe": {
            "paid_sessions": total(1, 1000), "card_charges": total(0, 0), "transfers": total(1, 800),
            "refunds": total(0, 0), "disputes": total(0, 0),
        },
        "discrepancies": [], "unapplied": [],
    });
    assert_eq!(audit, expected);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarantined_event_is_listed_until_it_is_marked_as_dealt_with() {
    let world = busy_world().await;
    let data = tempfile::tempdir().unwrap();
    write_dev_file(&world, data.path());
    let foreign = json!({
        "id": "evt_foreign", "type": "checkout.session.completed", "created": 1_795_512_600,
        "data": { "object": { "id": "cs_foreign", "payment_status": "paid", "amount_total": 1, "currency": "usd" } },
    });
    world.anon.post_webhook(&foreign).await.expect(200);
    let (passed, printed) = run_audit(data.path(), &[]);
    assert!(passed && printed.contains("evt_foreign about cs_foreign"), "{printed}");
    let (passed, printed) =
        run_audit(data.path(), &["--dealt-with", "evt_foreign", "--dealt-with", "evt_other"]);
    assert!(!passed && printed.contains("evt_other"), "{printed}");
    let (passed, printed) = run_audit(data.path(), &["--dealt-with", "evt_foreign"]);
    assert!(passed && !printed.contains("evt_foreign"), "{printed}");
    assert!(!run_audit(data.path(), &["--dealt-with", "evt_foreign"]).0, "the event is already dealt with");
    world.finish().await;
}

/// Writes the file that tells commands about a world.
pub(crate) fn write_dev_file(world: &World, data: &Path) {
    let stack = json!({
        "base_url": "http://127.0.0.1:1", "dynamodb_url": world.table_url(), "table": TABLE,
        "stripe_url": world.sandbox.url, "stripe_key": STRIPE_KEY, "webhook_secret": null, "supabase_url": null,
        "web_origin": "http://localhost:3000", "jwt": null, "s3_url": world.bucket.url(),
        "uploads_bucket": world.bucket.name(), "users": [],
    });
    std::fs::write(data.join("dev.json"), stack.to_string()).unwrap();
}

/// Runs the command. Returns its success and its output.
fn run_audit(data: &Path, more: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO"));
    command.args(["ledger-audit", "--data-dir"]).arg(data).args(more);
    let output = command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).output().unwrap();
    let printed = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.success(), printed.concat())
}
