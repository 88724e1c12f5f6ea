//! Whole requests. The first line of the input is the method and the path, the lines up to an empty one are
//! headers, and the rest is the body.
//!
//! Nobody is a caller without a credential that was issued, and no request is a server error.

use std::sync::LazyLock;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use clorp_context::new_ulid;
use clorp_domain::{ApiKey, KeyId, Rights, StoredKey, User, UserId};
use clorp_http::error_codes::ERROR_CODES;
use clorp_http::extract::OptionalJson;
use clorp_http::serve::finish_for_callers;
use clorp_http::{
    ApiJson, ApiQuery, Authenticator, Caller, NewIds, Origins, Paging, Problem, RateClass, Right, Routes,
    route,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower::ServiceExt;
use utoipa::ToSchema;

use crate::support::{DATABASE, SHARED, USER, block_on};
use crate::{Shape, Target, ensure};

pub const TARGET: Target = Target {
    name: "request",
    subject: "whole requests: credentials, idempotency keys, origins, bodies",
    valid,
    words: &[
        "GET /things",
        "POST /things",
        "DELETE /things",
        "?limit=5",
        "?cursor=x",
        "\n",
        "\n\n",
        "Authorization: ",
        "Bearer ",
        "bearer",
        "Basic ",
        "clorp_",
        "Cookie: sb-127-auth-token=",
        "base64-",
        "Idempotency-Key: ",
        "Origin: ",
        "null",
        "https://clorp.example",
        "https://api.clorp.example",
        "Host: api.clorp.example",
        "Sec-Fetch-Site: same-origin",
        "Content-Type: application/json",
        "Content-Type: text/plain",
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
        "If-None-Match: *",
        "Accept-Encoding: gzip",
        "X-Forwarded-For: ",
        "{\"note\":\"a\"}",
        "{\"note\":1}",
        ", ",
    ],
    check,
    shapes: &[
        Shape {
            name: "headers",
            make: |bytes| ["GET /things\n", &"X-A: b\n".repeat(bytes / 7), "\n"].concat().into(),
            most: 60_000,
        },
        Shape {
            name: "keys with commas",
            make: |bytes| {
                format!("GET /things\nAuthorization: {}\n\n", "Bearer a,".repeat(bytes / 9)).into_bytes()
            },
            most: 1 << 20,
        },
        Shape {
            name: "dots of a token",
            make: |bytes| {
                format!("GET /things\nAuthorization: Bearer {}\n\n", ".".repeat(bytes)).into_bytes()
            },
            most: 1 << 20,
        },
        Shape {
            name: "a body",
            make: |bytes| {
                format!("POST /things\nAuthorization: Bearer {}\n\n{}", key(), "[".repeat(bytes)).into_bytes()
            },
            most: 1 << 20,
        },
    ],
};

/// A note.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Thing {
    /// The note.
    note: Option<String>,
}

/// The caller's id, and an id for a new thing.
#[derive(Debug, Serialize, ToSchema)]
struct Made {
    /// The caller.
    caller: String,
    /// The thing.
    id: String,
}

/// List things.
#[utoipa::path(get, path = "/things", responses((status = 200, body = Made)))]
async fn list(caller: Caller, _paging: ApiQuery<Paging>) -> Result<ApiJson<Made>, Problem> {
    Ok(ApiJson(Made { caller: caller.id.to_string(), id: String::new() }))
}

/// Make a thing.
#[utoipa::path(post, path = "/things", responses((status = 200, body = Made)))]
async fn make(caller: Caller, ids: NewIds, _thing: OptionalJson<Thing>) -> Result<ApiJson<Made>, Problem> {
    let id = ids.ulid("thing", DATABASE.context.clock.now()).to_string();
    Ok(ApiJson(Made { caller: caller.id.to_string(), id }))
}

/// The key's owner.
const OWNER: &str = "owner-of-a-key";

/// The one key that was issued.
static KEY: LazyLock<ApiKey> = LazyLock::new(|| {
    let key = ApiKey::from_random(std::array::from_fn(|at| (at * 11 % 62) as u8));
    let owner: UserId = OWNER.parse().expect("an id");
    block_on(async {
        let (store, now) = (&DATABASE.context.store, DATABASE.context.clock.now());
        let _ = store.users().create(&User::new(owner.clone(), "Owner", None, now)).await.expect("a user");
        let stored = StoredKey::new(KeyId::new(new_ulid(now)), &key, owner, now);
        let stored = StoredKey { rights: Rights::ALL, last_used_at: Some(now), ..stored };
        let _ = store.api_keys().create(&stored, 10).await.expect("a key");
    });
    key
});

static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    let origins = Origins::parse("https://clorp.example").expect("an origin");
    let authenticator = Authenticator::new(DATABASE.context.clone(), Some(SHARED.sessions.clone()), origins);
    let routes = Routes::new().with_caller(RateClass::Read, Right::Read, route!(list)).with_caller(
        RateClass::Read,
        Right::Work,
        route!(make),
    );
    finish_for_callers(routes, (), authenticator)
});

fn key() -> &'static str {
    KEY.expose()
}

fn valid() -> Vec<Vec<u8>> {
    let session = serde_json::json!({ "access_token": SHARED.issued[0], "refresh_token": "r" }).to_string();
    let cookies = clorp_sessions::cookie::encode(&SHARED.cookie, &session);
    let cookies: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let cookies = cookies.join("; ");
    [
        format!("GET /things?limit=5\nAuthorization: Bearer {}\n\n", key()),
        format!(
            "POST /things\nAuthorization: Bearer {}\nIdempotency-Key: k-1\nContent-Type: application/json\n\n{{\"note\":\"a\"}}",
            key()
        ),
        format!("GET /things\nAuthorization: Bearer {}\n\n", SHARED.issued[0]),
        format!("POST /things\nCookie: theme=dark; {cookies}\nOrigin: https://clorp.example\nHost: api.clorp.example\n\n"),
    ]
    .map(String::into_bytes)
    .to_vec()
}

/// The request of an input; `None` for an input that no client could send.
fn parse(input: &[u8]) -> Option<Request<Body>> {
    let (mut lines, mut rest) = (Vec::new(), input);
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, tail) = (&rest[..end], &rest[end + 1..]);
        rest = tail;
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let (method, uri) = std::str::from_utf8(lines.first()?).ok()?.split_once(' ')?;
    let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).ok()?).uri(uri);
    for line in &lines[1..] {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        request = request.header(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?);
    }
    request.body(Body::from(rest.to_vec())).ok()
}

/// True if a request carries a credential that was issued, somewhere in its headers.
fn shows_credential(request: &Request<Body>) -> (bool, bool) {
    let headers = request.headers();
    let bearer = headers.get_all("authorization").iter().filter_map(|value| value.to_str().ok());
    let tokens: Vec<&str> = bearer.flat_map(|value| value.split([' ', ','])).collect();
    let has_cookie = headers.contains_key("cookie");
    (tokens.contains(&key()), has_cookie || tokens.contains(&SHARED.issued[0].as_str()))
}

fn check(input: &[u8]) -> Result<(), String> {
    let Some(request) = parse(input) else { return Ok(()) };
    let (has_key, may_have_session) = shows_credential(&request);
    let response = block_on(ROUTER.clone().oneshot(request)).map_err(|error| error.to_string())?;
    let (parts, body) = response.into_parts();
    let body = block_on(to_bytes(body, usize::MAX)).map_err(|error| error.to_string())?;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let code = body["code"].as_str().unwrap_or_default();
    // The keys of the project with a shared secret cannot be fetched, which a token may ask for.
    let is_fault = parts.status.is_server_error() && parts.status != StatusCode::SERVICE_UNAVAILABLE;
    ensure(!is_fault, || format!("{} {body}", parts.status))?;
    ensure(parts.headers.contains_key("x-request-id"), || "no id".to_owned())?;
    if parts.status.is_client_error() && !body.is_null() {
        ensure(ERROR_CODES.contains(&code), || format!("{} {body}", parts.status))?;
    }
    match body["caller"].as_str() {
        None => Ok(()),
        Some(OWNER) => ensure(has_key, || "a caller without the key".to_owned()),
        Some(USER) => ensure(may_have_session, || "a caller without a session".to_owned()),
        Some(other) => Err(format!("the caller {other}")),
    }
}
