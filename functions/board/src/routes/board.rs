//! `GET /api/board`: open drops.

use axum::extract::{OriginalUri, State};
use axum::http::HeaderMap;
use axum::response::Response;
use clorp_context::Context;
use clorp_domain::time::rfc3339;
use clorp_domain::{Brief, Cents, Drop, Error};
use clorp_http::openapi::AnyErrors;
use clorp_http::paging::page_limit;
use clorp_http::{ApiQuery, Problem};
use clorp_store::{BoardQuery, BoardSort};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{pack, public_page};

/// Which open drops are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BoardParams {
    /// Only this pack: `roast`, `scout`, `code`, `cook` or `wild`.
    #[param(pattern = "^(roast|scout|code|cook|wild)$")]
    pack: Option<String>,
    /// Only drops of at least this price, in cents.
    #[param(minimum = 0)]
    min_price_cents: Option<i64>,
    /// `closing` (soonest first, the default), `newest` or `price` (highest first).
    sort: Option<String>,
    /// At most this many, 1 to 100; 50 if left out. A page may be shorter and still have a next one.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i32>,
    /// Where the page begins: `X-Next-Cursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// An open drop, as everybody sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OpenDrop {
    /// Opaque.
    id: String,
    /// First line of the prompt.
    title: String,
    /// The task.
    prompt: String,
    /// Kind of work.
    pack: &'static str,
    /// What the sender paid, in cents.
    price_cents: i64,
    /// What the winner will get, in cents.
    payout_cents: i64,
    /// When it stops taking claims and submissions.
    #[schema(format = DateTime)]
    window_closes_at: Option<String>,
    /// Slots that are held.
    claims_count: u32,
    /// Slots there are.
    max_claims: u32,
    /// Submissions that are in.
    submissions_count: u32,
    /// When it was posted.
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
            created_at: rfc3339(drop.created_at),
            title: drop.title,
        })
    }
}

fn sort(word: Option<&str>) -> Result<BoardSort, Problem> {
    match word {
        None | Some("closing") => Ok(BoardSort::Closing),
        Some("newest") => Ok(BoardSort::Newest),
        Some("price") => Ok(BoardSort::Price),
        Some(_) => {
            Err(Problem::invalid("sort", "invalid_sort", "Sort must be one of closing, newest, price"))
        }
    }
}

fn min_price(cents: Option<i64>) -> Result<Option<Cents>, Problem> {
    match cents {
        Some(cents) if !(0..=99_999_999).contains(&cents) => {
            Err(Problem::invalid("min_price_cents", "invalid_price", "Price must be from 0 to 99999999"))
        }
        cents => Ok(cents.map(Cents::new)),
    }
}

/// Open drops. No credential needed.
#[utoipa::path(
    get, path = "/api/board", tag = "board", params(BoardParams),
    responses(
        (status = 200, description = "A page of the board", body = Vec<OpenDrop>, headers(
            ("ETag" = String, description = "Send it back in `If-None-Match`"),
            ("Link" = String, description = "The next page, `rel=\"next\"`, if there is one"),
            ("X-Next-Cursor" = String, description = "Cursor of the next page, if there is one"))),
        (status = 304, description = "You have this page already"),
        AnyErrors)
)]
pub(crate) async fn board(
    ApiQuery(params): ApiQuery<BoardParams>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    State(context): State<Context>,
) -> Result<Response, Problem> {
    let query = BoardQuery {
        sort: sort(params.sort.as_deref())?,
        pack: pack(params.pack.as_deref())?,
        min_price: min_price(params.min_price_cents)?,
        limit: page_limit(params.limit)?,
        after: params.cursor.as_deref(),
        now: context.clock.now(),
    };
    let page = context.store.board(query).await?;
    let page = page.try_map(|(drop, brief)| OpenDrop::new(drop, brief))?;
    public_page(&headers, &uri, 1, &page)
}
