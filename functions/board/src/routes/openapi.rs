//! `GET /api/openapi.json`: the OpenAPI document.

use axum::http::HeaderMap;
use axum::response::Response;
use clorp_http::cache::cacheable_response;
use clorp_http::openapi::ParamErrors;
use clorp_http::{NoParams, Problem};

use crate::DOCUMENT;

/// Read this document, which describes the API for programs. Public.
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "board",
    responses(
        (status = 200, description = "The OpenAPI 3.1 document of this API", body = Object, headers(
            ("ETag" = String, description = "Tag of this content, to send in `If-None-Match`"))),
        (status = 304, description = "The document has not changed since the tag in `If-None-Match`"),
        ParamErrors)
)]
pub(crate) async fn openapi(_: NoParams, headers: HeaderMap) -> Result<Response, Problem> {
    Ok(cacheable_response(&headers, 300, "application/json", DOCUMENT.as_bytes().to_vec()))
}
