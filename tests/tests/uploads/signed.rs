//! Requests to S3 with the URLs that the functions sign. The local S3 refuses what AWS would refuse. Where a
//! refused upload leaves an object behind, the functions still do not attach it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clorp_tests::World;
use clorp_tests::client::announcement;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{PICTURE, id, run};

/// Other bytes of the same length as the picture.
fn other_bytes() -> Vec<u8> {
    PICTURE.iter().rev().copied().collect()
}

fn with_header(signed: &Value, name: &str, value: &str) -> Value {
    let mut changed = signed.clone();
    changed["headers"][name] = json!(value);
    changed
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_differs_from_its_announcement_is_refused() {
    let world = World::start().await;
    let sender = &world.sender;
    let upload = sender.post("/api/uploads", announcement("a.png", "image/png", PICTURE)).await.expect(201);
    let signed = &upload["upload"];
    let shorter = PICTURE[1..].to_vec();
    let length = shorter.len().to_string();
    let html = with_header(signed, "content-type", "text/html");
    let unchecked = {
        let mut changed = signed.clone();
        changed["headers"].as_object_mut().unwrap().remove("x-amz-checksum-sha256");
        changed
    };
    let other_checksum = BASE64_STANDARD.encode(Sha256::digest(other_bytes()));
    let elsewhere = {
        let mut changed = signed.clone();
        let url = signed["url"].as_str().unwrap().replace("/uploads/", "/attachments/");
        changed["url"] = json!(url);
        changed
    };
    let longer = {
        let mut changed = signed.clone();
        changed["url"] = json!(signed["url"].as_str().unwrap().replace("Expires=300", "Expires=86400"));
        changed
    };
    for (what, signed, bytes, status) in [
        ("other content", signed.clone(), other_bytes(), 400),
        ("another size", with_header(signed, "content-length", &length), shorter, 403),
        ("another type", html, PICTURE.to_vec(), 403),
        ("no checksum", unchecked, other_bytes(), 403),
        (
            "another checksum",
            with_header(signed, "x-amz-checksum-sha256", &other_checksum),
            other_bytes(),
            403,
        ),
        ("another path", elsewhere, PICTURE.to_vec(), 403),
        ("a longer lifetime", longer, PICTURE.to_vec(), 403),
    ] {
        let answer = sender.put_signed(&signed, bytes).await;
        assert_eq!(answer.status(), status, "{what}: {:?}", answer.text().await);
        let refused = run(sender, &json!([{ "id": id(&upload) }])).await;
        refused.expect_field(400, "attachment_not_uploaded", "/attachments/0/id");
    }
    assert!(sender.put_signed(signed, PICTURE.to_vec()).await.status().is_success());
    run(sender, &json!([{ "id": id(&upload) }])).await.expect(201);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_names_exactly_the_headers_that_its_signature_covers() {
    let world = World::start().await;
    let upload =
        world.sender.post("/api/uploads", announcement("a.png", "image/png", PICTURE)).await.expect(201);
    let url = upload["upload"]["url"].as_str().unwrap();
    let (_, covered) = url.split_once("X-Amz-SignedHeaders=").unwrap();
    let covered = covered.split('&').next().unwrap().replace("%3B", ";");
    // Every client sets `Host` by itself.
    let covered: Vec<&str> = covered.split(';').filter(|name| *name != "host").collect();
    let named: Vec<&String> = upload["upload"]["headers"].as_object().unwrap().keys().collect();
    assert_eq!(named, covered);
    assert!(covered.contains(&"x-amz-checksum-sha256") && covered.contains(&"content-length"), "{covered:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_url_expires() {
    let world = World::start().await;
    // The functions' clock is behind S3's by more than the lifetime of a URL.
    world.advance_seconds(-301);
    let upload =
        world.sender.post("/api/uploads", announcement("a.png", "image/png", PICTURE)).await.expect(201);
    let answer = world.sender.put_signed(&upload["upload"], PICTURE.to_vec()).await;
    assert_eq!(answer.status(), 403);
    run(&world.sender, &json!([{ "id": id(&upload) }])).await.expect_error(400, "attachment_not_uploaded");

    world.advance_seconds(301);
    let upload = world.sender.upload("a.png", "image/png", PICTURE).await;
    world.advance_seconds(-301);
    let drop = run(&world.sender, &json!([{ "id": id(&upload) }])).await.expect(201);
    assert_eq!(world.anon.download(&drop["attachments"][0]).await.status(), 403);
    world.advance_seconds(301);
    let fresh = world.sender.get(&format!("/api/jobs/{}", id(&drop))).await.expect(200);
    assert_eq!(world.anon.download(&fresh["attachments"][0]).await.bytes().await.unwrap(), PICTURE);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_was_changed_in_the_bucket_is_not_attached() {
    let world = World::start().await;
    let upload = world.sender.upload("a.png", "image/png", PICTURE).await;
    world.bucket.overwrite(&format!("uploads/{}", id(&upload)), b"short").await;
    run(&world.sender, &json!([{ "id": id(&upload) }])).await.expect_error(400, "attachment_not_uploaded");
    assert_eq!(world.sender.balance().await, 20_000);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_is_saved_under_its_name_and_never_runs_in_a_browser() {
    let world = World::start().await;
    let page = b"<script>alert(1)</script>";
    let named = "résumé \"x\"; a=b.html";
    let uploads = [
        world.sender.upload(named, "text/html", page).await,
        world.sender.upload("a.svg", "image/svg+xml", page).await,
        world.sender.upload("a.png", "image/png", PICTURE).await,
    ];
    let ids: Vec<Value> = uploads.iter().map(|upload| json!({ "id": id(upload) })).collect();
    let drop = run(&world.sender, &json!(ids)).await.expect(201);
    for (at, kind, saved_as) in [
        (
            0,
            "application/octet-stream",
            "attachment; filename*=UTF-8''r%C3%A9sum%C3%A9%20%22x%22%3B%20a%3Db.html",
        ),
        (1, "application/octet-stream", "attachment; filename*=UTF-8''a.svg"),
        (2, "image/png", "attachment; filename*=UTF-8''a.png"),
    ] {
        let file = &drop["attachments"][at];
        let answer = world.anon.download(file).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], kind);
        assert_eq!(answer.headers()["content-disposition"], saved_as);
        // A client with the URL can change neither header.
        for name in ["response-content-disposition", "response-content-type"] {
            let url = file["url"].as_str().unwrap().replace(name, "x-other");
            assert_eq!(world.anon.download(&json!({ "url": url })).await.status(), 403, "{name}");
        }
    }
    world.finish().await;
}
