//! Helpers that the modules share.

use std::collections::BTreeSet;

use clorp_tests::{Client, World};
use serde_json::{Value, json};

/// Posts and pays a drop with a window of 300 seconds.
pub(crate) async fn post(sender: &Client, pack: &str, price_cents: i64) -> String {
    post_for(sender, pack, price_cents, 300).await
}

/// Posts and pays a drop.
pub(crate) async fn post_for(sender: &Client, pack: &str, price_cents: i64, seconds: i64) -> String {
    let body = json!({
        "prompt": format!("A {pack} drop\nwith a second line"), "pack": pack, "price_cents": price_cents,
        "time_limit_seconds": seconds, "confirmed": true,
    });
    let drop = sender.post("/api/jobs/run", body).await.expect(201);
    drop["id"].as_str().unwrap().to_owned()
}

/// Posts a drop that its sender cannot pay.
pub(crate) async fn post_pending(sender: &Client) -> String {
    let body = json!({ "prompt": "Unpaid", "price_cents": 100_000, "confirmed": true });
    let refused = sender.post("/api/jobs/run", body).await.expect_error(402, "insufficient_balance");
    refused["id"].as_str().unwrap().to_owned()
}

/// Posts a drop, has `n` workers submit to it, and has it judged.
pub(crate) async fn complete(world: &World, pack: &str, price_cents: i64, n: usize) -> String {
    let drop = post(&world.sender, pack, price_cents).await;
    world.race(&drop, n).await;
    world.advance_seconds(301);
    assert_eq!(world.sweep().await.settled, 1);
    drop
}

/// The ids of a list's items.
pub(crate) fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// The names of an object's fields.
pub(crate) fn fields(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

/// The same path with one more query parameter.
pub(crate) fn with(path: &str, parameter: &str) -> String {
    format!("{path}{}{parameter}", if path.contains('?') { '&' } else { '?' })
}

/// All items of a list from the page at `cursor` on, read page by page. `items` points to the list in the
/// body.
pub(crate) async fn rest(client: &Client, path: &str, mut cursor: Option<String>, items: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for _ in 0..200 {
        let at = cursor.map_or(path.to_owned(), |cursor| with(path, &format!("cursor={cursor}")));
        let page = client.get(&at).await;
        let body = page.expect(200);
        all.extend(body.pointer(items).unwrap().as_array().unwrap().iter().cloned());
        let link = page.header("link").map(str::to_owned);
        cursor = page.header("x-next-cursor").map(str::to_owned);
        match &cursor {
            Some(cursor) => {
                let link = link.expect("a link to the next page");
                assert!(link.starts_with("<http://127.0.0.1:"), "{link} is not absolute");
                assert!(link.ends_with("; rel=\"next\"") && link.contains(cursor), "{link}");
            }
            None => {
                assert_eq!(link, None);
                return all;
            }
        }
    }
    panic!("{path} never ends");
}

/// Checks that the text of a public response contains none of these secrets.
pub(crate) fn assert_without<'a>(text: &str, secrets: impl IntoIterator<Item = &'a str>) {
    for secret in secrets {
        assert!(!text.contains(secret), "{secret:?} is public in {text}");
    }
}
