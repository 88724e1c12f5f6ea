//! CORS for web pages at allowed and at foreign origins.

use clorp_tests::document::public_reads;
use clorp_tests::world::WEB_ORIGIN;
use clorp_tests::{Answer, World};
use reqwest::Method;

async fn preflight(world: &World, path: &str, origin: &str) -> Answer {
    preflight_for(world, "POST", path, origin).await
}

async fn preflight_for(world: &World, method: &str, path: &str, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", "content-type,idempotency-key"),
    ];
    world.anon.send(Method::OPTIONS, path, None, &headers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowed_origin_may_send_credentials_and_read_the_exposed_headers() {
    let world = World::start().await;
    for path in ["/api/jobs/run", "/api/wallet/topup", "/api/keys", "/api/board", "/api/no-such-path"] {
        let answer = preflight(&world, path, WEB_ORIGIN).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.status);
        assert_eq!(answer.header("access-control-allow-origin"), Some(WEB_ORIGIN), "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"), "{path}");
        for (header, part) in [
            ("access-control-allow-methods", "DELETE"),
            ("access-control-allow-headers", "idempotency-key"),
            ("access-control-allow-headers", "authorization"),
            ("access-control-allow-headers", "if-none-match"),
            ("access-control-allow-headers", "last-event-id"),
            ("access-control-allow-headers", "x-request-id"),
            ("access-control-allow-headers", "traceparent"),
            ("access-control-allow-headers", "tracestate"),
        ] {
            assert!(answer.header(header).is_some_and(|value| value.contains(part)), "{path} {header}");
        }
        assert!(answer.header("x-request-id").is_some());
    }
    let origin = [("origin", WEB_ORIGIN)];
    for answer in [
        world.anon.get_with("/api/board", &origin).await,
        world.anon.get_with("/api/jobs", &origin).await,
        world.sender.get_with("/api/jobs", &origin).await,
    ] {
        assert_eq!(answer.header("access-control-allow-origin"), Some(WEB_ORIGIN), "{}", answer.text);
        let exposed = answer.header("access-control-expose-headers").unwrap();
        for header in ["ratelimit", "retry-after", "x-request-id", "x-next-cursor", "link"] {
            assert!(exposed.contains(header), "{header} in {exposed}");
        }
        assert!(answer.header("vary").is_some_and(|vary| vary.contains("origin")));
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_origin_gets_no_cors_headers() {
    let world = World::start().await;
    for origin in
        ["https://evil.example", "null", "https://clorp.example.evil.example", "http://clorp.example"]
    {
        let answer = preflight(&world, "/api/jobs/run", origin).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
        let answer = world.sender.get_with("/api/jobs", &[("origin", origin)]).await;
        answer.expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
    }
    let webhook = preflight(&world, "/api/stripe/webhook", WEB_ORIGIN).await;
    assert_eq!(webhook.header("access-control-allow-origin"), None, "the webhook is not for web pages");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_any_origin_may_read_public_resources_without_credentials() {
    let world = World::start().await;
    for path in public_reads() {
        let page = [("origin", "https://elsewhere.example")];
        for answer in [
            preflight_for(&world, "GET", path, "https://elsewhere.example").await,
            world.anon.get_with(path, &page).await,
            world.anon.get_with(&format!("{path}?nonsense=1"), &page).await,
            world.anon.get(path).await,
        ] {
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path} {}", answer.status);
            assert_eq!(answer.header("access-control-allow-credentials"), None, "{path}");
            assert!(answer.header("vary").is_some_and(|vary| vary.contains("origin")), "{path}");
        }
        let preflight = preflight_for(&world, "GET", path, "https://elsewhere.example").await;
        let allowed = preflight.header("access-control-allow-headers").unwrap();
        assert!(allowed.contains("if-none-match"), "{allowed}");
        let ours = world.anon.get_with(path, &[("origin", WEB_ORIGIN)]).await;
        assert_eq!(ours.header("access-control-allow-origin"), Some(WEB_ORIGIN), "{path}");
    }
    for (method, path) in
        [("GET", "/api/jobs"), ("POST", "/api/board"), ("POST", "/api/cli/login"), ("GET", "/api/nope")]
    {
        let answer = preflight_for(&world, method, path, "https://elsewhere.example").await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{method} {path}");
    }
    world.finish().await;
}
