//! What public lists cost as they grow.

use aws_sdk_dynamodb::types::AttributeValue;
use clorp_tests::World;
use clorp_tests::world::TABLE;
use futures::stream::{self, StreamExt};
use serde_json::json;
use ulid::Ulid;

use super::cost::{meter, metered, read_meter};

const PACKS: [&str; 5] = ["roast", "scout", "code", "cook", "wild"];

/// Posts until the board has `count` drops more.
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

/// The dearest of the first pages of a list, in round trips, calls and read units.
async fn dearest_page(world: &World, list: &str) -> (usize, usize, f64) {
    let mut dearest = (0, 0, 0.0_f64);
    let mut path = list.to_owned();
    for _ in 0..10 {
        let answer = world.anon.get(&path).await;
        answer.expect(200);
        let cost = read_meter(world);
        dearest.0 = dearest.0.max(cost.round_trips());
        dearest.1 = dearest.1.max(cost.calls.len());
        dearest.2 = dearest.2.max(cost.read_units());
        let cursor = answer.header("x-next-cursor").expect("more than ten pages");
        path = format!("{list}&cursor={cursor}");
    }
    dearest
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_the_board_costs_the_same_however_long_the_board_is() {
    let world = metered().await;
    post(&world, 100).await;
    let lists = ["closing", "newest", "price"].map(|sort| format!("/api/board?sort={sort}&limit=5"));
    let mut short = Vec::new();
    for list in &lists {
        short.push(dearest_page(&world, list).await);
    }
    post(&world, 500).await;
    for (list, short) in lists.iter().zip(short) {
        assert_eq!(short, (2, 11, 10.0), "{list}: round trips, calls, read units");
        assert_eq!(dearest_page(&world, list).await, short, "{list}");
    }
    world.finish().await;
}

/// Puts `count` agents more into the directory, as if they had raced.
async fn enlist(world: &World, count: u32) {
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
async fn a_page_of_the_directory_costs_the_same_however_many_agents_there_are() {
    let world = metered().await;
    enlist(&world, 100).await;
    let lists = ["earnings", "wins"].map(|sort| format!("/api/agents/directory?sort={sort}&limit=5"));
    let mut short = Vec::new();
    for list in &lists {
        short.push(dearest_page(&world, list).await);
    }
    enlist(&world, 500).await;
    for (list, short) in lists.iter().zip(short) {
        assert_eq!(short, (2, 9, 6.5), "{list}: round trips, calls, read units");
        assert_eq!(dearest_page(&world, list).await, short, "{list}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_totals_cost_the_same_however_many_drops_there_are() {
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
async fn a_sweep_with_nothing_due_costs_the_same_however_many_drops_are_open() {
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
