//! `GET /api/jobs`: list the caller's posted drops.

use axum::extract::State;
use axum::response::Response;
use clorp_domain::Status;
use clorp_http::openapi::{AnyErrors, AuthErrors};
use clorp_http::paging::{list as page_of, page_limit};
use clorp_http::{ApiQuery, Caller, Problem, RequestUrl, words};
use clorp_store::Page;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::App;
use crate::wire::DropBody;

/// Filter and page of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Only drops with this status.
    #[param(value_type = Option<words::DropStatus>)]
    status: Option<String>,
    /// Maximum number of items, 1 to 100; the default is 50. A shorter page may still have a next page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i32>,
    /// Start of the page: the `X-Next-Cursor` of the previous page. The first page if left out.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

fn parse_status(word: Option<&str>) -> Result<Option<Status>, Problem> {
    word.map(str::parse).transpose().map_err(|_| {
        let message = format!("Status must be one of {}", Status::ALL.map(Status::as_str).join(", "));
        Problem::invalid("status", "invalid_status", message)
    })
}

/// List the drops that you posted, newest first.
///
/// With a `status`, a page may be empty and still have a next page.
#[utoipa::path(
    get, path = "/api/jobs", tag = "drops", params(ListParams),
    responses(
        (status = 200, description = "A page of your drops", body = Vec<DropBody>, headers(
            ("Link" = String, description = "URL of the next page, with `rel=\"next\"`; absent on the last page"),
            ("X-Next-Cursor" = String, description = "Cursor of the next page; absent on the last page"))),
        AuthErrors, AnyErrors)
)]
pub(crate) async fn list(
    caller: Caller,
    ApiQuery(params): ApiQuery<ListParams>,
    url: RequestUrl,
    State(app): State<App>,
) -> Result<Response, Problem> {
    let status = parse_status(params.status.as_deref())?;
    let limit = page_limit(params.limit)?;
    let after = params.cursor.as_deref();
    let page = app.context.store.drops().by_sender(&caller.id, status, limit, after).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for (drop, brief, output) in page.items {
        items.push(app.view(&drop, brief, output, &caller.id).await?);
    }
    Ok(page_of(&url, Page { items, next: page.next }))
}
