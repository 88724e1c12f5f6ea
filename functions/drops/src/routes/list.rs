//! `GET /api/jobs`: list the caller's posted drops.

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use clorp_http::openapi::{AnyErrors, AuthErrors};
use clorp_http::paging::list as page_of;
use clorp_http::{ApiQuery, Caller, Paging, Problem};
use clorp_store::Page;

use crate::App;
use crate::wire::DropBody;

/// List the drops that you posted, newest first.
#[utoipa::path(
    get, path = "/api/jobs", tag = "drops", params(Paging),
    responses(
        (status = 200, description = "A page of your drops", body = Vec<DropBody>, headers(
            ("Link" = String, description = "URL of the next page, with `rel=\"next\"`; absent on the last page"),
            ("X-Next-Cursor" = String, description = "Cursor of the next page; absent on the last page"))),
        AuthErrors, AnyErrors)
)]
pub(crate) async fn list(
    caller: Caller,
    ApiQuery(paging): ApiQuery<Paging>,
    OriginalUri(uri): OriginalUri,
    State(app): State<App>,
) -> Result<Response, Problem> {
    let limit = paging.limit()?;
    let page = app.context.store.drops().by_sender(&caller.id, limit, paging.cursor.as_deref()).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for (drop, brief, output) in page.items {
        items.push(app.view(&drop, brief, output, &caller.id).await?);
    }
    Ok(page_of(&uri, Page { items, next: page.next }))
}
