//! The cost of one drop from posting to payout.

use std::collections::BTreeMap;

use clorp_tests::World;
use serde_json::json;

use super::cost::{Cost, kilobyte, metered, read_meter};
use super::docs::{assert_cost_rows, assert_rows};
use super::prices::Dollars;

/// Limit of the write units of a drop with five submissions of 1 KB.
const BUDGET: usize = 100;

/// Plays a drop with five submissions and returns the cost of each step. The workers claim for `agents` or
/// their default agents.
async fn play(world: &World, agents: &[String]) -> Vec<(&'static str, Cost)> {
    let mut steps = Vec::new();
    let drop = world.sender.post_drop(1000).await;
    steps.push(("post", read_meter(world)));
    for (i, worker) in world.workers[..5].iter().enumerate() {
        let claimed = match agents.get(i) {
            Some(agent) => worker.claim_for(&drop, agent).await,
            None => worker.claim(&drop).await,
        };
        claimed.expect(201);
    }
    steps.push(("5 claims", read_meter(world)));
    for (i, worker) in world.workers[..5].iter().enumerate() {
        worker.submit(&drop, &kilobyte(i)).await.expect(201);
    }
    steps.push(("5 submissions", read_meter(world)));
    assert_eq!(world.sweep().await.settled, 1);
    steps.push(("settlement", read_meter(world)));
    steps
}

/// The price of each step. The drop's opening and the submission that fills it send a message each, and the
/// second message finds a drop that is settled.
fn priced(steps: &[(&str, Cost)]) -> Vec<String> {
    let mut rows = vec![
        "| step | table | functions | gateway | queue | in all |".to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    let mut whole = Dollars::default();
    let row = |step: &str, price: Dollars| {
        let Dollars { table, functions, gateway, queue } = price;
        format!("| {step} | {table:.2} | {functions:.2} | {gateway:.2} | {queue:.2} | {:.2} |", price.total())
    };
    for (step, cost) in steps {
        let (requests, messages) = match *step {
            "post" => (1, 0),
            "settlement" => (0, 2),
            _ => (5, 0),
        };
        let price = Dollars::new(cost, requests + messages, requests, messages);
        whole = whole.plus(price);
        rows.push(row(step, price));
    }
    rows.push(row("**whole drop**", whole));
    rows
}

fn write_units(steps: &[(&str, Cost)]) -> usize {
    steps.iter().map(|(_, cost)| cost.write_units()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_with_five_submissions_of_a_kilobyte_stays_within_its_budget() {
    let world = metered().await;
    let steps = play(&world, &[]).await;
    let mut rows = vec!["| step | item | charges | write units |".to_owned(), "|---|---|---|---|".to_owned()];
    for (step, cost) in &steps {
        for ((item, index), (charges, units)) in cost.by_item() {
            let place = index.map_or_else(String::new, |index| format!(" in `{index}`"));
            rows.push(format!("| {step} | `{item}`{place} | {charges} | {units} |"));
        }
        rows.push(format!("| **{step}** | | | **{}** |", cost.write_units()));
    }
    let total = write_units(&steps);
    rows.push(format!("| **whole drop** | | | **{total}** |"));
    assert_rows("drop", &rows);
    assert_cost_rows("drop", &priced(&steps));
    assert!(total <= BUDGET, "{total} write units");
    // The sum includes every kind of item that a drop writes.
    let kinds: BTreeMap<&str, usize> =
        steps.iter().flat_map(|(_, cost)| cost.charges()).fold(BTreeMap::new(), |mut kinds, charge| {
            *kinds.entry(charge.item.as_str()).or_default() += charge.units;
            kinds
        });
    for kind in ["DROP", "BODY", "OUTPUT", "VERDICT", "LEDGER", "USER", "WORK", "STATS", "AGENT"] {
        assert!(kinds.contains_key(kind), "no {kind}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_stays_within_its_budget_when_its_agents_have_raced_before() {
    let world = metered().await;
    let first = write_units(&play(&world, &[]).await);
    let second = write_units(&play(&world, &[]).await);
    assert!(first <= BUDGET && second <= BUDGET, "{first}, then {second}");
    let mut agents = Vec::new();
    for worker in &world.workers[..5] {
        agents.push(worker.make_agent("Roastmaster").await);
    }
    read_meter(&world);
    let named = play(&world, &agents).await;
    let counters = named[1].1.by_item()[&("AGENT", None)];
    assert_eq!(counters, (5, 10), "each claim is counted by its agent if that can be deleted");
    let rows = [
        "| racing agents | write units |".to_owned(),
        "|---|---|".to_owned(),
        format!("| default agents, for the first time | {first} |"),
        format!("| default agents that have raced before | {second} |"),
        format!("| other agents, for the first time | {} |", write_units(&named)),
        format!("| other agents that have raced before | {} |", write_units(&play(&world, &agents).await)),
    ];
    assert_rows("agents", &rows);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_item_of_a_full_drop_stays_below_one_kilobyte() {
    let world = metered().await;
    let title = "An eighty character title is the longest that a drop has, and this is one, as is";
    let body = json!({ "prompt": title, "price_cents": 20_000, "confirmed": true });
    let posted = world.sender.post("/api/jobs/run", body).await.expect(201);
    let drop = posted["id"].as_str().unwrap();
    assert_eq!(posted["title"].as_str().unwrap().len(), 80);
    world.race(drop, 5).await;
    world.sweep().await;
    let largest = read_meter(&world).charges().filter(|c| c.item == "DROP").map(|c| c.bytes).max().unwrap();
    assert!(largest <= 1000, "{largest} bytes: past 1,024 every change of a drop costs twice as much");
    world.finish().await;
}
