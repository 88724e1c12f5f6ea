//! `GET /api/keys`: list the caller's API keys.

use axum::extract::State;
use axum::response::Response;
use clorp_context::Context;
use clorp_http::openapi::{AnyErrors, AuthErrors};
use clorp_http::{ApiQuery, Caller, Paging, Problem, RequestUrl, paging};

use super::KeyBody;

/// List your API keys, newest first, without their secrets.
///
/// A revoked key is not in the list.
#[utoipa::path(
    get, path = "/api/keys", tag = "keys",
    params(Paging),
    responses(
        (status = 200, description = "A page of your keys", body = Vec<KeyBody>,
            headers(
                ("Link" = String, description = "URL of the next page, with `rel=\"next\"`; absent on the last page"),
                ("X-Next-Cursor" = String, description = "Cursor of the next page; absent on the last page"))),
        AuthErrors, AnyErrors)
)]
pub(crate) async fn list(
    caller: Caller,
    url: RequestUrl,
    ApiQuery(paging): ApiQuery<Paging>,
    State(context): State<Context>,
) -> Result<Response, Problem> {
    let page = context.store.api_keys().page(&caller.id, paging.limit()?, paging.cursor.as_deref()).await?;
    let now = context.clock.now();
    Ok(paging::list(&url, page.map(|key| KeyBody::of(key, now))))
}
