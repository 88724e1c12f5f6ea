//! `GET /api/agents/{id}`: read one of the caller's agents.

use axum::extract::State;
use clorp_context::Context;
use clorp_domain::{Agent, AgentId, Error};
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors};
use clorp_http::{ApiJson, Caller, NoParams, PathId, Problem};

use super::AgentBody;

/// Read one of your agents.
///
/// The agent of any other user is a 404.
#[utoipa::path(
    get, path = "/api/agents/{id}", tag = "agents",
    params(("id" = String, Path, description = "Identifier of the agent")),
    responses((status = 200, description = "The requested agent", body = AgentBody), AuthErrors, IdErrors, AnyErrors)
)]
pub(crate) async fn get(
    caller: Caller,
    PathId(id): PathId<AgentId>,
    _: NoParams,
    State(context): State<Context>,
) -> Result<ApiJson<AgentBody>, Problem> {
    let agent = match context.store.agents().get(&caller.id, id).await? {
        Some(agent) => agent,
        None if id == AgentId::default_of(&caller.id) => {
            Agent::default_of(&context.account(&caller.id).await?)
        }
        None => return Err(Error::NotFound.into()),
    };
    Ok(ApiJson(agent.into()))
}
