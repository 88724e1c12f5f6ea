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

use crate::json;
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
        json::parse_object(&bytes).map(Self)
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

/// An absent body, `null`, or an empty JSON object.
#[derive(Clone, Copy, Debug)]
pub struct NoBody;

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        #[derive(Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Empty {}

        let Empty {} = json::parse_optional(&read_body(request, state).await?)?;
        Ok(Self)
    }
}

/// An optional JSON body; `T::default()` if the request has none, or `null`.
#[derive(Clone, Copy, Debug)]
pub struct OptionalJson<T>(pub T);

impl<T, S> FromRequest<S> for OptionalJson<T>
where
    T: DeserializeOwned + Default,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        json::parse_optional(&read_body(request, state).await?).map(Self)
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

/// Converts axum's rejection. Only its text names the parameter, and no other word of it reaches the client.
fn invalid_query(text: &str) -> Problem {
    let message = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(text);
    let quoted = || message.split('`').nth(1).unwrap_or_default();
    if message.contains("unknown field `") {
        let name = quoted();
        return Problem::invalid(name, "unknown_parameter", format!("Unknown parameter {name}"));
    }
    if message.contains("duplicate field `") {
        let name = quoted();
        let message = format!("Parameter {name} is given more than once");
        return Problem::invalid(name, "invalid_parameter", message);
    }
    // A parameter is a text or an integer, and every text can be read.
    let name = message.split_once(": ").map(|(name, _)| name).unwrap_or_default();
    Problem::invalid(
        name,
        "invalid_parameter",
        format!("Parameter {name} must be an integer within its limits"),
    )
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

    fn check(query: &str, code: &str, field: &str, message: &str) {
        let uri = format!("/?{query}").parse().unwrap();
        let rejection = Query::<crate::Paging>::try_from_uri(&uri).unwrap_err();
        let problem = invalid_query(&rejection.body_text());
        let got = (problem.code.as_ref(), problem.field.as_deref(), problem.message.as_str());
        assert_eq!(got, (code, Some(field), message), "{query}");
    }

    #[test]
    fn a_bad_parameter_is_refused_in_plain_words() {
        check("x=1", "unknown_parameter", "x", "Unknown parameter x");
        let twice = "Parameter limit is given more than once";
        check("limit=1&limit=2", "invalid_parameter", "limit", twice);
        for bad in ["ten", "", "1.5", "99999999999999999999", "%ff"] {
            let message = "Parameter limit must be an integer within its limits";
            check(&format!("limit={bad}"), "invalid_parameter", "limit", message);
        }
    }
}
