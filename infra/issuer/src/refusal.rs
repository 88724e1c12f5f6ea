//! Refusals, in the two forms that Supabase has given them.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::civil::{Date, date};
use serde_json::json;

/// The header in which a client names the version of the API that it knows.
pub const API_VERSION: HeaderName = HeaderName::from_static("x-supabase-api-version");
/// The header with the error's code, for the gateway.
pub const ERROR_CODE: HeaderName = HeaderName::from_static("x-sb-error-code");
/// The version from which on `code` is the error's code. Before, it was the status.
const CODES: Date = date(2024, 1, 1);

/// The code and the message of a refusal, beside its response.
#[derive(Clone, Debug)]
struct Reason {
    code: String,
    message: String,
}

/// A refusal in the form of the first version.
pub fn error_response(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "code": status.as_u16(), "error_code": code, "msg": message });
    let mut response = (status, Json(body)).into_response();
    if let Ok(code) = HeaderValue::from_str(code) {
        response.headers_mut().insert(ERROR_CODE, code);
    }
    response.extensions_mut().insert(Reason { code: code.to_owned(), message: message.to_owned() });
    response
}

pub fn internal_error(error: &anyhow::Error) -> Response {
    error_response(StatusCode::INTERNAL_SERVER_ERROR, "unexpected_failure", &format!("{error:#}"))
}

/// Gives a refusal the form of the version that the request names.
pub async fn in_version(request: Request, next: Next) -> Response {
    let knows_codes = version(request.headers()).is_some_and(|version| version >= CODES);
    let mut response = next.run(request).await;
    let reason = response.extensions_mut().remove::<Reason>().filter(|_| knows_codes);
    let Some(Reason { code, message }) = reason else { return response };
    let (mut parts, _) = response.into_parts();
    // The length of the other form must not stay.
    parts.headers.remove(axum::http::header::CONTENT_LENGTH);
    parts.headers.insert(API_VERSION, HeaderValue::from_static("2024-01-01"));
    let body = json!({ "code": code, "message": message }).to_string();
    Response::from_parts(parts, body.into())
}

fn version(headers: &HeaderMap) -> Option<Date> {
    headers.get(API_VERSION)?.to_str().ok()?.parse().ok()
}
