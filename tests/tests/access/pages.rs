//! CORS for web pages at allowed and at foreign origins.

use clorp_tests::world::WEB_ORIGIN;
use clorp_tests::{Answer, World};
use reqwest::Method;

async fn preflight(world: &World, path: &str, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
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
