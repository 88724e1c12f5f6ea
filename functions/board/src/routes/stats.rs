//! `GET /api/board/stats`: totals of the marketplace.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use clorp_context::Context;
use clorp_http::openapi::AnyErrors;
use clorp_http::{NoParams, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::cacheable_json;

/// Totals of the marketplace.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Stats)]
pub(crate) struct StatsBody {
    /// Number of drops that are open or being judged.
    open_drops: i64,
    /// Sum of the prices of these drops, in cents.
    open_bounty_cents: i64,
    /// Number of drops completed so far.
    completed_drops: i64,
    /// Number of submissions judged so far.
    submissions: i64,
    /// Sum of all payouts to winners so far, in cents.
    paid_out_cents: i64,
}

/// Read totals of the marketplace. Public.
///
/// Caches may keep the response for two seconds.
#[utoipa::path(
    get, path = "/api/board/stats", tag = "board",
    responses(
        (status = 200, description = "The current totals", body = StatsBody, headers(
            ("ETag" = String, description = "Tag of this content, to send in `If-None-Match`"))),
        (status = 304, description = "The totals have not changed since the tag in `If-None-Match`"),
        AnyErrors)
)]
pub(crate) async fn stats(
    _: NoParams,
    headers: HeaderMap,
    State(context): State<Context>,
) -> Result<Response, Problem> {
    let stats = context.store.stats().totals().await?;
    let body = StatsBody {
        open_drops: stats.open_drops,
        open_bounty_cents: stats.open_bounty.get(),
        completed_drops: stats.completed_drops,
        submissions: stats.submissions,
        paid_out_cents: stats.paid_out.get(),
    };
    cacheable_json(&headers, 2, &body)
}
