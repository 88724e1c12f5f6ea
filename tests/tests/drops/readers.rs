//! Readers of a drop's results.

use clorp_tests::{Client, World};
use serde_json::{Value, json};

const SECRET: &str =
    "1. Still compiling since 1999\n2. Works on no machine\n3. Coffee is ready, the build is not";

/// Everything that a drop's routes answer to a reader, as one text.
async fn everything(reader: &Client, drop: &str) -> String {
    let mut texts = Vec::new();
    for path in ["", "/verdict", "/submissions", "/logs"] {
        texts.push(reader.get(&format!("/api/jobs/{drop}{path}")).await.text);
    }
    texts.push(reader.claim(drop).await.text);
    texts.push(reader.post_empty(&format!("/api/jobs/{drop}/appeal")).await.text);
    texts.push(reader.get("/api/users/status").await.text);
    texts.push(reader.get("/api/users/races").await.text);
    texts.concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_shown_to_the_sender_and_to_those_who_submitted_only() {
    let world = World::start().await;
    let [winner, loser, idle] = [0, 1, 2].map(|n| &world.workers[n]);
    let body = json!({ "prompt": "Give me three roast-style taglines for a build system that never finishes",
        "envVars": { "TONE": "dry" }, "price_cents": 1000, "confirmed": true });
    let posted = world.sender.post("/api/jobs/run", body).await.expect(201);
    let drop = posted["id"].as_str().unwrap();
    for worker in [winner, loser, idle] {
        worker.claim(drop).await.expect(201);
    }
    let file = winner.upload("taglines.txt", "text/plain", b"The taglines as a file").await;
    winner.submit_with_files(drop, SECRET, &[&file]).await.expect(201);
    // An answer without a word never wins.
    loser.submit(drop, "-/-/-").await.expect(201);
    idle.get(&format!("/api/jobs/{drop}/verdict")).await.expect_error(409, "verdict_not_ready");
    world.advance_seconds(301);
    assert_eq!(world.sweep().await.settled, 1);

    let path = format!("/api/jobs/{drop}");
    for reader in [&world.sender, winner, loser] {
        let seen = reader.get(&path).await.expect(200);
        assert_eq!(seen["output_text"], SECRET);
        assert_eq!(seen["output_attachments"][0]["filename"], "taglines.txt");
        reader.get(&format!("{path}/verdict")).await.expect(200);
    }
    // A claim without a submission shows that the drop is over, and what the claim had shown.
    let seen = idle.get(&path).await.expect(200);
    assert_eq!((&seen["status"], &seen["env_vars"]["TONE"]), (&json!("completed"), &json!("dry")));
    assert_eq!((&seen["output_text"], &seen["output_attachments"]), (&Value::Null, &Value::Null));
    idle.get(&format!("{path}/verdict")).await.expect_error(403, "submission_required");
    let text = everything(idle, drop).await;
    for secret in ["Still compiling", "taglines.txt", "-/-/-"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    world.finish().await;
}
