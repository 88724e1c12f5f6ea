//! Refused attachments, which have no effect.

use clorp_tests::World;
use clorp_tests::client::announcement;
use serde_json::{Value, json};

use super::{PICTURE, description, id, order, run, submit};

#[tokio::test(flavor = "multi_thread")]
async fn an_attachment_that_is_not_the_callers_upload_is_refused_and_nothing_is_charged() {
    let world = World::start().await;
    let (sender, worker) = (&world.sender, &world.workers[0]);
    let good = sender.upload("a.png", "image/png", PICTURE).await;
    let foreign = worker.upload("a.png", "image/png", PICTURE).await;
    let missing = sender.post("/api/uploads", announcement("a.png", "image/png", PICTURE)).await.expect(201);
    let drop = sender.post_drop(100).await;
    worker.claim(&drop).await.expect(201);
    let tampered = |field: &str, value: Value| {
        let mut file = description(&good);
        file[field] = value;
        json!([file])
    };
    let many: Vec<Value> = (0..11).map(|_| json!({ "id": id(&good) })).collect();
    let cases = [
        (json!([{ "id": id(&foreign) }]), "/0/id", "attachment_not_found"),
        (json!([{ "id": "01HZZZZZZZZZZZZZZZZZZZZZZZ" }]), "/0/id", "attachment_not_found"),
        (json!([{ "id": "../USER" }]), "/0/id", "attachment_not_found"),
        (json!([{ "id": id(&good) }, { "id": id(&missing) }]), "/1/id", "attachment_not_uploaded"),
        (json!([{ "id": id(&good) }, { "id": id(&good) }]), "/1/id", "duplicate_attachment"),
        (tampered("filename", json!("b.png")), "/0/filename", "attachment_mismatch"),
        (tampered("content_type", json!("text/html")), "/0/content_type", "attachment_mismatch"),
        (tampered("size_bytes", json!(1)), "/0/size_bytes", "attachment_mismatch"),
        (tampered("sha256", json!("0".repeat(64))), "/0/sha256", "attachment_mismatch"),
        (tampered("url", json!("http://example.com")), "/0/url", "unknown_field"),
        (json!([{}]), "/0/id", "attachment_id_required"),
        (json!([{ "id": 1 }]), "/0/id", "invalid_type"),
        (json!(many), "", "too_many_attachments"),
    ];
    for (files, place, code) in &cases {
        run(sender, files).await.expect_field(400, code, &format!("/attachments{place}"));
    }
    assert_eq!(sender.balance().await, 19_900);
    assert_eq!(sender.get("/api/jobs").await.expect(200).as_array().unwrap().len(), 1);

    // A submission has the same rules. The sender's upload is not the worker's.
    let field = "/output_attachments/0/id";
    submit(worker, &drop, "", &json!([{ "id": id(&good) }])).await.expect_field(
        400,
        "attachment_not_found",
        field,
    );
    let pending = worker.post("/api/uploads", announcement("w", "text/plain", b"w")).await.expect(201);
    let pending = json!([{ "id": id(&pending) }]);
    submit(worker, &drop, "text", &pending).await.expect_field(400, "attachment_not_uploaded", field);
    submit(worker, &drop, " ", &json!([])).await.expect_field(400, "output_required", "/output_text");
    let seen = sender.get(&format!("/api/jobs/{drop}")).await.expect(200);
    assert_eq!(seen["submissions_count"], 0);
    submit(worker, &drop, "", &json!([{ "id": id(&foreign) }])).await.expect(201);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_expires_after_a_day() {
    let world = World::start().await;
    let upload = world.sender.upload("a.png", "image/png", PICTURE).await;
    world.advance_seconds(86_400);
    let refused = world.sender.post("/api/jobs/run", order(&json!([{ "id": id(&upload) }]), true)).await;
    refused.expect_field(400, "attachment_not_found", "/attachments/0/id");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_may_not_submit_learns_nothing_about_files() {
    let world = World::start().await;
    let drop = world.sender.post_drop(100).await;
    let unknown = json!([{ "id": "01HZZZZZZZZZZZZZZZZZZZZZZZ" }]);
    submit(&world.workers[0], &drop, "", &unknown).await.expect_error(403, "not_a_claimant");
    submit(&world.sender, &drop, "", &unknown).await.expect_error(403, "own_drop");
    world.finish().await;
}
