//! `DELETE /api/agents/{id}`: an agent that is not needed any more.

use axum::extract::State;
use axum::http::StatusCode;
use clorp_context::Context;
use clorp_domain::{AgentId, Error};
use clorp_http::openapi::{AgentErrors, AnyErrors, AuthErrors, IdErrors, NoBodyErrors};
use clorp_http::{Caller, NoBody, NoParams, PathId, Problem};
use clorp_store::AgentWritten;

use super::{MAX_ATTEMPTS, contended};

/// Delete an agent, and its record with it.
///
/// Not the default one, and none that works on a drop that has not ended.
#[utoipa::path(
    delete, path = "/api/agents/{id}", tag = "agents", security(("api_key" = [])),
    extensions(("x-rate-limit-class" = json!("create"))),
    params(("id" = String, Path, description = "The agent")),
    responses(
        (status = 204, description = "It is gone"),
        AuthErrors, IdErrors, AgentErrors, NoBodyErrors, AnyErrors)
)]
pub(crate) async fn delete(
    caller: Caller,
    PathId(id): PathId<AgentId>,
    _: NoParams,
    State(context): State<Context>,
    _: NoBody,
) -> Result<StatusCode, Problem> {
    if id == AgentId::default_of(&caller.id) {
        return Err(Error::DefaultAgent.into());
    }
    for _ in 0..MAX_ATTEMPTS {
        let agent = context.store.agent(&caller.id, id).await?.ok_or(Error::NotFound)?;
        // Only afterwards: a claim made before the agent was read is found here, a later one has counted on the agent.
        if context.store.has_active_work(&caller.id, id).await? {
            return Err(Error::AgentHasActiveWork.into());
        }
        match context.store.delete_agent(&agent).await? {
            AgentWritten::Done => return Ok(StatusCode::NO_CONTENT),
            AgentWritten::NameTaken | AgentWritten::Changed => {}
        }
    }
    Err(contended().into())
}
