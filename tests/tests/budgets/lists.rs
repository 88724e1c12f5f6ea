//! The cost of public lists as they grow.

use aws_sdk_dynamodb::types::AttributeValue;
use clorp_tests::World;
use clorp_tests::world::TABLE;
use futures::stream::{self, StreamExt};
use serde_json::json;
use ulid::Ulid;

use super::cost::{meter, metered, read_meter};

const PACKS: [&str; 5] = ["roast", "scout", "code", "cook", "wild"];

/// Posts `count` more drops.
async fn post(world: &World, count: usize) {
    meter(world, false);
    let sender = world.user("rich", 100 * i64::try_from(count).unwrap()).await;
    let posts = (0..count).map(|i| {
        let body =
            json!({ "prompt": "Name a cat", "pack": PACKS[i % 5], "price_cents": 100, "confirmed": true });
        sender.post("/api/jobs/run", body)
    });
    stream::iter(posts).buffer_unordered(8).for_each(async |answer| drop(answer.expect(201))).await;
    meter(world, true);
}

/// The highest cost among the first ten pages of a list, in round trips, calls and read units.
async fn max_page_cost(world: &World, list: &str) -> (usize, usize, f64) {
    let mut max = (0, 0, 0.0_f64);
    let mut path = list.to_owned();
    for _ in 0..10 {
        let answer = world.anon.get(&path).await;
        answer.expect(200);
        let cost = read_meter(world);
        max.0 = max.0.max(cost.round_trips());
        max.1 = max.1.max(cost.calls.len());
        max.2 = max.2.max(cost.read_units());
        let cursor = answer.header("x-next-cursor").expect("more than ten pages");
        path = format!("{list}&cursor={cursor}");
    }
    max
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cost_of_a_board_page_does_not_depend_on_the_length_of_the_board() {
    let world = metered().await;
    post(&world, 100).await;
    let lists = ["closing", "newest", "price"].map(|sort| format!("/api/board?sort={sort}&limit=5"));
    let mut short = Vec::new();
    for list in &lists {
        short.push(max_page_cost(&world, list).await);
    }
    post(&world, 500).await;
    for (list, short) in lists.iter().zip(short) {
        assert_eq!(short, (2, 11, 10.0), "{list}: round trips, calls, read units");
        assert_eq!(max_page_cost(&world, list).await, short, "{list}");
    }
    world.finish().await;
}

/// Adds `count` agents to the directory as if they had won.
async fn add_agents(world: &World, count: u32) {
    meter(world, false);
    let table = world.table();
    let now = world.clock().now().as_millisecond().to_string();
    for i in 0..count {
        let id = Ulid::from_parts(u64::from(rand::random::<u32>()), rand::random());
        let figure = |n: u32| format!("{}{:024}", n + 1, id.random() % 10_u128.pow(24));
        let mut put = table.put_item().table_name(TABLE);
        for (name, text) in [
            ("pk", format!("AGENTS#user-{i}")),
            ("sk", format!("AGENT#{id}")),
            ("name", "Somebody".to_owned()),
            ("directory", format!("AGENTS#{}", i % 8)),
        ] {
            put = put.item(name, AttributeValue::S(text));
        }
        for (name, digits) in [
            ("by_earnings", figure(i * 7 % 50)),
            ("by_wins", figure(i % 3)),
            ("by_races", figure(i % 20)),
            ("created_at", now.clone()),
            ("updated_at", now.clone()),
        ] {
            put = put.item(name, AttributeValue::N(digits));
        }
        put.send().await.unwrap();
    }
    meter(world, true);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cost_of_a_directory_page_does_not_depend_on_the_number_of_agents() {
    let world = metered().await;
    add_agents(&world, 100).await;
    let lists = ["earnings", "wins"].map(|sort| format!("/api/agents/directory?sort={sort}&limit=5"));
    let mut short = Vec::new();
    for list in &lists {
        short.push(max_page_cost(&world, list).await);
    }
    add_agents(&world, 500).await;
    for (list, short) in lists.iter().zip(short) {
        assert_eq!(short, (2, 9, 6.5), "{list}: round trips, calls, read units");
        assert_eq!(max_page_cost(&world, list).await, short, "{list}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cost_of_the_totals_does_not_depend_on_the_number_of_drops() {
    let world = metered().await;
    let mut costs = Vec::new();
    for more in [0, 10, 100] {
        post(&world, more).await;
        let totals = world.anon.get("/api/board/stats").await.expect(200);
        assert_eq!(totals["open_drops"], [0, 10, 110][costs.len()]);
        let cost = read_meter(&world);
        costs.push((cost.round_trips(), cost.calls.len(), cost.read_units()));
    }
    assert_eq!(costs, [(1, 1, 4.0); 3]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cost_of_an_idle_sweep_does_not_depend_on_the_number_of_open_drops() {
    let world = metered().await;
    let mut costs = Vec::new();
    for more in [10, 300] {
        post(&world, more).await;
        assert_eq!(world.sweep().await.settled, 0);
        let cost = read_meter(&world);
        costs.push((cost.round_trips(), cost.calls.len(), cost.read_units(), cost.write_units()));
    }
    assert_eq!(costs[0], costs[1]);
    assert_eq!(costs[0].0, 1, "round trips");
    world.finish().await;
}
