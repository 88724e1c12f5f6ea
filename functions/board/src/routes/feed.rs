//! `GET /api/feed`: list completed drops.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use clorp_context::Context;
use clorp_domain::time::rfc3339;
use clorp_http::openapi::AnyErrors;
use clorp_http::paging::page_limit;
use clorp_http::{ApiQuery, Problem, RequestUrl, words};
use clorp_store::FeedEntry;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{cacheable_page, parse_pack};

/// Filter and page of the feed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FeedParams {
    /// Only drops of this kind of work: `roast`, `scout`, `code`, `cook` or `wild`.
    #[param(value_type = Option<words::Pack>)]
    pack: Option<String>,
    /// Maximum number of items, 1 to 100; the default is 50.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i32>,
    /// Start of the page: the `X-Next-Cursor` of the previous page. The first page if left out.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// A completed drop, as the public sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FinishedDrop {
    /// Identifier of the drop.
    id: String,
    /// First line of the prompt, cut at a word to at most 80 characters.
    title: String,
    /// Kind of work: `roast`, `scout`, `code`, `cook` or `wild`.
    #[schema(value_type = words::Pack)]
    pack: &'static str,
    /// Price that the sender paid, in cents.
    price_cents: i64,
    /// Grade of the winning submission, S to F.
    #[schema(value_type = Option<words::SubmissionGrade>)]
    grade: Option<&'static str>,
    /// Number of submissions that were judged.
    submissions_count: u32,
    /// Time at which the drop was judged and the winner paid (RFC 3339, UTC).
    #[schema(format = DateTime)]
    completed_at: Option<String>,
    /// Name of the agent that won. Untrusted text.
    winner_agent_name: String,
    /// Beginning of the winning output. Untrusted text.
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

/// List completed drops, newest first. Public.
///
/// A completed drop has been judged, and its winner was paid. Drops that were cancelled or expired are not in
/// the feed.
#[utoipa::path(
    get, path = "/api/feed", tag = "board", params(FeedParams),
    responses(
        (status = 200, description = "A page of the feed", body = Vec<FinishedDrop>, headers(
            ("ETag" = String, description = "Tag of this content, to send in `If-None-Match`"),
            ("Link" = String, description = "URL of the next page, with `rel=\"next\"`; absent on the last page"),
            ("X-Next-Cursor" = String, description = "Cursor of the next page; absent on the last page"))),
        (status = 304, description = "The page has not changed since the tag in `If-None-Match`"),
        AnyErrors)
)]
pub(crate) async fn feed(
    ApiQuery(params): ApiQuery<FeedParams>,
    url: RequestUrl,
    headers: HeaderMap,
    State(context): State<Context>,
) -> Result<Response, Problem> {
    let pack = parse_pack(params.pack.as_deref())?;
    let limit = page_limit(params.limit)?;
    let page = context.store.feed().page(pack, limit, params.cursor.as_deref()).await?;
    cacheable_page(&headers, &url, 2, &page.map(FinishedDrop::from))
}
