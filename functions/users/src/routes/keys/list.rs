//! `GET /api/keys`: the caller's API keys.

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use clorp_context::Context;
use clorp_http::openapi::{AnyErrors, AuthErrors};
use clorp_http::{ApiQuery, Caller, Paging, Problem, paging};

use super::KeyBody;

/// Your API keys, newest first, without their secrets.
#[utoipa::path(
    get, path = "/api/keys", tag = "keys", security(("api_key" = [])),
    params(Paging),
    responses(
        (status = 200, description = "The keys", body = Vec<KeyBody>,
            headers(
                ("Link" = String, description = "The next page, `rel=\"next\"`; absent on the last one"),
                ("X-Next-Cursor" = String, description = "The `cursor` of the next page; absent on the last one"))),
        AuthErrors, AnyErrors)
)]
pub(crate) async fn list(
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    ApiQuery(paging): ApiQuery<Paging>,
    State(context): State<Context>,
) -> Result<Response, Problem> {
    let page = context.store.keys(&caller.id, paging.limit()?, paging.cursor.as_deref()).await?;
    let now = context.clock.now();
    Ok(paging::list(&uri, page.map(|key| KeyBody::of(key, now))))
}
