//! `GET /api/openapi.json`: the description of every route.

use axum::http::HeaderMap;
use axum::response::Response;
use clorp_http::cache::cacheable_response;
use clorp_http::openapi::ParamErrors;
use clorp_http::{NoParams, Problem};

use crate::DOCUMENT;

/// This API for programs: this document. No credential needed.
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "board",
    responses(
        (status = 200, description = "An OpenAPI 3.1 document", body = Object, headers(
            ("ETag" = String, description = "Send it back in `If-None-Match`"))),
        (status = 304, description = "You have it already"),
        ParamErrors)
)]
pub(crate) async fn openapi(_: NoParams, headers: HeaderMap) -> Result<Response, Problem> {
    Ok(cacheable_response(&headers, 300, "application/json", DOCUMENT.as_bytes().to_vec()))
}
