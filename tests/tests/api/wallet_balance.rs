//! `GET /api/wallet/balance`.

use std::collections::BTreeSet;

use clorp_tests::World;
use serde_json::{Value, json};

use super::support::{fields, post, rest};

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_lists_movements_newest_first_and_adds_up() {
    let world = World::start().await;
    let user = world.user("busy", 1000).await;
    world.advance_seconds(1);
    let own = post(&user, "roast", 300).await;
    world.advance_seconds(1);
    user.post_empty(&format!("/api/jobs/{own}/cancel")).await.expect(200);
    world.advance_seconds(1);
    let won = post(&world.sender, "roast", 500).await;
    user.claim(&won).await.expect(201);
    user.submit(&won, "Still compiling since 1999").await.expect(201);
    world.advance_seconds(301);
    assert_eq!(world.sweep().await.settled, 1);
    let wallet = user.get("/api/wallet/balance").await.expect(200);
    let members = ["balance_cents", "withdrawable_cents", "next_release", "contested_cents", "ledger"];
    assert_eq!(fields(&wallet), BTreeSet::from(members));
    assert_eq!(wallet["balance_cents"], 1350);
    let ledger = wallet["ledger"].as_array().unwrap();
    let lines: Vec<(i64, &str)> = ledger
        .iter()
        .map(|line| (line["delta"].as_i64().unwrap(), line["reason"].as_str().unwrap()))
        .collect();
    let (win, refund, drop) = (format!("win:{won}"), format!("refund:{own}"), format!("drop:{own}"));
    let (first, later) = lines.split_last().unwrap();
    assert_eq!(later, [(350, win.as_str()), (300, &refund), (-300, &drop)]);
    assert!(first.0 == 1000 && first.1.starts_with("win:"), "{first:?}");
    for line in ledger {
        assert_eq!(fields(line), BTreeSet::from(["id", "delta", "reason", "created_at"]));
        assert!(line["created_at"].as_str().is_some_and(|at| at.len() == 24 && at.ends_with('Z')), "{line}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_give_every_line_once_and_their_sum_is_the_balance() {
    let world = World::start().await;
    for i in 0..12 {
        let drop = post(&world.sender, "roast", 100 + i).await;
        if i % 3 == 0 {
            world.sender.post_empty(&format!("/api/jobs/{drop}/cancel")).await.expect(200);
        }
        world.advance_seconds(1);
    }
    for limit in [1, 2, 5, 17, 100] {
        let path = format!("/api/wallet/balance?limit={limit}");
        let lines = rest(&world.sender, &path, None, "/ledger").await;
        let ids: BTreeSet<&str> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
        assert_eq!((lines.len(), ids.len()), (17, 17), "{limit}");
        let times: Vec<&str> = lines.iter().map(|line| line["created_at"].as_str().unwrap()).collect();
        assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
        let sum: i64 = lines.iter().map(|line| line["delta"].as_i64().unwrap()).sum();
        assert_eq!(sum, world.sender.balance().await);
    }
    // A concurrent movement neither repeats nor hides a line.
    let first = world.sender.get("/api/wallet/balance?limit=5").await;
    let cursor = first.header("x-next-cursor").unwrap().to_owned();
    post(&world.sender, "roast", 100).await;
    let later = rest(&world.sender, "/api/wallet/balance?limit=5", Some(cursor), "/ledger").await;
    assert_eq!(later.len(), 12);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_is_visible_only_to_its_owner() {
    let world = World::start().await;
    post(&world.sender, "roast", 100).await;
    let empty = world.stranger.get("/api/wallet/balance").await.expect(200);
    let nothing = json!({ "balance_cents": 0, "withdrawable_cents": 0, "next_release": null,
                          "contested_cents": 0, "ledger": [] });
    assert_eq!(empty, nothing);
    let page = world.sender.get("/api/wallet/balance?limit=1").await;
    let cursor = page.header("x-next-cursor").unwrap();
    let answer = world.stranger.get(&format!("/api/wallet/balance?cursor={cursor}")).await;
    if answer.status.as_u16() == 200 {
        assert_eq!(answer.json()["ledger"], Value::Array(Vec::new()), "a cursor opens no other wallet");
    } else {
        answer.expect_field(400, "invalid_cursor", "cursor");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_page_parameter_is_refused() {
    let world = World::start().await;
    for (query, field) in
        [("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("cursor=x", "cursor")]
    {
        let body = world.sender.get(&format!("/api/wallet/balance?{query}")).await.expect(400);
        assert_eq!(body["field"], field, "{query}");
    }
    world.finish().await;
}
