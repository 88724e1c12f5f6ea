//! From an upload to the winner's file, and who sees what of it.

use clorp_tests::World;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{PICTURE, described, id, order, plain, run, submit};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_from_the_sender_to_claimants_and_the_winners_back() {
    let world = World::start().await;
    let (sender, worker, other) = (&world.sender, &world.workers[0], &world.workers[1]);
    let upload = sender.upload("logo.png", "image/png", PICTURE).await;
    let drop = run(sender, &json!([described(&upload)])).await.expect(201);
    assert_eq!(plain(&drop["attachments"][0]), described(&upload));
    assert_eq!(drop["output_attachments"], Value::Null);
    let (drop, path) = (id(&drop).to_owned(), format!("/api/jobs/{}", id(&drop)));

    let claimed = worker.claim(&drop).await.expect(201);
    assert_eq!(plain(&claimed["attachments"][0]), described(&upload));
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

    // Sealed until the drop is completed.
    let sealed = sender.get(&format!("{path}/submissions")).await;
    assert!(sealed.expect(200).as_array().unwrap().iter().all(|made| made["output_attachments"].is_null()));
    for secret in [id(&result), "result.zip", id(&draft)] {
        assert!(!sealed.text.contains(secret), "{secret}");
    }
    world.advance_seconds(301);
    world.sweep().await;

    let completed = sender.get(&path).await.expect(200);
    let opened = sender.get(&format!("{path}/submissions")).await.expect(200);
    let [first, second] = opened.as_array().unwrap().as_slice() else { panic!("{opened}") };
    assert_eq!(completed["output_attachments"].as_array().unwrap().len(), 1);
    assert_eq!(plain(&completed["output_attachments"][0]), plain(&first["output_attachments"][0]));
    let mut names =
        vec![&first["output_attachments"][0]["filename"], &second["output_attachments"][0]["filename"]];
    names.sort_by_key(|name| name.as_str());
    assert_eq!(names, ["draft.md", "result.zip"]);
    for made in [first, second] {
        let file = &made["output_attachments"][0];
        let bytes = world.anon.download(file).await.bytes().await.unwrap();
        let expected: &[u8] = if file["filename"] == "draft.md" { b"# A draft" } else { b"a result" };
        assert_eq!(bytes, expected);
    }
    // The list of what one has posted shows the same.
    let listed = sender.get("/api/jobs").await.expect(200);
    assert_eq!(plain(&listed[0]["attachments"][0]), described(&upload));
    assert_eq!(plain(&listed[0]["output_attachments"][0]), plain(&completed["output_attachments"][0]));
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
    let told = async || {
        let mut texts = vec![
            world.stranger.get(&path).await.text,
            world.stranger.get(&format!("{path}/submissions")).await.text,
        ];
        for public in ["/api/board", "/api/feed", "/api/board/stats"] {
            texts.push(world.anon.get(public).await.text);
        }
        texts.concat()
    };
    let mut texts = told().await;
    world.stranger.get(&path).await.expect_error(404, "not_found");
    world.advance_seconds(301);
    world.sweep().await;
    texts += &told().await;
    assert!(texts.contains(id(&drop)), "the drop is public");
    for secret in [id(&upload), id(&result), "private-name", "private-result", "X-Amz"] {
        assert!(!texts.contains(secret), "{secret}");
    }
    // Without a signature there is nothing to be had, even for who knows where it is.
    let url = drop["attachments"][0]["url"].as_str().unwrap();
    let unsigned = url.split('?').next().unwrap();
    let forged = format!("{}{}", &url[..url.len() - 1], if url.ends_with('0') { '1' } else { '0' });
    for url in [unsigned.to_owned(), forged] {
        assert_eq!(world.anon.download(&json!({ "url": url })).await.status(), 403, "{url}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_with_files_is_the_same_again_only_with_the_same_files() {
    let world = World::start().await;
    let worker = &world.workers[0];
    let drop = world.sender.post_drop(1000).await;
    worker.claim(&drop).await.expect(201);
    let (one, two) =
        (worker.upload("1", "text/plain", b"1").await, worker.upload("2", "text/plain", b"2").await);
    let (only, both) = (json!([{ "id": id(&one) }]), json!([{ "id": id(&one) }, described(&two)]));
    let made = submit(worker, &drop, "text", &both).await.expect(201);
    assert_eq!(submit(worker, &drop, "text", &both).await.expect(200), made);
    for (text, files) in [
        ("text", only),
        ("text", json!([])),
        ("text", json!([{ "id": id(&two) }, { "id": id(&one) }])),
        ("other", both.clone()),
        ("", both.clone()),
    ] {
        submit(worker, &drop, text, &files).await.expect_error(409, "already_submitted");
    }
    // What is attached needs neither its upload nor its record any more.
    world.advance_seconds(2 * 86_400);
    assert_eq!(submit(worker, &drop, "text", &both).await.expect(200), made);
    world.advance_seconds(-2 * 86_400);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_used_as_often_as_its_owner_likes_and_what_is_attached_stays() {
    let world = World::start().await;
    let sender = &world.sender;
    let upload = sender.upload("a.png", "image/png", PICTURE).await;
    let files = json!([{ "id": id(&upload) }]);
    let first = run(sender, &files).await.expect(201);
    run(sender, &files).await.expect(201);
    // As the bucket's rule does after two days.
    std::fs::remove_file(world.bucket_folder().join("uploads").join(id(&upload))).unwrap();
    run(sender, &files).await.expect_error(400, "attachment_not_uploaded");
    let read = sender.get(&format!("/api/jobs/{}", id(&first))).await.expect(200);
    assert_eq!(world.anon.download(&read["attachments"][0]).await.bytes().await.unwrap(), PICTURE);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_checks_what_is_said_and_not_what_is_there() {
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
async fn a_replayed_answer_has_its_old_address_and_a_fresh_read_a_new_one() {
    let world = World::start().await;
    let upload = world.sender.upload("a.png", "image/png", PICTURE).await;
    let sender = world.sender.keyed("run-with-a-file");
    let first = run(&sender, &json!([{ "id": id(&upload) }])).await.expect(201);
    world.advance_seconds(301);
    let again = run(&sender, &json!([{ "id": id(&upload) }])).await.expect(201);
    assert_eq!(first["attachments"], again["attachments"]);
    let read = world.sender.get(&format!("/api/jobs/{}", id(&first))).await.expect(200);
    let (old, new) = (&first["attachments"][0], &read["attachments"][0]);
    assert!(old["url_expires_at"].as_str() < new["url_expires_at"].as_str());
    assert_eq!(plain(old), plain(new));
    world.sweep().await;
    world.finish().await;
}
