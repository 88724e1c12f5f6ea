//! Rules that every route shares: paths, methods, bodies, parameters, headers, faults.

use std::collections::BTreeSet;

use clorp_tests::client::WEBHOOK;
use clorp_tests::document::routes;
use clorp_tests::{Answer, Client, Fault, Options, World};
use reqwest::Method;
use serde_json::{Value, json};

use super::support::{assert_without, post, with};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_path_is_a_json_404() {
    let world = World::start().await;
    let unknown =
        ["/api", "/api/", "/api/nope", "/api/jobs/x/y/z", "/api/board/", "/api/Board", "/", "/nope"];
    for path in unknown {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            for client in [&world.anon, &world.sender] {
                let answer = client.send(method.clone(), path, None, &[]).await;
                assert_eq!(answer.status.as_u16(), 404, "{method} {path}: {}", answer.text);
                answer.expect_error(404, "not_found");
                assert_eq!(answer.header("content-type"), Some("application/json"));
            }
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsupported_method_is_a_405_that_lists_the_allowed_ones() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    let routes = routes();
    for route in routes {
        let path = route.at(&drop, &world.sender.id);
        let supported: BTreeSet<&Method> =
            routes.iter().filter(|other| other.path == route.path).map(|other| &other.method).collect();
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            if supported.contains(&method) {
                continue;
            }
            let answer = world.sender.send(method.clone(), &path, None, &[]).await;
            assert_eq!(answer.status.as_u16(), 405, "{method} {path}: {}", answer.text);
            answer.expect_error(405, "method_not_allowed");
            let allow = answer.header("allow").unwrap_or_else(|| panic!("{method} {path} has no Allow"));
            let allowed: BTreeSet<&str> =
                allow.split(',').map(str::trim).filter(|method| *method != "HEAD").collect();
            assert_eq!(allowed, supported.iter().map(|method| method.as_str()).collect(), "{path}");
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_declared_as_json_is_a_415() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    let routes = routes();
    let with_body: Vec<_> =
        routes.iter().filter(|route| !route.operation["responses"]["415"].is_null()).collect();
    assert!(with_body.len() >= 2, "{}", with_body.len());
    for route in with_body {
        let (path, sender) = (route.at(&drop, &world.sender.id), route.caller(&world, &world.sender));
        for declared in
            ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json", ""]
        {
            let body = Some(b"{}".to_vec());
            let answer = sender.send(route.method.clone(), &path, body, &[("content-type", declared)]).await;
            answer.expect_error(415, "unsupported_media_type");
        }
    }
    for declared in ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.clorp+json"] {
        let body = Some(br#"{"prompt": "Roast"}"#.to_vec());
        world
            .sender
            .send(Method::POST, "/api/jobs/run", body, &[("content-type", declared)])
            .await
            .expect(200);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversized_body_is_a_413() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    let large = vec![b' '; clorp_http::extract::MAX_BODY_BYTES + 1];
    for route in routes().iter().filter(|route| route.method == Method::POST) {
        let (path, sender) = (route.at(&drop, &world.sender.id), route.caller(&world, &world.sender));
        let answer = sender.send(Method::POST, &path, Some(large.clone()), &JSON).await;
        assert_eq!(answer.status.as_u16(), 413, "{path}: {}", answer.text);
        answer.expect_error(413, "payload_too_large");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_body_is_a_400_on_every_post() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let deep_field = format!("{{\"attachments\": {deep}}}");
    let bodies: Vec<Vec<u8>> = vec![
        b"\xff\xfe".to_vec(),
        b"{\"prompt\": \"\xc3\x28\", \"output_text\": \"x\"}".to_vec(),
        b"{".to_vec(),
        b"{\"prompt\": \"Roa".to_vec(),
        b"not json".to_vec(),
        b" ".to_vec(),
        b"\"text\"".to_vec(),
        b"1".to_vec(),
        b"null".to_vec(),
        b"true".to_vec(),
        b"[1, 2, 3, 4, 5, 6, 7, 8]".to_vec(),
        b"{} {}".to_vec(),
        b"{}x".to_vec(),
        deep.into_bytes(),
        deep_field.into_bytes(),
    ];
    for route in routes().iter().filter(|route| route.method == Method::POST) {
        let (path, sender) = (route.at(&drop, &world.sender.id), route.caller(&world, &world.sender));
        let is_optional = route.operation["responses"]["415"].is_null();
        for body in bodies.iter().filter(|body| !is_optional || *body != b"null") {
            let shown: String = String::from_utf8_lossy(body).chars().take(60).collect();
            let answer = sender.send(Method::POST, &path, Some(body.clone()), &JSON).await;
            assert_eq!(answer.status.as_u16(), 400, "{path} {shown}: {}", answer.text);
            let error = answer.json();
            assert!(error["code"].is_string() && error["request_id"].is_string(), "{path} {shown}: {error}");
        }
    }
    assert_eq!(world.sender.balance().await, 19_900, "nothing was charged");
    world.finish().await;
}

/// Sends a body as it is written.
async fn send(client: &Client, method: Method, path: &str, body: impl AsRef<[u8]>) -> Answer {
    client.send(method, path, Some(body.as_ref().to_vec()), &JSON).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_must_be_an_object_on_every_route_that_reads_one() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    let writes = routes().iter().filter(|route| route.method != Method::GET && route.path != WEBHOOK);
    for route in writes {
        let (path, sender) = (route.at(&drop, &world.sender.id), route.caller(&world, &world.sender));
        for body in [r#"["x", null, null, "wild", 100, 60, true]"#, "[1000]", "[]", "1", "true", r#""x""#] {
            let answer = send(&sender, route.method.clone(), &path, body).await;
            assert_eq!(answer.status.as_u16(), 400, "{} {path} {body}: {}", route.method, answer.text);
            answer.expect_field(400, "invalid_type", "");
            assert_eq!(answer.json()["error"], "The body must be a JSON object");
        }
    }
    assert_eq!(world.sender.balance().await, 19_900, "nothing was charged");
    assert_eq!(world.sender.get("/api/jobs").await.expect(200).as_array().unwrap().len(), 1);
    let keys = world.sender.get("/api/keys").await.expect(200);
    assert_eq!(keys.as_array().unwrap().len(), 1, "no key was made: {keys}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn null_is_no_body_where_a_body_is_optional() {
    let world = World::start().await;
    let worker = &world.workers[0];
    for (action, status) in [("claim", 201), ("release", 200), ("reserve", 201), ("fail", 200)] {
        let drop = post(&world.sender, "roast", 100).await;
        if status == 200 {
            worker.claim(&drop).await.expect(201);
        }
        let path = format!("/api/jobs/{drop}/{action}");
        send(worker, Method::POST, &path, "null").await.expect(status);
    }
    let drop = post(&world.sender, "roast", 100).await;
    send(&world.sender, Method::POST, &format!("/api/jobs/{drop}/cancel"), "null").await.expect(200);
    send(&world.sender, Method::POST, "/api/whoami", "null").await.expect(200);
    send(&world.sender, Method::POST, "/api/jobs/run", "null").await.expect_field(400, "invalid_type", "");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_whose_value_is_an_integer_is_an_integer() {
    let world = World::start().await;
    let run = async |price: &str, seconds: &str| {
        let body = format!(r#"{{"prompt": "x", "price_cents": {price}, "time_limit_seconds": {seconds}}}"#);
        send(&world.sender, Method::POST, "/api/jobs/run", body).await
    };
    for (price, seconds) in [("1000", "60"), ("1000.0", "60.00"), ("1e3", "6e1"), ("10.0e+2", "600E-1")] {
        let estimate = run(price, seconds).await.expect(200);
        assert_eq!(
            (&estimate["estimated_price_cents"], &estimate["estimated_time_limit_seconds"]),
            (&json!(1000), &json!(60))
        );
    }
    for bad in ["1000.5", "1e-1", "1e300", "99999999999999999999", "\"1000\"", "[1000]", "true"] {
        run(bad, "60").await.expect_field(400, "invalid_type", "/price_cents");
        run("1000", bad).await.expect_field(400, "invalid_type", "/time_limit_seconds");
    }
    let topup = send(&world.sender, Method::POST, "/api/wallet/topup", r#"{"amount_cents": 500.5}"#).await;
    topup.expect_field(400, "invalid_type", "/amount_cents");
    send(&world.sender, Method::POST, "/api/wallet/topup", r#"{"amount_cents": 500.0}"#).await.expect(200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_name_is_a_400_that_points_to_it() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    for (path, body, field) in [
        ("/api/jobs/run".to_owned(), r#"{"prompt": "a", "prompt": "b"}"#, "/prompt"),
        (
            "/api/jobs/run".to_owned(),
            r#"{"prompt": "a", "confirmed": false, "confirmed": true}"#,
            "/confirmed",
        ),
        (
            "/api/jobs/run".to_owned(),
            r#"{"prompt": "a", "envVars": {"A/B": "1", "A/B": "2"}}"#,
            "/envVars/A~1B",
        ),
        (
            "/api/jobs/run".to_owned(),
            r#"{"prompt": "a", "attachments": [{"id": "a", "id": "b"}]}"#,
            "/attachments/0/id",
        ),
        (format!("/api/jobs/{drop}/submit"), r#"{"output_text": "a", "output_text": "a"}"#, "/output_text"),
        (format!("/api/jobs/{drop}/claim"), r#"{"agentId": null, "agentId": null}"#, "/agentId"),
        ("/api/wallet/topup".to_owned(), r#"{"amount_cents": 500, "amount_cents": 500}"#, "/amount_cents"),
        ("/api/wallet/auto-topup".to_owned(), r#"{"enabled": false, "enabled": true}"#, "/enabled"),
        ("/api/wallet/withdraw".to_owned(), r#"{"amount_cents": 500, "amount_cents": 501}"#, "/amount_cents"),
    ] {
        let answer = send(&world.workers[0], Method::POST, &path, body).await;
        assert_eq!(answer.status.as_u16(), 400, "{path} {body}: {}", answer.text);
        answer.expect_field(400, "duplicate_field", field);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_no_text_is_a_400_that_points_to_it() {
    let world = World::start().await;
    for (body, field) in [
        ("\u{feff}{\"prompt\": \"a\"}", ""),
        (r#"{"prompt": "a \ud83c b"}"#, "/prompt"),
        (r#"{"prompt": "a \udf89 b"}"#, "/prompt"),
        (r#"{"prompt": "a", "envVars": {"A": "\ud83c"}}"#, "/envVars/A"),
        (r#"{"prompt": "a", "attachments": [{}, {"id": "\udf89"}]}"#, "/attachments/1/id"),
    ] {
        let answer = send(&world.sender, Method::POST, "/api/jobs/run", body).await;
        assert_eq!(answer.status.as_u16(), 400, "{body}: {}", answer.text);
        answer.expect_field(400, "invalid_json", field);
    }
    send(&world.sender, Method::POST, "/api/jobs/run", r#"{"prompt": "a \ud83c\udf89 b"}"#).await.expect(200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_accepted_in_the_spelling_of_the_responses() {
    let world = World::start().await;
    let worker = &world.workers[0];
    let agent = worker.make_agent("Spelled").await;
    let order = json!({ "prompt": "x", "env_vars": { "A": "b" }, "confirmed": true });
    let drop = world.sender.post("/api/jobs/run", order).await.expect(201);
    assert_eq!(drop["env_vars"], json!({ "A": "b" }));
    let drop = drop["id"].as_str().unwrap();
    let claim = format!("/api/jobs/{drop}/claim");
    let both = json!({ "agentId": agent, "agent_id": agent });
    worker.post(&claim, both.clone()).await.expect_field(400, "duplicate_field", "/agentId");
    let claimed = worker.post(&claim, json!({ "agent_id": agent })).await.expect(201);
    assert_eq!(claimed["your_claim"]["agent_id"], json!(agent), "{claimed}");
    let submit = format!("/api/jobs/{drop}/submit");
    let mut output = both;
    output["output_text"] = json!("x");
    worker.post(&submit, output).await.expect_field(400, "duplicate_field", "/agentId");
    worker.post(&submit, json!({ "output_text": "x", "agent_id": agent })).await.expect(201);
    let both = json!({ "prompt": "x", "env_vars": {}, "envVars": {} });
    world.sender.post("/api/jobs/run", both).await.expect_field(400, "duplicate_field", "/envVars");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_has_a_word_of_the_implementation() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    let mut bodies: Vec<String> =
        ["{", "[]", "{}}", "nul", r#"{"a": "\ud83c"}"#, r#"{"a": 1, "a": 2}"#, r#"{"a": 1e999}"#]
            .map(str::to_owned)
            .into();
    let names = [
        "prompt",
        "envVars",
        "attachments",
        "pack",
        "price_cents",
        "confirmed",
        "output_text",
        "agentId",
        "amount_cents",
        "enabled",
        "name",
        "expires_at",
        "spend_policy",
        "criteria",
        "user_code",
        "size_bytes",
        "sha256",
        "reason",
    ];
    for name in names {
        for value in ["1.5", "1e30", "[7]", "{\"x\": 7}", "true", "\"\""] {
            bodies.push(format!(r#"{{"{name}": {value}}}"#));
        }
    }
    let check = |answer: &Answer, request: &str| {
        if answer.status.as_u16() >= 400 {
            let message = answer.json()["error"].as_str().unwrap().to_lowercase();
            assert_without(
                &message,
                [
                    "`", "expected", "serde", "deserial", "struct", "i64", "i32", "eof", "enum", "variant",
                    "sequence", "floating",
                ],
            );
            assert!(!message.contains("invalid type"), "{request}: {message}");
        }
    };
    for route in routes().iter().filter(|route| route.method != Method::GET && route.path != WEBHOOK) {
        let path = route.at(&drop, &world.sender.id);
        for body in &bodies {
            check(&send(&world.sender, route.method.clone(), &path, body).await, body);
        }
    }
    for route in routes() {
        for query in [
            "limit=x",
            "limit=1.5",
            "limit=1&limit=2",
            "limit=999999999999",
            "cursor=x",
            "min_price_cents=x",
            "x=1",
        ] {
            let path = with(&route.at(&drop, &world.sender.id), query);
            check(&route.send(&world.sender, &path, &[]).await, &path);
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_response_is_compressed_on_request_and_an_event_stream_never_is() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = async |path: &str, encoding: &str| {
        let request = http.get(world.sender.url(path)).header("accept-encoding", encoding);
        request.header("authorization", world.sender.authorization().unwrap()).send().await.unwrap()
    };
    let plain = get("/api/openapi.json", "identity").await;
    assert_eq!(plain.headers().get("content-encoding"), None);
    let tag = plain.headers()["etag"].to_str().unwrap().to_owned();
    let plain = plain.bytes().await.unwrap();
    let packed = get("/api/openapi.json", "br, gzip;q=0.8").await;
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert!(
        packed
            .headers()
            .get_all("vary")
            .iter()
            .any(|vary| vary.to_str().unwrap().contains("accept-encoding"))
    );
    let weak = packed.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(weak, format!("W/{tag}"), "the tag of other bytes is not a strong one");
    let packed = packed.bytes().await.unwrap();
    assert!(packed.starts_with(b"\x1f\x8b") && packed.len() * 4 < plain.len(), "{} bytes", packed.len());
    for tag in [&tag, &weak] {
        let headers = [("if-none-match", tag.as_str()), ("accept-encoding", "gzip")];
        world.anon.get_with("/api/openapi.json", &headers).await.expect(304);
    }
    let job = format!("/api/jobs/{drop}");
    let long = json!({ "prompt": "long ".repeat(1000) });
    let long = world.sender.post("/api/jobs/run", long).await;
    assert_eq!(long.header("content-encoding"), None, "a client that asks for nothing gets plain JSON");
    for path in [job.as_str(), &format!("{job}/logs"), "/api/board/stats"] {
        let answer = get(path, "gzip").await;
        let length = answer.headers().get("content-length").map(|length| length.to_str().unwrap().to_owned());
        let packed = answer.headers().contains_key("content-encoding");
        let is_stream = path.ends_with("logs");
        assert!(!packed || (!is_stream && length.is_none()), "{path}");
        assert!(packed || is_stream || length.unwrap().parse::<u32>().unwrap() < 1024, "{path}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_query_parameter_is_a_400_on_every_route() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    for route in routes() {
        let path = with(&route.at(&drop, &world.sender.id), "nonsense=1");
        let answer = route.send(&route.caller(&world, &world.sender), &path, &[]).await;
        assert_eq!(answer.status.as_u16(), 400, "{} {path}: {}", route.method, answer.text);
        answer.expect_field(400, "unknown_parameter", "nonsense");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_body_field_is_a_400_on_every_authenticated_write() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    // The webhook is exempt, because Stripe may add fields to its events.
    for route in routes().iter().filter(|route| route.method != Method::GET && route.requires_credential()) {
        let path = route.at(&drop, &world.sender.id);
        let body = br#"{"balance_cents": 1000000}"#.to_vec();
        let sender = route.caller(&world, &world.sender);
        let answer = sender.send(route.method.clone(), &path, Some(body), &JSON).await;
        assert_eq!(answer.status.as_u16(), 400, "{path}: {}", answer.text);
        answer.expect_field(400, "unknown_field", "/balance_cents");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn head_answers_as_get_does_without_the_body() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    for route in routes().iter().filter(|route| route.method == Method::GET) {
        let path = route.at(&drop, &world.sender.id);
        let get = world.sender.get(&path).await;
        let head = world.sender.send(Method::HEAD, &path, None, &[]).await;
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
        for name in ["content-type", "cache-control", "etag"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_response_has_a_unique_request_id() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    let mut ids = BTreeSet::new();
    let mut count = 0;
    let mut collect = |answer: &clorp_tests::Answer, request: &str| {
        let id = answer.header("x-request-id").unwrap_or_else(|| panic!("{request} has no request id"));
        assert!(!id.is_empty(), "{request}");
        if answer.status.as_u16() >= 400 {
            assert_eq!(answer.json()["request_id"], id, "{request}");
        }
        ids.insert(id.to_owned());
        count += 1;
    };
    for route in routes() {
        let path = route.at(&drop, &world.sender.id);
        for client in [&world.sender, &world.anon, &world.stranger] {
            collect(&route.send(client, &path, &[]).await, &path);
            collect(&client.send(Method::PUT, &path, None, &[]).await, &path);
            collect(&client.get(&format!("{path}/nope/nope")).await, &path);
        }
    }
    let tag = world.anon.get("/api/board").await.header("etag").unwrap().to_owned();
    let unchanged = world.anon.get_with("/api/board", &[("if-none-match", &tag)]).await;
    unchanged.expect(304);
    collect(&unchanged, "a 304");
    assert_eq!(ids.len(), count, "a request id was repeated");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn private_responses_forbid_caching() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    for route in routes().iter().filter(|route| route.requires_credential()) {
        let path = route.at(&drop, &world.sender.id);
        for client in [&world.sender, &world.stranger, &world.anon] {
            let answer = route.send(client, &path, &[]).await;
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{} {path}", answer.status);
            assert_eq!(answer.header("etag"), None, "{path}");
        }
    }
    world.anon.get("/api/board?limit=0").await.expect(400);
    assert_eq!(world.anon.get("/api/board?limit=0").await.header("cache-control"), Some("no-store"));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unavailable_table_is_a_503_with_retry_after() {
    let world = World::with(Options { proxied: true, ..Options::default() }).await;
    let drop = post(&world.sender, "roast", 100).await;
    let proxy = world.proxy.as_ref().unwrap();
    for path in [
        "/api/users/status".to_owned(),
        "/api/jobs".to_owned(),
        format!("/api/jobs/{drop}"),
        "/api/wallet/balance".to_owned(),
        "/api/stripe/connect/status".to_owned(),
    ] {
        proxy.fail("GetItem", Fault::ServerError, 12);
        let answer = world.sender.get(&path).await;
        assert_eq!(answer.status.as_u16(), 503, "{path}: {}", answer.text);
        let body: Value = answer.expect_error(503, "unavailable");
        assert!(body["field"].is_null(), "{body}");
        let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds));
        let lower = answer.text.to_lowercase();
        assert_without(
            &lower,
            ["aws", "dynamo", "amazon", "getitem", "internalservererror", "127.0.0.1", "clorp\""],
        );
        // Retry until the faults are used up; then the request succeeds.
        for _ in 0..12 {
            if proxy.faults_left() == 0 {
                break;
            }
            world.sender.get(&path).await;
        }
        assert_eq!(proxy.faults_left(), 0);
        world.sender.get(&path).await.expect(200);
    }
    world.finish().await;
}
