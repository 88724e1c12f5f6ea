//! Events that Lambda invokes a function with.

use std::sync::Arc;

use clorp_context::Context;
use clorp_http::Origins;
use clorp_http::serve::invoked;
use clorp_tests::{World, unlimited};
use lambda_http::request::LambdaRequest;
use lambda_http::{LambdaEvent, Service};
use serde_json::{Value, json};

/// Invokes the board with an event of API Gateway. Returns the function's answer to the gateway.
async fn invoke(world: &World, path: &str, query: &str, host: &str) -> Value {
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
        "headers": { "host": host, "accept-encoding": "gzip" },
        "requestContext": {
            "stage": "$default", "requestId": "request-1", "timeEpoch": 0, "domainName": "api.clorp.example",
            "http": {
                "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test",
            },
        },
        "isBase64Encoded": false,
    });
    let event: LambdaRequest = serde_json::from_value(event).unwrap();
    let event = LambdaEvent::new(event, lambda_http::Context::default());
    let context = Context { store: world.store.clone(), rules: Arc::new(unlimited()), clock: world.clock() };
    let board = clorp_board::router(context, &Origins::default());
    serde_json::to_value(invoked(board).call(event).await.unwrap()).unwrap()
}

fn body(answer: &Value) -> Value {
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}

const HOST: &str = "api.clorp.example";

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_url_is_malformed_is_a_400_and_not_a_panic() {
    let world = World::start().await;
    for (path, query, host) in [
        ("/api/board", "pack=roast wild", HOST),
        ("/api/board", "pack=\u{1}", HOST),
        ("/api/board", "pack=\u{7f}", HOST),
        ("api/board", "", HOST),
        ("", "", HOST),
        ("/api/board", "", "not a host"),
        ("/api/board", "", "999.999.999.999"),
        ("/api/board", "", "host:port"),
    ] {
        let answer = invoke(&world, path, query, host).await;
        let body = body(&answer);
        assert_eq!(
            (&answer["statusCode"], &body["code"]),
            (&json!(400), &json!("malformed_url")),
            "{path}?{query} {host}"
        );
        assert_eq!(
            (&answer["headers"]["x-request-id"], &body["request_id"]),
            (&json!("request-1"), &json!("request-1"))
        );
    }
    let escaped = invoke(&world, "/api/board", "pack=ro%20ast", HOST).await;
    assert_eq!(body(&escaped)["code"], "invalid_pack", "an escaped space reaches the route");
    assert_eq!(invoke(&world, "/api/board", "limit=1", HOST).await["statusCode"], 200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_has_the_gateways_domain_and_not_the_clients_host() {
    let world = World::start().await;
    for _ in 0..2 {
        world.sender.post_drop(100).await;
    }
    let answer = invoke(&world, "/api/board", "limit=1", "evil.example").await;
    let link = answer["headers"]["link"].as_str().unwrap();
    assert!(link.starts_with("<https://api.clorp.example/api/board?limit=1&cursor="), "{link}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_answer_is_binary_and_keeps_every_reason_to_vary() {
    let world = World::start().await;
    let answer = invoke(&world, "/api/openapi.json", "", HOST).await;
    assert_eq!(
        (&answer["isBase64Encoded"], &answer["headers"]["content-encoding"]),
        (&json!(true), &json!("gzip"))
    );
    // The gateway gets one header of each name.
    let vary = answer["headers"]["vary"].as_str().unwrap();
    assert!(vary.contains("accept-encoding") && vary.contains("origin"), "{vary}");
    world.finish().await;
}
