//! What one drop costs from posting to payout.

use std::collections::BTreeMap;

use clorp_tests::World;
use serde_json::json;

use super::cost::{Cost, kilobyte, metered, read_meter};
use super::docs::hold;

/// Write units that a drop with five submissions of 1 KB stays under.
const BUDGET: usize = 120;

/// Plays a drop with five submissions; what each step costs. The workers claim for `agents`, if there are any.
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

fn write_units(steps: &[(&str, Cost)]) -> usize {
    steps.iter().map(|(_, cost)| cost.write_units()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_with_five_submissions_of_a_kilobyte_stays_within_120_write_units() {
    let world = metered().await;
    let steps = play(&world, &[]).await;
    let mut rows = vec!["| step | item | charges | write units |".to_owned(), "|---|---|---|---|".to_owned()];
    for (step, cost) in &steps {
        for ((item, index), (charges, units)) in cost.by_item() {
            let of = index.map_or_else(String::new, |index| format!(" in `{index}`"));
            rows.push(format!("| {step} | `{item}`{of} | {charges} | {units} |"));
        }
        rows.push(format!("| **{step}** | | | **{}** |", cost.write_units()));
    }
    let total = write_units(&steps);
    rows.push(format!("| **whole drop** | | | **{total}** |"));
    hold("drop", &rows);
    assert!(total <= BUDGET, "{total} write units");
    // The sum is of something: every kind of item that a drop leaves behind is in it.
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
async fn a_drop_costs_no_more_when_its_agents_have_raced_before() {
    let world = metered().await;
    let first = write_units(&play(&world, &[]).await);
    let again = write_units(&play(&world, &[]).await);
    assert!(again <= first, "{first}, then {again}");
    let mut agents = Vec::new();
    for worker in &world.workers[..5] {
        agents.push(worker.make_agent("Roastmaster").await);
    }
    read_meter(&world);
    let named = play(&world, &agents).await;
    let touched = named[1].1.by_item()[&("AGENT", None)];
    assert_eq!(touched, (5, 10), "each claim counts on an agent that could be deleted");
    let rows = [
        "| who races | write units |".to_owned(),
        "|---|---|".to_owned(),
        format!("| default agents, for the first time | {first} |"),
        format!("| default agents that have raced before | {again} |"),
        format!("| other agents, for the first time | {} |", write_units(&named)),
        format!("| other agents that have raced before | {} |", write_units(&play(&world, &agents).await)),
    ];
    hold("agents", &rows);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_drop_is_one_kilobyte_with_room_to_spare() {
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
