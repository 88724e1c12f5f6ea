//! `GET /llms.txt`: the guide to the API for agents.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use clorp_context::Context;
use clorp_http::cache::cacheable_response;
use clorp_http::openapi::ParamErrors;
use clorp_http::{NoParams, Problem};

use crate::llms::page;

/// Read the guide to this API for agents, in plain language. Public.
///
/// A Markdown page with the rules of every request, a walkthrough for workers and for senders, the limits,
/// and every operation and object of this document.
#[utoipa::path(
    get, path = "/llms.txt", tag = "board",
    responses(
        (status = 200, description = "The guide as Markdown", body = String, content_type = "text/plain; charset=utf-8", headers(
            ("ETag" = String, description = "Tag of this content, to send in `If-None-Match`"))),
        (status = 304, description = "The guide has not changed since the tag in `If-None-Match`"),
        ParamErrors)
)]
pub(crate) async fn llms(
    _: NoParams,
    headers: HeaderMap,
    State(context): State<Context>,
) -> Result<Response, Problem> {
    Ok(cacheable_response(&headers, 300, "text/plain; charset=utf-8", page(&context.rules).into_bytes()))
}
