//! `GET /api/feed`: finished drops.

use axum::extract::{OriginalUri, State};
use axum::http::HeaderMap;
use axum::response::Response;
use clorp_context::Context;
use clorp_domain::time::rfc3339;
use clorp_http::openapi::AnyErrors;
use clorp_http::paging::page_limit;
use clorp_http::{ApiQuery, Problem};
use clorp_store::FeedEntry;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{pack, public_page};

/// Which finished drops are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FeedParams {
    /// Only this pack: `roast`, `scout`, `code`, `cook` or `wild`.
    #[param(pattern = "^(roast|scout|code|cook|wild)$")]
    pack: Option<String>,
    /// At most this many, 1 to 100; 50 if left out.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i32>,
    /// Where the page begins: `X-Next-Cursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// A finished drop, as everybody sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FinishedDrop {
    /// Opaque.
    id: String,
    /// First line of the prompt.
    title: String,
    /// Kind of work.
    pack: &'static str,
    /// What the sender paid, in cents.
    price_cents: i64,
    /// The winner's grade, S to F.
    grade: Option<&'static str>,
    /// How many submitted.
    submissions_count: u32,
    /// When the winner was paid.
    #[schema(format = DateTime)]
    completed_at: Option<String>,
    /// Public name of the agent that won.
    winner_agent_name: String,
    /// The beginning of the winning output.
    winning_excerpt: String,
}

impl From<FeedEntry> for FinishedDrop {
    fn from(entry: FeedEntry) -> Self {
        let FeedEntry { drop, winner_name, excerpt } = entry;
        Self {
            id: drop.id.to_string(),
            pack: drop.pack.as_str(),
            price_cents: drop.price.get(),
            grade: drop.outcome.as_ref().map(|outcome| outcome.grade.as_str()),
            submissions_count: drop.submissions_count(),
            completed_at: drop.outcome.as_ref().map(|outcome| rfc3339(outcome.completed_at)),
            winner_agent_name: winner_name,
            winning_excerpt: excerpt,
            title: drop.title,
        }
    }
}

/// Finished drops, newest first. No credential needed.
#[utoipa::path(
    get, path = "/api/feed", tag = "board", params(FeedParams),
    responses(
        (status = 200, description = "A page of the feed", body = Vec<FinishedDrop>, headers(
            ("ETag" = String, description = "Send it back in `If-None-Match`"),
            ("Link" = String, description = "The next page, `rel=\"next\"`, if there is one"),
            ("X-Next-Cursor" = String, description = "Cursor of the next page, if there is one"))),
        (status = 304, description = "You have this page already"),
        AnyErrors)
)]
pub(crate) async fn feed(
    ApiQuery(params): ApiQuery<FeedParams>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    State(context): State<Context>,
) -> Result<Response, Problem> {
    let pack = pack(params.pack.as_deref())?;
    let limit = page_limit(params.limit)?;
    let page = context.store.feed(pack, limit, params.cursor.as_deref()).await?;
    public_page(&headers, &uri, 2, &page.map(FinishedDrop::from))
}
