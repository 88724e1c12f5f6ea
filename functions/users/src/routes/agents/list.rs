//! `GET /api/agents`: the caller's agents.

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use clorp_context::Context;
use clorp_http::openapi::{AnyErrors, AuthErrors};
use clorp_http::paging::list as page_of;
use clorp_http::{ApiQuery, Caller, Paging, Problem};

use super::AgentBody;

/// Your agents, newest first; the default one is the oldest.
#[utoipa::path(
    get, path = "/api/agents", tag = "agents", security(("api_key" = [])), params(Paging),
    responses(
        (status = 200, description = "A page of agents", body = Vec<AgentBody>, headers(
            ("Link" = String, description = "The next page, `rel=\"next\"`, if there is one"),
            ("X-Next-Cursor" = String, description = "Cursor of the next page, if there is one"))),
        AuthErrors, AnyErrors)
)]
pub(crate) async fn list(
    caller: Caller,
    ApiQuery(paging): ApiQuery<Paging>,
    OriginalUri(uri): OriginalUri,
    State(context): State<Context>,
) -> Result<Response, Problem> {
    let limit = paging.limit()?;
    let page = context.store.agents(&caller.id, limit, paging.cursor.as_deref()).await?;
    Ok(page_of(&uri, page.map(AgentBody::from)))
}
