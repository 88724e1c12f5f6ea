//! Disputes in all their courses: what the bank reports, and what it does with the balance.

use serde_json::{Value, json};

use super::support::{World, id};

/// The fee of a dispute, in cents.
const FEE: i64 = 1_500;

/// A dispute about a payment of 1,000 cents.
async fn disputed(world: &World, body: Value) -> Value {
    let session = world.stripe.paid_session(1_000).await;
    world.stripe.control(&format!("charges/{}/dispute", id(&session)), body).await.ok()
}

async fn act(world: &World, dispute: &Value, action: &str, body: Value) -> Value {
    world.stripe.control(&format!("disputes/{}/{action}", id(dispute)), body).await.ok()
}

/// The amounts by which a dispute moved the balance, in cents, without fees.
fn moves(dispute: &Value) -> Vec<i64> {
    let transactions = dispute["balance_transactions"].as_array().unwrap();
    transactions.iter().map(|transaction| transaction["amount"].as_i64().unwrap()).collect()
}

/// The dispute events so far, with the status, the amount and the moves of the dispute in each.
fn told(world: &World) -> Vec<(String, String, i64, Vec<i64>)> {
    let events = world.sandbox.events().into_iter();
    let ours = events.filter_map(|event| {
        let kind = event["type"].as_str().unwrap().strip_prefix("charge.dispute.")?.to_owned();
        let dispute = &event["data"]["object"];
        let status = dispute["status"].as_str().unwrap().to_owned();
        Some((kind, status, dispute["amount"].as_i64().unwrap(), moves(dispute)))
    });
    ours.collect()
}

fn event(kind: &str, status: &str, cents: i64, moves: &[i64]) -> (String, String, i64, Vec<i64>) {
    (kind.to_owned(), status.to_owned(), cents, moves.to_vec())
}

#[tokio::test]
async fn a_dispute_shows_the_balance_transactions_of_its_withdrawal_and_its_return() {
    let world = World::start().await;
    let dispute = disputed(&world, json!({})).await;
    let won = act(&world, &dispute, "close", json!({"status": "won"})).await;
    let (out, back) = (&won["balance_transactions"][0], &won["balance_transactions"][1]);
    assert_eq!((&out["amount"], &out["fee"], &out["net"]), (&json!(-1_000), &json!(FEE), &json!(-2_500)));
    assert_eq!((&back["amount"], &back["fee"], &back["net"]), (&json!(1_000), &json!(0), &json!(1_000)));
    assert_eq!([&out["type"], &out["reporting_category"]], ["adjustment", "dispute"]);
    assert_eq!(back["reporting_category"], "dispute_reversal");
    assert_eq!((&out["source"], &back["source"]), (&dispute["id"], &dispute["id"]));
    let listed = world.stripe.get(&format!("balance_transactions?source={}", id(&dispute))).await.ok();
    assert_eq!(listed["data"], json!([back, out]));
    assert_eq!(
        told(&world),
        [
            event("created", "needs_response", 1_000, &[-1_000]),
            event("funds_withdrawn", "needs_response", 1_000, &[-1_000]),
            event("closed", "won", 1_000, &[-1_000, 1_000]),
            event("funds_reinstated", "won", 1_000, &[-1_000, 1_000]),
        ]
    );
    world.finish().await;
}

#[tokio::test]
async fn a_dispute_after_a_partial_refund_is_about_the_rest_unless_told_otherwise() {
    for (body, cents) in [(json!({}), 700), (json!({"amount": 1_000}), 1_000)] {
        let world = World::start().await;
        let session = id(&world.stripe.paid_session(1_000).await);
        world.stripe.control(&format!("charges/{session}/refund"), json!({"amount": 300})).await.ok();
        let dispute = world.stripe.control(&format!("charges/{session}/dispute"), body).await.ok();
        assert_eq!((&dispute["amount"], moves(&dispute)), (&json!(cents), vec![-cents]));
        assert_eq!(world.stripe.available().await, 700 - cents - FEE);
        world.finish().await;
    }
}

#[tokio::test]
async fn a_closing_dispute_can_change_its_amount_and_the_balance_follows() {
    for (close, amount, moved) in [
        (json!({"status": "lost", "amount": 600}), 600, vec![-1_000, 400]),
        (json!({"status": "lost", "amount": 600, "reinstated": 0}), 600, vec![-1_000]),
        (json!({"status": "won", "amount": 1_500}), 1_500, vec![-1_000, 1_000]),
        (json!({"status": "won", "amount": 1_500, "reinstated": 1_500}), 1_500, vec![-1_000, 1_500]),
        (json!({"status": "won", "reinstated": 250}), 1_000, vec![-1_000, 250]),
    ] {
        let world = World::start().await;
        let dispute = disputed(&world, json!({})).await;
        let closed = act(&world, &dispute, "close", close.clone()).await;
        assert_eq!((&closed["amount"], moves(&closed)), (&json!(amount), moved.clone()), "{close}");
        let listed = world.stripe.get(&format!("disputes/{}", id(&dispute))).await.ok();
        assert_eq!(listed, closed, "{close}");
        let balance = 1_000 + moved.iter().sum::<i64>() - FEE;
        assert_eq!(world.stripe.available().await, balance, "{close}");
        let reinstated = told(&world).iter().any(|(kind, ..)| kind == "funds_reinstated");
        assert_eq!(reinstated, moved.len() == 2, "{close}");
        world.finish().await;
    }
}

#[tokio::test]
async fn an_inquiry_takes_nothing_until_it_escalates() {
    let world = World::start().await;
    let dispute = disputed(&world, json!({"inquiry": true})).await;
    assert_eq!((&dispute["status"], moves(&dispute)), (&json!("warning_needs_response"), vec![]));
    assert_eq!(dispute["is_charge_refundable"], true);
    act(&world, &dispute, "update", json!({"status": "warning_under_review"})).await;
    assert_eq!(world.stripe.available().await, 1_000);
    let close = format!("disputes/{}/close", id(&dispute));
    let won = world.stripe.control(&close, json!({"status": "won"})).await;
    assert_eq!(won.status, 409, "an inquiry is neither won nor lost");
    let escalated = act(&world, &dispute, "escalate", json!({})).await;
    assert_eq!((&escalated["status"], moves(&escalated)), (&json!("needs_response"), vec![-1_000]));
    let again = world.stripe.control(&format!("disputes/{}/escalate", id(&dispute)), json!({})).await;
    assert_eq!(again.status, 409);
    assert_eq!(
        told(&world),
        [
            event("created", "warning_needs_response", 1_000, &[]),
            event("updated", "warning_under_review", 1_000, &[]),
            event("updated", "needs_response", 1_000, &[-1_000]),
            event("funds_withdrawn", "needs_response", 1_000, &[-1_000]),
        ]
    );
    world.finish().await;
}

#[tokio::test]
async fn a_closed_inquiry_has_moved_nothing_and_its_charge_can_be_refunded() {
    let world = World::start().await;
    let dispute = disputed(&world, json!({"inquiry": true})).await;
    let closed = act(&world, &dispute, "close", json!({"status": "warning_closed"})).await;
    assert_eq!(moves(&closed), Vec::<i64>::new());
    let charge = dispute["charge"].as_str().unwrap();
    world.stripe.post("refunds", &[("charge", charge)]).await.ok();
    assert_eq!(world.stripe.available().await, 0);
    world.finish().await;
}

#[tokio::test]
async fn a_decided_dispute_is_decided_again_only_on_demand() {
    let world = World::start().await;
    let dispute = disputed(&world, json!({})).await;
    act(&world, &dispute, "close", json!({"status": "lost"})).await;
    let path = format!("disputes/{}/close", id(&dispute));
    assert_eq!(world.stripe.control(&path, json!({"status": "won"})).await.status, 409);
    let won = act(&world, &dispute, "close", json!({"status": "won", "again": true})).await;
    assert_eq!(moves(&won), [-1_000, 1_000]);
    let lost = act(&world, &dispute, "close", json!({"status": "lost", "again": true})).await;
    assert_eq!(moves(&lost), [-1_000, 1_000, -1_000]);
    assert_eq!(world.stripe.available().await, -FEE, "the fee is taken once");
    let closed: Vec<_> = told(&world).into_iter().filter(|(kind, ..)| kind == "closed").collect();
    assert_eq!(
        closed.iter().map(|(_, status, ..)| status.as_str()).collect::<Vec<_>>(),
        ["lost", "won", "lost"]
    );
    world.finish().await;
}

#[tokio::test]
async fn the_bank_can_move_money_apart_from_its_reports() {
    let world = World::start().await;
    let dispute = disputed(&world, json!({"withdrawn": 0})).await;
    assert_eq!(world.stripe.available().await, 1_000);
    act(&world, &dispute, "update", json!({"amount": 800, "status": "under_review"})).await;
    act(&world, &dispute, "withdraw", json!({"amount": 500})).await;
    let reinstated = act(&world, &dispute, "reinstate", json!({"amount": 200})).await;
    assert_eq!((&reinstated["amount"], moves(&reinstated)), (&json!(800), vec![-500, 200]));
    assert_eq!(
        told(&world),
        [
            event("created", "needs_response", 1_000, &[]),
            event("updated", "under_review", 800, &[]),
            event("funds_withdrawn", "under_review", 800, &[-500]),
            event("funds_reinstated", "under_review", 800, &[-500, 200]),
        ]
    );
    world.finish().await;
}

#[tokio::test]
async fn a_charge_can_have_several_disputes_if_each_names_its_amount() {
    let world = World::start().await;
    let first = disputed(&world, json!({"amount": 400})).await;
    let charge = first["charge"].as_str().unwrap();
    let path = format!("charges/{charge}/dispute");
    assert_eq!(world.stripe.control(&path, json!({})).await.status, 409);
    world.stripe.control(&path, json!({"amount": 300})).await.ok();
    let listed = world.stripe.get(&format!("disputes?charge={charge}")).await.ok();
    let amounts: Vec<_> = listed["data"].as_array().unwrap().iter().map(|one| &one["amount"]).collect();
    assert_eq!(amounts, [300, 400]);
    assert_eq!(world.stripe.available().await, 300 - 2 * FEE);
    world.finish().await;
}
