//! `POST /api/uploads`.

use clorp_tests::World;
use clorp_tests::client::announcement;
use serde_json::{Value, json};

use super::PICTURE;

#[tokio::test(flavor = "multi_thread")]
async fn each_announced_file_gets_its_own_url_without_its_name() {
    let world = World::start().await;
    let body = announcement("top secret.png", "image/png", PICTURE);
    let first = world.sender.post("/api/uploads", body.clone()).await.expect(201);
    let second = world.sender.post("/api/uploads", body.clone()).await.expect(201);
    for name in ["filename", "content_type", "size_bytes", "sha256"] {
        assert_eq!(first[name], body[name]);
    }
    assert_ne!(first["id"], second["id"]);
    let url = first["upload"]["url"].as_str().unwrap();
    assert!(url.contains(&format!("/uploads/{}?", first["id"].as_str().unwrap())), "{url}");
    assert!(!url.contains("secret"), "{url}");
    assert!(
        url.contains("X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost%3Bx-amz-checksum-sha256"),
        "{url}"
    );
    let headers: Vec<&String> = first["upload"]["headers"].as_object().unwrap().keys().collect();
    assert_eq!(headers, ["content-length", "content-type", "x-amz-checksum-sha256"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_breaks_a_rule_is_refused_at_its_field() {
    let world = World::start().await;
    let good = announcement("a.txt", "text/plain", b"a");
    for (field, value, code) in [
        ("filename", Value::Null, "field_required"),
        ("filename", json!("../a"), "invalid_filename"),
        ("content_type", json!("text/plain; charset=utf-8"), "invalid_content_type"),
        ("size_bytes", json!(0), "invalid_size"),
        ("size_bytes", json!(25 * 1024 * 1024 + 1), "file_too_large"),
        ("size_bytes", json!("1"), "invalid_type"),
        ("sha256", json!("A".repeat(64)), "invalid_sha256"),
        ("path", json!("/"), "unknown_field"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        world.sender.post("/api/uploads", body).await.expect_field(400, code, &format!("/{field}"));
    }
    world.anon.post("/api/uploads", good).await.expect_error(401, "authentication_required");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_repeated_with_its_idempotency_key_is_the_same_upload() {
    let world = World::start().await;
    let sender = world.sender.keyed("upload-1");
    let body = announcement("a.txt", "text/plain", b"a");
    let first = sender.post("/api/uploads", body.clone()).await;
    let replay = sender.post("/api/uploads", body).await;
    assert_eq!(first.expect(201), replay.expect(201));
    assert_eq!(replay.header("idempotency-replayed"), Some("true"));
    let other = announcement("b.txt", "text/plain", b"b");
    sender.post("/api/uploads", other).await.expect_error(409, "idempotency_key_reused");
    world.finish().await;
}
