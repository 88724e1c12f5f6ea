//! Extractors: the arguments that handlers take from a request. Every rejection is a [`Problem`].

use std::str::FromStr;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_path_to_error::Segment;

use crate::problem::Problem;

/// Largest request body in bytes. Fits the longest output with every character escaped.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// A JSON body. As a response, the same as `axum::Json`.
#[derive(Clone, Copy, Debug)]
pub struct ApiJson<T>(pub T);

impl<T: Serialize> IntoResponse for ApiJson<T> {
    fn into_response(self) -> Response {
        Json(self.0).into_response()
    }
}

impl<T, S> FromRequest<S> for ApiJson<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let json = is_json(request.headers());
        let bytes = read_body(request, state).await?;
        if !json {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Send the body as Content-Type: application/json",
            ));
        }
        parse(&bytes).map(Self)
    }
}

/// The body byte for byte, with any content type.
#[derive(Clone, Debug)]
pub struct RawBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        read_body(request, state).await.map(Self)
    }
}

/// An absent body, or an empty JSON object.
#[derive(Clone, Copy, Debug)]
pub struct NoBody;

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Empty {}

        let bytes = read_body(request, state).await?;
        if !bytes.is_empty() {
            let Empty {} = parse(&bytes)?;
        }
        Ok(Self)
    }
}

/// An optional JSON body; `T::default()` if the request has none.
#[derive(Clone, Copy, Debug)]
pub struct OptionalJson<T>(pub T);

impl<T, S> FromRequest<S> for OptionalJson<T>
where
    T: DeserializeOwned + Default,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = read_body(request, state).await?;
        if bytes.is_empty() { Ok(Self(T::default())) } else { parse(&bytes).map(Self) }
    }
}

/// Deserializes a field that is present, even as `null`, to `Some`. With `#[serde(default)]`, an absent field
/// is `None`.
///
/// # Errors
/// Errors of the value's own deserialization.
pub fn deserialize_present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Reads the whole body, up to [`MAX_BODY_BYTES`].
pub(crate) async fn read_body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection: BytesRejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let message = format!("The body must be at most {MAX_BODY_BYTES} bytes");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", message)
        } else {
            Problem::new(StatusCode::BAD_REQUEST, "invalid_body", "The body could not be read")
        }
    })
}

/// Tells whether the body may be JSON. A request without a content type is read as JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    let Ok(value) = value.to_str() else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if std::str::from_utf8(bytes).is_err() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_json", "The body is not valid UTF-8"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let pointer = pointer(error.path());
        let inner = error.into_inner();
        if inner.is_data() { invalid_field(pointer, &inner) } else { invalid_json(&inner) }
    })?;
    deserializer.end().map_err(|error| invalid_json(&error))?;
    Ok(value)
}

fn invalid_json(error: &serde_json::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_json", format!("The body is not valid JSON: {error}"))
}

fn invalid_field(pointer: String, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let message = text.split(" at line ").next().unwrap_or_default();
    let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    match unknown {
        Some(name) if pointer.is_empty() => {
            Problem::invalid(format!("/{}", escape(name)), "unknown_field", format!("Unknown field {name}"))
        }
        Some(name) => Problem::invalid(pointer, "unknown_field", format!("Unknown field {name}")),
        None => Problem::invalid(pointer, "invalid_type", format!("Wrong type of value: {message}")),
    }
}

/// Converts a path to a JSON pointer (RFC 6901), which is empty for the body as a whole.
fn pointer(path: &serde_path_to_error::Path) -> String {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } => Some(format!("/{}", escape(key))),
            Segment::Enum { variant } => Some(format!("/{}", escape(variant))),
            Segment::Unknown => None,
        })
        .collect()
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Query parameters. An unknown parameter is an error.
#[derive(Clone, Copy, Debug)]
pub struct ApiQuery<T>(pub T);

impl<T, S> FromRequestParts<S> for ApiQuery<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(invalid_query(&rejection.body_text())),
        }
    }
}

/// Converts axum's rejection, whose text is the only place that names the parameter.
fn invalid_query(text: &str) -> Problem {
    let message = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(text);
    let mut ticked = message.split('`').skip(1);
    if message.contains("unknown field `") {
        let name = ticked.next().unwrap_or_default();
        return Problem::invalid(name, "unknown_parameter", format!("Unknown parameter {name}"));
    }
    // For a bad value the text begins with the parameter's name; for a duplicate the name is in backticks.
    let name = message.split_once(": ").map(|(name, _)| name).or_else(|| ticked.next()).unwrap_or_default();
    Problem::invalid(name, "invalid_parameter", format!("Invalid parameter: {message}"))
}

/// An empty query: any parameter is an error.
#[derive(Clone, Copy, Debug)]
pub struct NoParams;

impl<S: Send + Sync> FromRequestParts<S> for NoParams {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Empty {}

        let ApiQuery(Empty {}) = ApiQuery::from_request_parts(parts, state).await?;
        Ok(Self)
    }
}

/// An identifier in the path. A malformed identifier is a 404, like an unknown one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathId<T>(pub T);

impl<T, S> FromRequestParts<S> for PathId<T>
where
    T: FromStr,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text: Path<String> =
            Path::from_request_parts(parts, state).await.map_err(|_| Problem::not_found())?;
        text.parse().map(Self).map_err(|_| Problem::not_found())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Body {
        count: Option<i64>,
        vars: Option<std::collections::BTreeMap<String, String>>,
    }

    fn check(body: &[u8], code: &str, field: Option<&str>) {
        let problem = parse::<Body>(body).unwrap_err();
        let shown = String::from_utf8_lossy(body).chars().take(60).collect::<String>();
        assert_eq!(
            (problem.status, problem.code.as_ref()),
            (StatusCode::BAD_REQUEST, code),
            "{shown}: {}",
            problem.message
        );
        assert_eq!(problem.field.as_deref(), field, "{shown}: {}", problem.message);
    }

    #[test]
    fn a_malformed_body_is_reported_with_its_code_and_field() {
        check(b"", "invalid_json", None);
        check(b"{", "invalid_json", None);
        check(b"{} {}", "invalid_json", None);
        check(b"\xff\xfe", "invalid_json", None);
        check(b"[]x", "invalid_type", Some(""));
        check(br#"{"count": "1"}"#, "invalid_type", Some("/count"));
        check(br#"{"count": 1.0}"#, "invalid_type", Some("/count"));
        check(br#"{"count": 9223372036854775808}"#, "invalid_type", Some("/count"));
        check(br#"{"vars": {"a/b": 1}}"#, "invalid_type", Some("/vars/a~1b"));
        check(br#"{"balance_cents": 1}"#, "unknown_field", Some("/balance_cents"));
        let deep = format!(r#"{{"vars": {}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        check(deep.as_bytes(), "invalid_type", Some("/vars"));
    }
}
