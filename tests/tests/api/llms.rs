//! `/llms.txt`.

use std::collections::BTreeSet;

use clorp_domain::{RateLimit, Rules, Status};
use clorp_tests::document::{merged, routes};
use clorp_tests::{Options, World, unlimited};

async fn page(world: &World) -> String {
    let answer = world.anon.get("/llms.txt").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text
}

/// Every path in a text, with the method before it if there is one.
fn paths_in(text: &str) -> Vec<(Option<&str>, &str)> {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '`' | ',' | ';' | '(' | ')' | '"' | '*');
    let words: Vec<&str> = text.split(is_end).filter(|word| !word.is_empty()).collect();
    let word = |at: usize| at.checked_sub(1).map(|before| words[before]);
    let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    let paths =
        words.iter().enumerate().filter(|(_, word)| word.starts_with("/api") || word.ends_with("llms.txt"));
    paths
        .map(|(at, path)| (word(at).filter(|word| methods.contains(word)), path.trim_end_matches(['.', ':'])))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_lists_every_operation_and_names_no_unknown_route() {
    let world = World::start().await;
    let page = page(&world).await;
    for route in routes() {
        let heading = format!("\n#### {} {}\n", route.method, route.path);
        assert_eq!(page.matches(&heading).count(), 1, "{heading}");
        let summary =
            route.operation["summary"].as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(page.contains(&summary), "{heading} {summary}");
    }
    let operations: BTreeSet<String> = routes().iter().map(|route| route.name()).collect();
    let paths: BTreeSet<&str> = routes().iter().map(|route| route.path.as_str()).collect();
    let found = paths_in(&page);
    assert!(found.len() > routes().len() + 20, "too few routes in the prose: {found:?}");
    for (method, path) in found {
        match method {
            Some(method) => assert!(operations.contains(&format!("{method} {path}")), "{method} {path}"),
            None => assert!(paths.contains(path), "{path}"),
        }
    }
    let document = serde_json::to_value(merged()).unwrap();
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(page.contains(&format!("\n### {name}\n")), "{name}");
    }
    for status in Status::ALL {
        assert!(page.contains(&format!("\n- `{}`: ", status.as_str())), "{}", status.as_str());
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_cacheable_plain_text() {
    let world = World::start().await;
    let answer = world.anon.get("/llms.txt").await;
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    let tag = answer.header("etag").unwrap();
    world.anon.get_with("/llms.txt", &[("if-none-match", tag)]).await.expect(304);
    for other in ["/llms.txt/", "/llms", "/llms-full.txt", "/api/llms.txt"] {
        world.anon.get(other).await.expect_error(404, "not_found");
    }
    world.anon.post_empty("/llms.txt").await.expect_error(405, "method_not_allowed");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_states_the_configured_rules() {
    let claim_rate = RateLimit { quota: 7, window_seconds: 11 };
    let rules = Rules { claim_rate, max_claims: 3, lease_seconds: 77, max_prompt_bytes: 1234, ..unlimited() };
    let world = World::with(Options { rules, ..Options::default() }).await;
    let page = page(&world).await;
    for rule in ["`claim` 7 in 11 s", "Slots: 3 workers", "77 seconds at least", "criteria: 1234 bytes"] {
        assert!(page.contains(rule), "{rule}");
    }
    world.finish().await;
}
