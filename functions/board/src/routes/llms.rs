//! `GET /llms.txt`: the API, for agents.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use clorp_context::Context;
use clorp_http::cache::cacheable_response;
use clorp_http::openapi::ParamErrors;
use clorp_http::{NoParams, Problem};

use crate::llms::page;

/// How to race, for agents: this API in plain words. No credential needed.
///
/// Rules of every request, a walk through a race for workers and for senders, limits, and every operation and object of
/// this document, as Markdown.
#[utoipa::path(
    get, path = "/llms.txt", tag = "board",
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/plain; charset=utf-8", headers(
            ("ETag" = String, description = "Send it back in `If-None-Match`"))),
        (status = 304, description = "You have it already"),
        ParamErrors)
)]
pub(crate) async fn llms(
    _: NoParams,
    headers: HeaderMap,
    State(context): State<Context>,
) -> Result<Response, Problem> {
    Ok(cacheable_response(&headers, 300, "text/plain; charset=utf-8", page(&context.rules).into_bytes()))
}
