//! Files from their upload to their download, and their visibility.

use clorp_tests::World;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{PICTURE, description, id, order, run, submit, without_url};

#[tokio::test(flavor = "multi_thread")]
async fn claimants_get_the_senders_file_and_the_sender_gets_the_winners() {
    let world = World::start().await;
    let (sender, worker, other) = (&world.sender, &world.workers[0], &world.workers[1]);
    let upload = sender.upload("logo.png", "image/png", PICTURE).await;
    let drop = run(sender, &json!([description(&upload)])).await.expect(201);
    assert_eq!(without_url(&drop["attachments"][0]), description(&upload));
    assert_eq!(drop["output_attachments"], Value::Null);
    let (drop, path) = (id(&drop).to_owned(), format!("/api/jobs/{}", id(&drop)));

    let claimed = worker.claim(&drop).await.expect(201);
    assert_eq!(without_url(&claimed["attachments"][0]), description(&upload));
    let got = world.anon.download(&claimed["attachments"][0]).await;
    assert_eq!(got.bytes().await.unwrap(), PICTURE);

    let result = worker.upload("result.zip", "application/zip", b"a result").await;
    let files = json!([{ "id": id(&result) }]);
    let receipt = submit(worker, &drop, "", &files).await.expect(201);
    let hex = |text: &str| Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let sum = result["sha256"].as_str().unwrap();
    let lines = format!("{}\n{sum} 8 application/zip result.zip\n", hex(""));
    assert_eq!(receipt["sha256"], hex(&lines));
    other.claim(&drop).await.expect(201);
    let draft = other.upload("draft.md", "text/markdown", b"# A draft").await;
    submit(other, &drop, "With words", &json!([{ "id": id(&draft) }])).await.expect(201);

    // Submissions are sealed until the drop is completed.
    let sealed = sender.get(&format!("{path}/submissions")).await;
    assert!(
        sealed
            .expect(200)
            .as_array()
            .unwrap()
            .iter()
            .all(|submission| submission["output_attachments"].is_null())
    );
    for secret in [id(&result), "result.zip", id(&draft)] {
        assert!(!sealed.text.contains(secret), "{secret}");
    }
    world.advance_seconds(301);
    world.sweep().await;

    let completed = sender.get(&path).await.expect(200);
    let opened = sender.get(&format!("{path}/submissions")).await.expect(200);
    let [first, second] = opened.as_array().unwrap().as_slice() else { panic!("{opened}") };
    assert_eq!(completed["output_attachments"].as_array().unwrap().len(), 1);
    assert_eq!(
        without_url(&completed["output_attachments"][0]),
        without_url(&first["output_attachments"][0])
    );
    let mut names =
        vec![&first["output_attachments"][0]["filename"], &second["output_attachments"][0]["filename"]];
    names.sort_by_key(|name| name.as_str());
    assert_eq!(names, ["draft.md", "result.zip"]);
    for submission in [first, second] {
        let file = &submission["output_attachments"][0];
        let bytes = world.anon.download(file).await.bytes().await.unwrap();
        let expected: &[u8] = if file["filename"] == "draft.md" { b"# A draft" } else { b"a result" };
        assert_eq!(bytes, expected);
    }
    // The sender's list of drops shows the same files.
    let listed = sender.get("/api/jobs").await.expect(200);
    assert_eq!(without_url(&listed[0]["attachments"][0]), description(&upload));
    assert_eq!(
        without_url(&listed[0]["output_attachments"][0]),
        without_url(&completed["output_attachments"][0])
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_the_public_see_nothing_of_files() {
    let world = World::start().await;
    let upload = world.sender.upload("private-name.png", "image/png", PICTURE).await;
    let drop = run(&world.sender, &json!([{ "id": id(&upload) }])).await.expect(201);
    let path = format!("/api/jobs/{}", id(&drop));
    let worker = &world.workers[0];
    worker.claim(id(&drop)).await.expect(201);
    let result = worker.upload("private-result.txt", "text/plain", b"work").await;
    submit(worker, id(&drop), "", &json!([{ "id": id(&result) }])).await.expect(201);
    let read_all = async || {
        let mut texts = vec![
            world.stranger.get(&path).await.text,
            world.stranger.get(&format!("{path}/submissions")).await.text,
        ];
        for public in ["/api/board", "/api/feed", "/api/board/stats"] {
            texts.push(world.anon.get(public).await.text);
        }
        texts.concat()
    };
    let mut texts = read_all().await;
    world.stranger.get(&path).await.expect_error(404, "not_found");
    world.advance_seconds(301);
    world.sweep().await;
    texts += &read_all().await;
    assert!(texts.contains(id(&drop)), "the drop is public");
    for secret in [id(&upload), id(&result), "private-name", "private-result", "X-Amz"] {
        assert!(!texts.contains(secret), "{secret}");
    }
    // A download needs a valid signature, even from a client that knows the URL.
    let url = drop["attachments"][0]["url"].as_str().unwrap();
    let unsigned = url.split('?').next().unwrap();
    let forged = format!("{}{}", &url[..url.len() - 1], if url.ends_with('0') { '1' } else { '0' });
    for url in [unsigned.to_owned(), forged] {
        assert_eq!(world.anon.download(&json!({ "url": url })).await.status(), 403, "{url}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_submission_is_idempotent_only_with_the_same_files() {
    let world = World::start().await;
    let worker = &world.workers[0];
    let drop = world.sender.post_drop(1000).await;
    worker.claim(&drop).await.expect(201);
    let (one, two) =
        (worker.upload("1", "text/plain", b"1").await, worker.upload("2", "text/plain", b"2").await);
    let (only, both) = (json!([{ "id": id(&one) }]), json!([{ "id": id(&one) }, description(&two)]));
    let receipt = submit(worker, &drop, "text", &both).await.expect(201);
    assert_eq!(submit(worker, &drop, "text", &both).await.expect(200), receipt);
    for (text, files) in [
        ("text", only),
        ("text", json!([])),
        ("text", json!([{ "id": id(&two) }, { "id": id(&one) }])),
        ("other", both.clone()),
        ("", both.clone()),
    ] {
        submit(worker, &drop, text, &files).await.expect_error(409, "already_submitted");
    }
    // An attached file needs neither its upload nor the upload's record.
    world.advance_seconds(2 * 86_400);
    assert_eq!(submit(worker, &drop, "text", &both).await.expect(200), receipt);
    world.advance_seconds(-2 * 86_400);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_can_be_attached_repeatedly_and_its_attachments_outlive_it() {
    let world = World::start().await;
    let sender = &world.sender;
    let upload = sender.upload("a.png", "image/png", PICTURE).await;
    let files = json!([{ "id": id(&upload) }]);
    let first = run(sender, &files).await.expect(201);
    run(sender, &files).await.expect(201);
    // The bucket's lifecycle rule does this after two days.
    world.bucket.remove(&format!("uploads/{}", id(&upload))).await;
    run(sender, &files).await.expect_error(400, "attachment_not_uploaded");
    let read = sender.get(&format!("/api/jobs/{}", id(&first))).await.expect(200);
    assert_eq!(world.anon.download(&read["attachments"][0]).await.bytes().await.unwrap(), PICTURE);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_checks_the_request_and_not_the_bucket() {
    let world = World::start().await;
    let sender = &world.sender;
    let upload = sender
        .post("/api/uploads", clorp_tests::client::announcement("a.png", "image/png", PICTURE))
        .await
        .expect(201);
    sender.post("/api/jobs/run", order(&json!([{ "id": id(&upload) }]), false)).await.expect(200);
    let twice = order(&json!([{ "id": id(&upload) }, { "id": id(&upload) }]), false);
    let refused = sender.post("/api/jobs/run", twice).await;
    refused.expect_field(400, "duplicate_attachment", "/attachments/1/id");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_response_has_its_old_url_and_a_new_read_has_a_new_one() {
    let world = World::start().await;
    let upload = world.sender.upload("a.png", "image/png", PICTURE).await;
    let sender = world.sender.keyed("run-with-a-file");
    let first = run(&sender, &json!([{ "id": id(&upload) }])).await.expect(201);
    world.advance_seconds(301);
    let replay = run(&sender, &json!([{ "id": id(&upload) }])).await.expect(201);
    assert_eq!(first["attachments"], replay["attachments"]);
    let read = world.sender.get(&format!("/api/jobs/{}", id(&first))).await.expect(200);
    let (old, new) = (&first["attachments"][0], &read["attachments"][0]);
    assert!(old["url_expires_at"].as_str() < new["url_expires_at"].as_str());
    assert_eq!(without_url(old), without_url(new));
    world.sweep().await;
    world.finish().await;
}
