//! `GET /api/board/stats`: the marketplace's totals.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use clorp_context::Context;
use clorp_http::openapi::AnyErrors;
use clorp_http::{NoParams, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::public;

/// The marketplace's totals.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Stats)]
pub(crate) struct StatsBody {
    /// Drops taking submissions or being judged.
    open_drops: i64,
    /// Their prices, in cents.
    open_bounty_cents: i64,
    /// Drops judged and paid so far.
    completed_drops: i64,
    /// Submissions judged so far.
    submissions: i64,
    /// What winners have received so far, in cents.
    paid_out_cents: i64,
}

/// The marketplace's totals. No credential needed.
#[utoipa::path(
    get, path = "/api/board/stats", tag = "board",
    responses(
        (status = 200, description = "The totals", body = StatsBody, headers(
            ("ETag" = String, description = "Send it back in `If-None-Match`"))),
        (status = 304, description = "You have them already"),
        AnyErrors)
)]
pub(crate) async fn stats(
    _: NoParams,
    headers: HeaderMap,
    State(context): State<Context>,
) -> Result<Response, Problem> {
    let stats = context.store.stats().await?;
    let body = StatsBody {
        open_drops: stats.open_drops,
        open_bounty_cents: stats.open_bounty.get(),
        completed_drops: stats.completed_drops,
        submissions: stats.submissions,
        paid_out_cents: stats.paid_out.get(),
    };
    public(&headers, 2, &body)
}
