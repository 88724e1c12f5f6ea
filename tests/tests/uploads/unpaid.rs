//! Unpaid drops and their files, which are kept only once somebody pays.

use clorp_domain::{RateLimit, Rules};
use clorp_tests::{Client, Options, World, unlimited};
use serde_json::{Value, json};

use super::{PICTURE, id, run};

const DAY: i64 = 86_400;

/// Tells whether the bucket has this file at its permanent place.
async fn is_kept(world: &World, upload: &Value) -> bool {
    world.bucket.holds(&format!("attachments/{}", id(upload))).await
}

/// Posts a drop for 1000 cents with a file. The caller cannot pay for it.
async fn post_unpaid(user: &Client, upload: &Value) -> String {
    let refused = run(user, &json!([{ "id": id(upload) }])).await.expect_error(402, "insufficient_balance");
    id(&refused).to_owned()
}

/// Fills a user's wallet with a won race.
async fn win(world: &World, user: &Client) {
    let drop = world.sender.post_drop(2000).await;
    user.claim(&drop).await.expect(201);
    user.submit(&drop, "1. Still compiling since 1999").await.expect(201);
    world.advance_seconds(301);
    assert_eq!(world.sweep().await.settled, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_kept_when_its_drop_is_paid_and_not_before() {
    let world = World::start().await;
    let user = world.user("poor", 0).await;
    let upload = user.upload("a.png", "image/png", PICTURE).await;
    let drop = post_unpaid(&user, &upload).await;
    let path = format!("/api/jobs/{drop}");
    // A retry under a key, and a payment that is refused, keep nothing either.
    let keyed = user.keyed("again");
    run(&keyed, &json!([{ "id": id(&upload) }])).await.expect(402);
    user.post_empty(&format!("{path}/pay")).await.expect(402);
    assert!(!is_kept(&world, &upload).await);
    let seen = user.get(&path).await.expect(200);
    let downloaded = world.anon.download(&seen["attachments"][0]).await;
    assert_eq!(downloaded.bytes().await.unwrap(), PICTURE, "the sender can read the upload");

    win(&world, &user).await;
    let paid = user.post_empty(&format!("{path}/pay")).await.expect(200);
    assert!(is_kept(&world, &upload).await);
    // The bucket's lifecycle rule does this after two days.
    world.bucket.remove(&format!("uploads/{}", id(&upload))).await;
    let claimed = world.workers[0].claim(&drop).await.expect(201);
    for reader in [&paid, &claimed] {
        let downloaded = world.anon.download(&reader["attachments"][0]).await;
        assert_eq!(downloaded.bytes().await.unwrap(), PICTURE);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_file_refuses_an_unpaid_drop_and_its_later_payment() {
    let world = World::start().await;
    let user = world.user("poor", 0).await;
    let announced = clorp_tests::client::announcement("a.png", "image/png", PICTURE);
    let missing = user.post("/api/uploads", announced).await.expect(201);
    let refused = run(&user, &json!([{ "id": id(&missing) }])).await;
    refused.expect_field(400, "attachment_not_uploaded", "/attachments/0/id");
    assert_eq!(user.get("/api/jobs").await.expect(200), json!([]));

    let upload = user.upload("a.png", "image/png", PICTURE).await;
    let drop = post_unpaid(&user, &upload).await;
    win(&world, &user).await;
    let balance = user.balance().await;
    world.bucket.remove(&format!("uploads/{}", id(&upload))).await;
    let pay = format!("/api/jobs/{drop}/pay");
    user.post_empty(&pay).await.expect_error(400, "attachment_not_uploaded");
    assert_eq!(user.balance().await, balance);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unpaid_drop_expires_after_a_day_and_a_paid_one_never() {
    let world = World::start().await;
    let user = world.user("poor", 0).await;
    let upload = user.upload("a.png", "image/png", PICTURE).await;
    let (late, cancelled) = (post_unpaid(&user, &upload).await, post_unpaid(&user, &upload).await);
    user.post_empty(&format!("/api/jobs/{cancelled}/cancel")).await.expect(200);
    let now = world.clock().now().as_second();
    for drop in [&late, &cancelled] {
        for sk in ["DROP", "BODY"] {
            let expires_at = expiry(&world, drop, sk).await.expect("an unpaid drop expires");
            assert!((now + DAY..now + 2 * DAY).contains(&expires_at), "{expires_at}");
        }
    }
    win(&world, &user).await;
    world.advance_seconds(DAY - 600);
    let paid = post_pending_and_pay(&world, &user).await;
    for sk in ["DROP", "BODY"] {
        assert_eq!(expiry(&world, &paid, sk).await, None, "{sk}");
        assert_eq!(expiry(&world, &world.sender.post_drop(100).await, sk).await, None, "{sk}");
    }
    // The table may remove an expired item days late, so the time itself decides.
    world.advance_seconds(600);
    let balance = user.balance().await;
    user.post_empty(&format!("/api/jobs/{late}/pay")).await.expect_error(400, "drop_not_pending");
    assert_eq!(user.balance().await, balance);
    // It removes the items one by one.
    delete(&world, &late, "BODY").await;
    user.get(&format!("/api/jobs/{late}")).await.expect_error(404, "not_found");
    let ids = async || -> Vec<String> {
        let listed = user.get("/api/jobs").await.expect(200);
        listed.as_array().unwrap().iter().map(|drop| id(drop).to_owned()).collect()
    };
    let listed = ids().await;
    assert!(listed.contains(&paid) && listed.contains(&cancelled) && !listed.contains(&late), "{listed:?}");
    delete(&world, &late, "DROP").await;
    assert_eq!(ids().await, listed);
    user.post_empty(&format!("/api/jobs/{late}/pay")).await.expect_error(404, "not_found");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unpaid_drops_announced_files_and_verifications_have_quotas_of_their_own() {
    let quota = |quota| RateLimit { quota, window_seconds: 86_400 };
    let rules = Rules { unpaid_rate: quota(2), upload_rate: quota(3), verify_rate: quota(2), ..unlimited() };
    let world = World::with(Options { rules, ..Options::default() }).await;
    let user = world.user("poor", 100).await;
    let order = json!({ "prompt": "Roast it", "price_cents": 1000, "confirmed": true });
    for _ in 0..2 {
        user.post("/api/jobs/run", order.clone()).await.expect(402);
    }
    let refused = user.post("/api/jobs/run", order).await;
    refused.expect_error(429, "rate_limited");
    let seconds: i64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((43_000..=43_200).contains(&seconds), "{seconds}");
    assert_eq!(user.get("/api/jobs").await.expect(200).as_array().unwrap().len(), 2);
    // A drop that is paid for at once has no such quota.
    user.post_drop(100).await;
    let announce = clorp_tests::client::announcement("a.png", "image/png", PICTURE);
    let question = json!({ "criteria": "A tagline for a bakery", "output_text": "You knead us." });
    for (path, body, quota) in [("/api/uploads", announce, 3), ("/api/verify", question, 2)] {
        for _ in 0..quota {
            user.post(path, body.clone()).await.expect(201);
        }
        user.post(path, body.clone()).await.expect_error(429, "rate_limited");
        world.sender.post(path, body).await.expect(201);
    }
    world.finish().await;
}

/// Posts a drop that cannot be paid for until the refund of another one.
async fn post_pending_and_pay(world: &World, user: &Client) -> String {
    let blocker = user.post_drop(user.balance().await).await;
    let order = json!({ "prompt": "Paid later", "price_cents": 1000, "confirmed": true });
    let refused = user.post("/api/jobs/run", order).await.expect_error(402, "insufficient_balance");
    assert!(expiry(world, id(&refused), "DROP").await.is_some());
    user.post_empty(&format!("/api/jobs/{blocker}/cancel")).await.expect(200);
    user.post_empty(&format!("/api/jobs/{}/pay", id(&refused))).await.expect(200);
    user.post_empty(&format!("/api/jobs/{}/cancel", id(&refused))).await.expect(200);
    id(&refused).to_owned()
}

async fn expiry(world: &World, drop: &str, sk: &str) -> Option<i64> {
    let item = world.table().get_item().table_name(clorp_tests::world::TABLE);
    let item = item.key("pk", text(&format!("DROP#{drop}"))).key("sk", text(sk));
    let item = item.send().await.unwrap().item.expect("the item exists");
    item.get("expires_at").map(|value| value.as_n().unwrap().parse().unwrap())
}

async fn delete(world: &World, drop: &str, sk: &str) {
    let call = world.table().delete_item().table_name(clorp_tests::world::TABLE);
    call.key("pk", text(&format!("DROP#{drop}"))).key("sk", text(sk)).send().await.unwrap();
}

fn text(value: &str) -> aws_sdk_dynamodb::types::AttributeValue {
    aws_sdk_dynamodb::types::AttributeValue::S(value.to_owned())
}
