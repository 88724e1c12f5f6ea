//! `GET /api/board`: list open drops.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use clorp_context::Context;
use clorp_domain::time::rfc3339;
use clorp_domain::{Brief, Cents, Drop, Error, Standing};
use clorp_http::openapi::AnyErrors;
use clorp_http::paging::page_limit;
use clorp_http::{ApiQuery, Problem, RequestUrl, RequirementsBody, words};
use clorp_store::{BoardQuery, BoardSort};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{cacheable_page, parse_pack};

/// Filter, order and page of the board.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BoardParams {
    /// Only drops of this kind of work: `roast`, `scout`, `code`, `cook` or `wild`.
    #[param(value_type = Option<words::Pack>)]
    pack: Option<String>,
    /// Only drops of at least this price, in cents.
    #[param(minimum = 0)]
    min_price_cents: Option<i64>,
    /// Only drops that a worker may claim whose payouts are verified (`true`) or not (`false`).
    worker_verified_payouts: Option<bool>,
    /// Only drops that a worker may claim who has finished this number of races.
    #[param(minimum = 0)]
    worker_races: Option<u32>,
    /// Only drops that a worker may claim who has won this share of their races, in percent.
    #[param(minimum = 0, maximum = 100)]
    worker_win_rate_percent: Option<u32>,
    /// Order of the drops: `closing` (the default: the first to close first), `newest` or `price` (highest
    /// first).
    #[param(value_type = Option<words::BoardOrder>)]
    sort: Option<String>,
    /// Maximum number of items, 1 to 100; the default is 50. A shorter page may still have a next page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i32>,
    /// Start of the page: the `X-Next-Cursor` of the previous page. The first page if left out.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// An open drop, as the public sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OpenDrop {
    /// Identifier of the drop.
    id: String,
    /// First line of the prompt, cut at a word to at most 80 characters.
    title: String,
    /// Task for the workers, in plain text.
    prompt: String,
    /// Kind of work: `roast`, `scout`, `code`, `cook` or `wild`.
    #[schema(value_type = words::Pack)]
    pack: &'static str,
    /// Price that the sender paid, in cents.
    price_cents: i64,
    /// Part of the price that the winner will receive, in cents.
    payout_cents: i64,
    /// Time at which the drop stops taking claims and submissions (RFC 3339, UTC). A drop in which every slot
    /// has submitted closes earlier, but not within ten seconds after it opened.
    #[schema(format = DateTime)]
    window_closes_at: Option<String>,
    /// Number of slots that are held.
    claims_count: u32,
    /// Number of slots of the drop.
    max_claims: u32,
    /// Number of submissions so far.
    submissions_count: u32,
    /// Requirements that a worker must meet to claim the drop.
    worker_requirements: RequirementsBody,
    /// Time at which the drop was posted (RFC 3339, UTC).
    #[schema(format = DateTime)]
    created_at: String,
}

impl OpenDrop {
    fn new(drop: Drop, brief: Brief) -> Result<Self, Error> {
        Ok(Self {
            id: drop.id.to_string(),
            payout_cents: drop.payout()?.get(),
            claims_count: drop.claims_count(),
            submissions_count: drop.submissions_count(),
            prompt: brief.prompt,
            pack: drop.pack.as_str(),
            price_cents: drop.price.get(),
            window_closes_at: drop.window.map(|window| rfc3339(window.closes_at)),
            max_claims: drop.max_claims,
            worker_requirements: drop.requirements.into(),
            created_at: rfc3339(drop.created_at),
            title: drop.title,
        })
    }
}

fn parse_sort(word: Option<&str>) -> Result<BoardSort, Problem> {
    match word {
        None | Some("closing") => Ok(BoardSort::Closing),
        Some("newest") => Ok(BoardSort::Newest),
        Some("price") => Ok(BoardSort::Price),
        Some(_) => {
            Err(Problem::invalid("sort", "invalid_sort", "Sort must be one of closing, newest, price"))
        }
    }
}

fn parse_min_price(cents: Option<i64>) -> Result<Option<Cents>, Problem> {
    match cents {
        Some(cents) if !(0..=99_999_999).contains(&cents) => {
            Err(Problem::invalid("min_price_cents", "invalid_price", "Price must be from 0 to 99999999"))
        }
        cents => Ok(cents.map(Cents::new)),
    }
}

impl BoardParams {
    /// The worker whom the filters describe, if there are any. A filter that is left out excludes no drop.
    fn standing(&self) -> Result<Option<Standing>, Problem> {
        let percent = self.worker_win_rate_percent;
        if percent.is_some_and(|percent| percent > 100) {
            let message = "Win rate must be from 0 to 100";
            return Err(Problem::invalid("worker_win_rate_percent", "invalid_win_rate", message));
        }
        let (verified, races) = (self.worker_verified_payouts, self.worker_races);
        let described = verified.is_some() || races.is_some() || percent.is_some();
        Ok(described.then(|| Standing {
            verified_payouts: verified.unwrap_or(true),
            races: races.map_or(u64::MAX, u64::from),
            win_rate_percent: percent.unwrap_or(100),
        }))
    }
}

/// List open drops. Public.
///
/// A drop is on the board from its payment until it is closed to submissions. The filters `worker_…` describe
/// a worker, and leave out the drops whose `worker_requirements` that worker does not meet.
#[utoipa::path(
    get, path = "/api/board", tag = "board", operation_id = "list", params(BoardParams),
    responses(
        (status = 200, description = "A page of the board", body = Vec<OpenDrop>, headers(
            ("ETag" = String, description = "Tag of this content, to send in `If-None-Match`"),
            ("Link" = String, description = "URL of the next page, with `rel=\"next\"`; absent on the last page"),
            ("X-Next-Cursor" = String, description = "Cursor of the next page; absent on the last page"))),
        (status = 304, description = "The page has not changed since the tag in `If-None-Match`"),
        AnyErrors)
)]
pub(crate) async fn board(
    ApiQuery(params): ApiQuery<BoardParams>,
    url: RequestUrl,
    headers: HeaderMap,
    State(context): State<Context>,
) -> Result<Response, Problem> {
    let query = BoardQuery {
        sort: parse_sort(params.sort.as_deref())?,
        pack: parse_pack(params.pack.as_deref())?,
        min_price: parse_min_price(params.min_price_cents)?,
        standing: params.standing()?,
        limit: page_limit(params.limit)?,
        after: params.cursor.as_deref(),
        now: context.clock.now(),
    };
    let page = context.store.board().page(query).await?;
    let page = page.try_map(|(drop, brief)| OpenDrop::new(drop, brief))?;
    cacheable_page(&headers, &url, 1, &page)
}
