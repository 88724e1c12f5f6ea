//! `GET /api/openapi.json`: the OpenAPI document.

use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::response::Response;
use clorp_http::cache::cacheable_response;
use clorp_http::openapi::ParamErrors;
use clorp_http::{NoParams, Problem};

use crate::DOCUMENT;

/// The document without its indentation, which is a third of it. No string in JSON has a raw line break, so
/// each line of the indented form can be trimmed on its own.
static COMPACT: LazyLock<String> = LazyLock::new(|| DOCUMENT.lines().map(str::trim_start).collect());

/// Read this document, which describes the API for programs. Public.
///
/// It is meant for generators of typed clients: words of a closed set are enums, and error responses are
/// shared components.
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "board",
    responses(
        (status = 200, description = "The OpenAPI 3.1 document of this API", body = Object, headers(
            ("ETag" = String, description = "Tag of this content, to send in `If-None-Match`"))),
        (status = 304, description = "The document has not changed since the tag in `If-None-Match`"),
        ParamErrors)
)]
pub(crate) async fn openapi(_: NoParams, headers: HeaderMap) -> Result<Response, Problem> {
    Ok(cacheable_response(&headers, 300, "application/json", COMPACT.as_bytes().to_vec()))
}
