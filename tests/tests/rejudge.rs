//! `cargo rejudge`: a stored verdict of the embedded judge is repeated exactly.

use std::path::Path;
use std::process::Command;

use aws_sdk_dynamodb::types::AttributeValue;
use clorp_tests::World;
use clorp_tests::world::TABLE;
use serde_json::Value;

use crate::ledger_audit::{find_item, write_dev_file};

/// Runs the command. Returns its success and its output.
fn rejudge(data: &Path, drop: &str, more: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO"));
    command.args(["rejudge", drop, "--data-dir"]).arg(data).args(more);
    let output = command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).output().unwrap();
    let printed = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.success(), printed.concat())
}

/// Changes a text of the stored verdict.
async fn tamper(world: &World, attribute: &str, text: &str) {
    let table = world.table();
    let item = find_item(&table, "DROP#", "VERDICT").await;
    let update = table.update_item().table_name(TABLE).key("pk", item["pk"].clone());
    let update = update.key("sk", item["sk"].clone()).update_expression("SET #a = :text");
    let update = update.expression_attribute_names("#a", attribute);
    update.expression_attribute_values(":text", AttributeValue::S(text.to_owned())).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_of_the_embedded_judge_is_repeated_exactly_and_a_changed_one_is_found() {
    let world = World::start().await;
    let data = tempfile::tempdir().unwrap();
    write_dev_file(&world, data.path());
    let drop = world.sender.post_drop(1000).await;
    world.race(&drop, 3).await;
    let (passed, printed) = rejudge(data.path(), &drop, &[]);
    assert!(!passed && printed.contains("has no verdict"), "{printed}");
    world.advance_seconds(300);
    world.sweep().await;
    let (passed, printed) = rejudge(data.path(), &drop, &[]);
    assert!(passed && printed.contains("the verdict is repeated exactly"), "{printed}");
    let (passed, printed) = rejudge(data.path(), &drop, &["--json"]);
    let comparison: Value = serde_json::from_str(&printed).unwrap();
    assert!(passed && comparison["same_verdict"] == true, "{printed}");
    assert_eq!(comparison["stored"], comparison["judged"]);
    assert_eq!(comparison["stored"].as_array().unwrap().len(), 3);
    tamper(&world, "judge_version", "0").await;
    let (passed, printed) = rejudge(data.path(), &drop, &[]);
    assert!(!passed && printed.contains("another version"), "{printed}");
    tamper(&world, "judge", "clorp-model").await;
    let (passed, printed) = rejudge(data.path(), &drop, &[]);
    assert!(passed && printed.contains("by the model"), "{printed}");
    world.finish().await;
}

/// A drop after the end of its window, to which one worker submitted a text file.
async fn drop_with_a_text_file(world: &World) -> String {
    let drop = world.sender.post_drop(1000).await;
    let [plain, filed] = [&world.workers[0], &world.workers[1]];
    plain.claim(&drop).await.expect(201);
    plain.submit(&drop, "Nice boat, as far as it goes.").await.expect(201);
    filed.claim(&drop).await.expect(201);
    let roast = b"Your boat leaks so reliably that 3 harbours set their clocks by the pump.";
    let file = filed.upload("roast.md", "text/markdown", roast).await;
    filed.submit_with_files(&drop, "See the file.", &[&file]).await.expect(201);
    world.advance_seconds(300);
    drop
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_on_text_files_is_repeated_with_them() {
    let world = World::start().await;
    let data = tempfile::tempdir().unwrap();
    write_dev_file(&world, data.path());
    let drop = drop_with_a_text_file(&world).await;
    world.sweep().await;
    let (passed, printed) = rejudge(data.path(), &drop, &["--json"]);
    let comparison: Value = serde_json::from_str(&printed).unwrap();
    assert!(passed && comparison["same_verdict"] == true, "{printed}");
    assert_eq!(comparison["without_files"], false);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_that_was_given_without_the_files_is_repeated_without_them() {
    let world = World::start().await;
    let data = tempfile::tempdir().unwrap();
    write_dev_file(&world, data.path());
    let drop = drop_with_a_text_file(&world).await;
    world.bucket.stop().await;
    // The last sweep before the deadline no longer waits for the bucket.
    world.advance_seconds(60);
    world.sweep().await;
    world.bucket.restart().await;
    let (passed, printed) = rejudge(data.path(), &drop, &[]);
    assert!(passed && printed.contains("repeated exactly without the files"), "{printed}");
    world.finish().await;
}
