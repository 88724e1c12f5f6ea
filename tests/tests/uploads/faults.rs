//! An outage of S3.

use clorp_tests::World;
use serde_json::json;

use super::{PICTURE, id, run, submit};

#[tokio::test(flavor = "multi_thread")]
async fn while_s3_is_down_nothing_is_charged_and_a_retry_succeeds_later() {
    let world = World::start().await;
    let (sender, worker) = (world.sender.keyed("run-once"), &world.workers[0]);
    let upload = world.sender.upload("a.png", "image/png", PICTURE).await;
    let result = worker.upload("b.txt", "text/plain", b"work").await;
    let other = world.sender.post_drop(1000).await;
    worker.claim(&other).await.expect(201);
    let (files, results) = (json!([{ "id": id(&upload) }]), json!([{ "id": id(&result) }]));

    world.bucket.stop().await;
    let refused = run(&sender, &files).await;
    refused.expect_error(503, "unavailable");
    assert!(refused.header("retry-after").is_some());
    submit(worker, &other, "text", &results).await.expect_error(503, "unavailable");
    assert_eq!(world.sender.balance().await, 19_000, "only the other drop is paid for");
    assert_eq!(world.sender.get("/api/jobs").await.expect(200).as_array().unwrap().len(), 1);
    let unchanged = world.sender.get(&format!("/api/jobs/{other}")).await.expect(200);
    assert_eq!(unchanged["submissions_count"], 0);
    // Neither signing nor a submission without files needs S3.
    worker.post("/api/uploads", clorp_tests::client::announcement("c", "text/plain", b"c")).await.expect(201);
    world.workers[1].claim(&other).await.expect(201);
    world.workers[1].submit(&other, "Only words").await.expect(201);

    world.bucket.restart().await;
    let drop = run(&sender, &files).await.expect(201);
    submit(worker, &other, "text", &results).await.expect(201);
    assert_eq!(world.sender.balance().await, 18_000);
    assert_eq!(world.anon.download(&drop["attachments"][0]).await.bytes().await.unwrap(), PICTURE);
    world.finish().await;
}
