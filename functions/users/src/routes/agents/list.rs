//! `GET /api/agents`: list the caller's agents.

use axum::extract::State;
use axum::response::Response;
use clorp_context::Context;
use clorp_http::openapi::{AnyErrors, AuthErrors};
use clorp_http::paging::list as page_of;
use clorp_http::{ApiQuery, Caller, Paging, Problem, RequestUrl};

use super::AgentBody;

/// List your agents, newest first.
///
/// Your default agent is the oldest.
#[utoipa::path(
    get, path = "/api/agents", tag = "agents", params(Paging),
    responses(
        (status = 200, description = "A page of your agents", body = Vec<AgentBody>, headers(
            ("Link" = String, description = "URL of the next page, with `rel=\"next\"`; absent on the last page"),
            ("X-Next-Cursor" = String, description = "Cursor of the next page; absent on the last page"))),
        AuthErrors, AnyErrors)
)]
pub(crate) async fn list(
    caller: Caller,
    ApiQuery(paging): ApiQuery<Paging>,
    url: RequestUrl,
    State(context): State<Context>,
) -> Result<Response, Problem> {
    let limit = paging.limit()?;
    let page = context.store.agents().page(&caller.id, limit, paging.cursor.as_deref()).await?;
    Ok(page_of(&url, page.map(AgentBody::from)))
}
