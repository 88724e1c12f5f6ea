//! The OpenAPI document: its operations, and checks of responses against them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use clorp_domain::Right;
use clorp_http::openapi::document;
use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

use crate::client::{Answer, Client, WEBHOOK, announcement};
use crate::event_stream::events;
use crate::world::World;

/// Schema and name of the optional properties. Every other one is `null` if it has no value.
const OPTIONAL_PROPERTIES: [(&str, &str); 2] = [("ErrorBody", "field"), ("ErrorBody", "right")];
/// Documented headers that a response may omit.
const OPTIONAL_HEADERS: [&str; 3] = ["Link", "X-Next-Cursor", "Idempotency-Replayed"];

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(merged()).expect("the document is JSON"));
static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(read_routes);
/// The components of the document, with the strictness of [`require_all`] and [`close`].
static COMPONENTS: LazyLock<Value> = LazyLock::new(read_components);
/// The schema of the events of a stream.
static TIMELINE: LazyLock<Value> = LazyLock::new(|| {
    let event = "#/components/schemas/TimelineEvent";
    json!({ "type": "array", "items": { "$ref": event } })
});
/// Validators by the text of their schema. One takes milliseconds to compile, and a test needs a few of
/// hundreds.
static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// The name of each function, with its part of the document.
pub fn parts() -> [(&'static str, OpenApi); 8] {
    [
        ("drops", clorp_drops::openapi()),
        ("board", clorp_board::openapi()),
        ("wallet", clorp_wallet::openapi()),
        ("connect", clorp_connect::openapi()),
        ("stripe-webhook", clorp_stripe_webhook::openapi()),
        ("uploads", clorp_uploads::openapi()),
        ("users", clorp_users::openapi()),
        ("verify", clorp_verify::openapi()),
    ]
}

/// The document of all functions together.
pub fn merged() -> OpenApi {
    document(env!("CARGO_PKG_VERSION"), parts().map(|(_, part)| part))
}

/// One operation of the document.
#[derive(Debug)]
pub struct Route {
    /// Method.
    pub method: Method,
    /// Path with its parameters, such as `/api/jobs/{id}`.
    pub path: String,
    /// The operation object of the document, with its shared responses filled in.
    pub operation: Value,
    promises: BTreeMap<u16, Promise>,
}

/// The documented response of one status.
#[derive(Debug)]
struct Promise {
    /// Media type and schema, if the response has a body.
    body: Option<(String, Value)>,
    headers: Vec<String>,
    description: String,
}

/// Every operation of the merged document. Tests that iterate over it cover new operations without a change.
pub fn routes() -> &'static [Route] {
    &ROUTES
}

/// The paths of every read that anybody may make.
pub fn public_reads() -> impl Iterator<Item = &'static str> + Clone {
    let public = routes().iter().filter(|route| route.method == Method::GET && !route.requires_credential());
    public.map(|route| route.path.as_str())
}

/// The operation that serves a request, if the document has one.
pub fn route(method: &Method, path: &str) -> Option<&'static Route> {
    let path = path.split('?').next().unwrap_or(path);
    let candidates = routes().iter().filter(|route| fits(&route.path, path));
    // A literal segment wins over a parameter, whatever the method.
    let best = candidates.clone().map(|route| route.path.matches('{').count()).min()?;
    let mut candidates = candidates.filter(|route| route.path.matches('{').count() == best);
    candidates.find(|route| route.method == method)
}

fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    let mut pairs = pattern.iter().zip(&path);
    pattern.len() == path.len()
        && pairs.all(|(one, other)| one == other || (one.starts_with('{') && !other.is_empty()))
}

impl Route {
    /// Method and path, such as `GET /api/jobs/{id}`.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The statuses that the document names.
    pub fn statuses(&self) -> BTreeSet<u16> {
        self.promises.keys().copied().collect()
    }

    /// Tells if the operation requires a credential.
    pub fn requires_credential(&self) -> bool {
        self.operation["security"].as_array().is_some_and(|security| !security.is_empty())
    }

    /// The rights of which a key needs one. Empty if no key has access.
    ///
    /// # Panics
    /// Panics if the document does not state them.
    pub fn rights(&self) -> Vec<Right> {
        let words = self.operation["x-policy"]["rights"].as_array();
        let words = words.unwrap_or_else(|| panic!("{} states no rights", self.name()));
        let parse = |word: &Value| word.as_str().and_then(|word| word.parse().ok()).expect("a right");
        words.iter().map(parse).collect()
    }

    /// The user with a credential that the route accepts: a session where no key has access.
    pub fn caller(&self, world: &World, user: &Client) -> Client {
        let session = self.requires_credential() && self.rights().is_empty();
        if session { world.browser(user, 3600) } else { user.clone() }
    }

    /// The path with the id of a drop or a user filled in.
    pub fn at(&self, drop: &str, user: &str) -> String {
        // Routes about API keys also get the drop's id. No key has it, so they refuse the request.
        let id = if self.path.starts_with("/api/users/") { user } else { drop };
        let path = self.path.replace("{id}", id);
        assert!(!path.contains('{'), "{path} has a parameter without a test value");
        path
    }

    /// Sends the request, with a valid body if the method takes one.
    pub async fn send(&self, client: &Client, path: &str, headers: &[(&str, &str)]) -> Answer {
        if self.path == WEBHOOK {
            let body = self.body().expect("a webhook event has a body");
            return client.post_webhook_to(path, body, headers).await;
        }
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        client.send(self.method.clone(), path, self.body(), &all).await
    }

    fn body(&self) -> Option<Vec<u8>> {
        let body = match self.path.as_str() {
            "/api/jobs/run" => json!({ "prompt": "Roast this build", "confirmed": true }),
            "/api/jobs/{id}/submit" => json!({ "output_text": "An output" }),
            "/api/uploads" => announcement("notes.txt", "text/plain", b"Notes"),
            "/api/agents" => json!({ "name": "Roastmaster" }),
            "/api/wallet/auto-topup" => json!({ "threshold_cents": 500 }),
            "/api/wallet/topup" | "/api/wallet/withdraw" => json!({ "amount_cents": 500 }),
            "/api/keys" => json!({ "name": "A key", "rights": ["keys"] }),
            "/api/verify" => json!({ "criteria": "A tagline for a bakery", "output_text": "You knead us." }),
            "/api/cli/login/approve" | "/api/cli/login/deny" => json!({ "user_code": "BCDF-GHJK" }),
            "/api/cli/token" => json!({ "device_code": "0".repeat(32) }),
            // The account's owner does not exist, so the event changes nothing.
            WEBHOOK => json!({
                "id": "evt_nobody", "type": "account.updated", "created": 0,
                "data": { "object": {
                    "id": "acct_nobody", "payouts_enabled": true, "metadata": { "user_id": "nobody" },
                } },
            }),
            _ => json!({}),
        };
        (self.method != Method::GET).then(|| body.to_string().into_bytes())
    }

    /// The first deviation of a response's status, headers or body from the document.
    pub fn violation(&self, answer: &Answer) -> Option<String> {
        let Some(promise) = self.promises.get(&answer.status.as_u16()) else {
            return Some("the document names no such status".to_owned());
        };
        // A request from a foreign origin, or with several credentials, is refused before its rate limit is
        // known.
        let unlimited = ["\"foreign_origin\"", "\"ambiguous_authorization\""];
        let limited = !unlimited.iter().any(|code| answer.text.contains(code));
        let mut expected = promise.headers.iter().filter(|name| limited || !name.starts_with("RateLimit"));
        if let Some(header) = expected.find(|header| answer.header(header).is_none()) {
            return Some(format!("the documented {header} is missing"));
        }
        if let Some(code) = promise.undocumented_code(answer) {
            return Some(format!("the document does not name the code {code} here"));
        }
        let Some((media_type, schema)) = &promise.body else {
            return (!answer.text.is_empty()).then(|| "the document names no body".to_owned());
        };
        if answer.header("content-type") != Some(media_type) {
            return Some(format!("the document says {media_type}"));
        }
        let (schema, body) = match media_type.as_str() {
            "application/json" => (schema, answer.json()),
            // The document describes the stream as text, and its events by a schema of their own.
            "text/event-stream" => match events(&answer.text) {
                Ok(events) => (&*TIMELINE, Value::Array(events)),
                Err(violation) => return Some(violation),
            },
            _ => (schema, json!(answer.text)),
        };
        let schema = validator(schema);
        let errors = schema.iter_errors(&body).map(|error| format!("{}: {error}", error.instance_path()));
        let errors: Vec<String> = errors.collect();
        (!errors.is_empty()).then(|| errors.join("; "))
    }
}

fn read_routes() -> Vec<Route> {
    let mut routes = Vec::new();
    for (path, operations) in DOCUMENT["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            if ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
                let operation = resolved(operation);
                let responses = operation["responses"].as_object().expect("responses").iter();
                let promises = responses
                    .map(|(status, response)| {
                        let status = status.parse().expect("a status is a number");
                        (status, Promise::read(response))
                    })
                    .collect();
                routes.push(Route { method, path: path.clone(), operation, promises });
            }
        }
    }
    assert!(routes.len() >= 30, "only {} operations were found", routes.len());
    routes
}

/// An operation with the component in place of each reference to a response, and with the description that
/// the reference carries. A public operation has no rate limit headers, which the component names for others.
fn resolved(operation: &Value) -> Value {
    let mut operation = operation.clone();
    let public = operation["security"] == json!([]);
    for response in operation["responses"].as_object_mut().expect("responses").values_mut() {
        let Some(reference) = response["$ref"].as_str() else { continue };
        let mut shared = DOCUMENT.pointer(&reference[1..]).expect("a shared response").clone();
        if let Some(description) = response.get("description") {
            shared["description"] = description.clone();
        }
        if let Some(headers) = shared["headers"].as_object_mut() {
            headers.retain(|name, _| !(public && name.starts_with("RateLimit")));
        }
        *response = shared;
    }
    operation
}

impl Promise {
    /// The error's code, if the description of its status does not name it. Codes of a 400 are not checked,
    /// because there is one for each rule about a field.
    fn undocumented_code(&self, answer: &Answer) -> Option<String> {
        let body: Value = serde_json::from_str(&answer.text).ok().filter(|_| answer.status.as_u16() > 400)?;
        let code = body["code"].as_str()?;
        (!self.description.contains(&format!("`{code}`"))).then(|| code.to_owned())
    }

    fn read(response: &Value) -> Self {
        let body = response["content"].as_object().map(|content| {
            let (media_type, body) = content.iter().next().expect("a media type");
            (media_type.clone(), body["schema"].clone())
        });
        let headers = response["headers"].as_object().into_iter().flat_map(|headers| headers.keys());
        let headers = headers.filter(|name| !OPTIONAL_HEADERS.contains(&name.as_str())).cloned().collect();
        let description = response["description"].as_str().expect("a description").to_owned();
        Self { body, headers, description }
    }
}

fn read_components() -> Value {
    let mut components = DOCUMENT["components"].clone();
    require_all(&mut components["schemas"]);
    close(&mut components);
    components
}

/// The validator of a response's schema.
fn validator(schema: &Value) -> Arc<Validator> {
    let mut known = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
    let validator = known.entry(schema.to_string()).or_insert_with(|| Arc::new(compile(schema.clone())));
    Arc::clone(validator)
}

fn compile(mut schema: Value) -> Validator {
    close(&mut schema);
    // References in the schema are relative to the root of the document.
    schema["components"] = COMPONENTS.clone();
    let options = jsonschema::draft202012::options().should_validate_formats(true);
    options.build(&schema).unwrap_or_else(|error| panic!("{error}: {schema}"))
}

/// Requires every property of every schema, because the API writes `null` instead of omitting a property.
fn require_all(schemas: &mut Value) {
    for (name, schema) in schemas.as_object_mut().expect("schemas") {
        if let Some(properties) = schema["properties"].as_object() {
            let properties = properties
                .keys()
                .filter(|property| !OPTIONAL_PROPERTIES.contains(&(name.as_str(), property.as_str())));
            schema["required"] = properties.cloned().collect();
        }
    }
}

/// Forbids properties that a schema does not name. The parts of an `allOf` stay open, because they complement
/// each other.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.contains_key("$ref") {
                map.insert("unevaluatedProperties".to_owned(), json!(false));
            }
            for (key, value) in map {
                match value {
                    Value::Array(parts) if key == "allOf" => {
                        parts.iter_mut().filter(|part| part["$ref"].is_null()).for_each(close);
                    }
                    value => close(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(close),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderName};

    use super::*;

    /// A response with these headers, and with the rate limit headers of every authenticated response.
    fn answer(status: u16, headers: &[(&'static str, &str)], body: &Value) -> Answer {
        let headers =
            [headers, &[("ratelimit", "\"read\";r=1;t=1"), ("ratelimit-policy", "\"read\";q=1;w=1")]]
                .concat();
        let header = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), value.parse().expect("a header"))
        };
        Answer {
            status: status.try_into().expect("a status"),
            headers: headers.iter().map(header).collect::<HeaderMap>(),
            text: if body.is_null() { String::new() } else { body.to_string() },
            operation: None,
        }
    }

    /// Checks that a response of `operation` is valid, or that its violation contains the expected words.
    fn check(operation: (&Method, &str), answer: &Answer, expected: Option<&str>) {
        let violation = route(operation.0, operation.1).expect("an operation").violation(answer);
        match (&violation, expected) {
            (None, None) => {}
            (Some(violation), Some(words)) => {
                assert!(violation.contains(words), "{violation} is not {words}")
            }
            _ => panic!("{violation:?} is not {expected:?}"),
        }
    }

    const JSON: (&str, &str) = ("content-type", "application/json");

    #[test]
    fn a_status_a_header_or_a_body_outside_the_document_is_found() {
        let board = (&Method::GET, "/api/board?limit=1");
        let tag = ("etag", "\"x\"");
        check(board, &answer(200, &[JSON, tag], &json!([])), None);
        check(board, &answer(200, &[JSON], &json!([])), Some("ETag is missing"));
        check(board, &answer(200, &[tag], &json!([])), Some("says application/json"));
        check(board, &answer(200, &[JSON, tag], &json!({})), Some("not of type \"array\""));
        check(board, &answer(404, &[JSON], &json!({})), Some("no such status"));
        check(board, &answer(304, &[tag], &Value::Null), None);
        check(board, &answer(304, &[tag], &json!([])), Some("no body"));
    }

    #[test]
    fn an_event_outside_the_document_is_found() {
        let logs = (&Method::GET, "/api/jobs/01A/logs");
        let stream = |event: &str, data: &str| Answer {
            text: format!("retry: 1\nid: 1-0\nevent: {event}\ndata: {data}\n\n"),
            ..answer(200, &[("content-type", "text/event-stream")], &Value::Null)
        };
        let data = r#"{"at":"2026-01-02T03:04:05.678Z","price_cents":5}"#;
        check(logs, &stream("created", data), None);
        check(logs, &stream("created", "{}"), Some("is not valid under"));
        check(logs, &stream("opened", data), Some("is not valid under"));
        check(logs, &stream("nonsense", data), Some("is not valid under"));
        check(
            logs,
            &stream("created", &data.replace("\"at\"", "\"who\":1,\"at\"")),
            Some("is not valid under"),
        );
        check(logs, &stream("created", &data.replace(',', "\n,")), Some("no field"));
    }

    #[test]
    fn a_property_that_is_unknown_missing_or_malformed_is_found() {
        let status = (&Method::GET, "/api/users/status");
        let good =
            json!({ "id": "a", "status": "open", "title": "b", "created_at": "2026-01-02T03:04:05.678Z" });
        check(status, &answer(200, &[JSON], &json!([good])), None);
        for (property, value, words) in [
            ("created_at", json!("yesterday"), "date-time"),
            ("title", json!(null), "not of type \"string\""),
            ("sender", json!("c"), "unexpected"),
        ] {
            let mut bad = good.clone();
            bad[property] = value;
            check(status, &answer(200, &[JSON], &json!([bad])), Some(words));
        }
        check(status, &answer(200, &[JSON], &json!([{}])), Some("required"));
    }

    #[test]
    fn an_error_may_omit_its_field_and_a_refused_payment_has_more_fields() {
        let (run, get) = ((&Method::POST, "/api/jobs/run"), (&Method::GET, "/api/jobs/01A"));
        let mut body = json!({ "error": "a", "code": "not_found", "request_id": "c" });
        check(get, &answer(404, &[JSON], &body), None);
        check(run, &answer(402, &[JSON], &body), Some("does not name the code not_found"));
        body["code"] = json!("insufficient_balance");
        check(run, &answer(402, &[JSON], &body), Some("required"));
        for (property, value) in [
            ("payment_required", json!(true)),
            ("required", json!(2)),
            ("available", json!(1)),
            ("id", json!("d")),
        ] {
            body[property] = value;
        }
        check(run, &answer(402, &[JSON], &body), None);
        check(get, &answer(404, &[JSON], &body), Some("does not name the code"));
        body["secret"] = json!(1);
        check(run, &answer(402, &[JSON], &body), Some("unexpected"));
    }

    #[test]
    fn a_path_matches_the_operation_that_the_router_would_choose() {
        let name = |method: &Method, path: &str| route(method, path).map(Route::name);
        assert_eq!(name(&Method::POST, "/api/jobs/run?a=b").unwrap(), "POST /api/jobs/run");
        assert_eq!(name(&Method::GET, "/api/jobs/run"), None, "a 405");
        assert_eq!(name(&Method::GET, "/api/jobs/01A").unwrap(), "GET /api/jobs/{id}");
        assert_eq!(name(&Method::GET, "/api/users/status").unwrap(), "GET /api/users/status");
        assert_eq!(name(&Method::GET, "/api/jobs/"), None);
        assert_eq!(name(&Method::HEAD, "/api/jobs"), None);
    }
}
