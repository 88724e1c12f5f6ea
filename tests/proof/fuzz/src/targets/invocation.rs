//! Events that Lambda invokes a function with. The input is the event's JSON, or the path and query of one.
//!
//! Every event that the runtime can read gets an answer, because a panic would end the instance.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Request;
use base64::prelude::{BASE64_STANDARD, Engine};
use clorp_http::serve::invoked;
use lambda_http::request::LambdaRequest;
use lambda_http::{LambdaEvent, Service};
use serde_json::{Value, json};

use crate::support::block_on;
use crate::{Shape, Target, ensure};

pub const TARGET: Target = Target {
    name: "invocation",
    subject: "events of the gateway",
    valid,
    words: &[
        "\"rawPath\":",
        "\"rawQueryString\":",
        "\"headers\":",
        "\"host\":",
        "\"x-forwarded-proto\":",
        "\"cookies\":[\"a=b\"]",
        "\"body\":",
        "\"isBase64Encoded\":true",
        "\"domainName\":",
        "\"stage\":\"$default\"",
        "\"stage\":\"prod\"",
        "/api/board",
        "/prod/api",
        "a b",
        "[::1",
        "999.999.999.999",
        "host:port",
        "\\u0001",
        "%zz",
        "@",
        "://",
    ],
    check,
    shapes: &[
        Shape { name: "a long path", make: |bytes| "/a".repeat(bytes / 2).into_bytes(), most: 1 << 20 },
        Shape { name: "dots", make: |bytes| "/..".repeat(bytes / 3).into_bytes(), most: 1 << 20 },
        Shape {
            name: "a long query",
            make: |bytes| format!("/?{}", "a=b&".repeat(bytes / 4)).into_bytes(),
            most: 1 << 20,
        },
        Shape {
            name: "characters to escape",
            make: |bytes| format!("/{}", "é".repeat(bytes / 2)).into_bytes(),
            most: 1 << 20,
        },
    ],
};

static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    Router::new().fallback(async |request: Request| format!("{} {}", request.method(), request.uri()))
});

fn event(path: &str, query: &str, host: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
        "headers": { "host": host, "accept-encoding": "gzip", "x-forwarded-proto": "https" },
        "requestContext": {
            "accountId": "1", "apiId": "a", "stage": "$default", "requestId": "request-1", "timeEpoch": 0,
            "domainName": "api.clorp.example",
            "http": { "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test" },
        },
        "isBase64Encoded": false,
    })
}

fn valid() -> Vec<Vec<u8>> {
    let post = json!({ "body": "{\"prompt\":\"a\"}", "cookies": ["a=b", "c=d"] });
    let mut with_body = event("/api/jobs/run", "", "api.clorp.example");
    for (name, value) in post.as_object().into_iter().flatten() {
        with_body[name] = value.clone();
    }
    let plain = event("/api/board", "pack=roast&limit=5", "api.clorp.example");
    let texts = [plain.to_string(), with_body.to_string(), "/api/board?pack=roast".to_owned()];
    texts.map(String::into_bytes).to_vec()
}

fn invoke(event: Value) -> Result<(), String> {
    // The gateway encodes a body itself, so no client makes one that cannot be decoded.
    let is_sound = event["isBase64Encoded"] != true
        || event["body"].as_str().is_none_or(|body| BASE64_STANDARD.decode(body).is_ok());
    if !is_sound {
        return Ok(());
    }
    let Ok(request) = serde_json::from_value::<LambdaRequest>(event) else { return Ok(()) };
    // The gateway sends no other kind of event, and the conversion of those is not the project's.
    if !matches!(request, LambdaRequest::ApiGatewayV2(_)) {
        return Ok(());
    }
    let event = LambdaEvent::new(request, lambda_http::Context::default());
    let answer =
        block_on(invoked(ROUTER.clone()).call(event)).map_err(|error| format!("a fault: {error}"))?;
    let answer = serde_json::to_value(answer).map_err(|error| error.to_string())?;
    let status = &answer["statusCode"];
    ensure(*status == 200 || *status == 400, || answer.to_string())
}

fn check(input: &[u8]) -> Result<(), String> {
    if let Ok(event) = serde_json::from_slice::<Value>(input) {
        invoke(event)?;
    }
    let text = String::from_utf8_lossy(input);
    let (path, query) = text.split_once('?').unwrap_or((&text, ""));
    invoke(event(path, query, "api.clorp.example"))?;
    invoke(event("/api/board", "", &text))
}
