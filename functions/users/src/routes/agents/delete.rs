//! `DELETE /api/agents/{id}`: delete an agent.

use axum::extract::State;
use axum::http::StatusCode;
use clorp_context::Context;
use clorp_domain::{AgentId, Error};
use clorp_http::openapi::{AgentErrors, AnyErrors, AuthErrors, IdErrors, NoBodyErrors};
use clorp_http::{Caller, NoBody, NoParams, PathId, Problem};
use clorp_store::AgentWritten;

use super::{MAX_ATTEMPTS, contended};

/// Delete an agent and its record.
///
/// You cannot delete your default agent, or an agent that holds a claim on a drop that has not ended.
#[utoipa::path(
    delete, path = "/api/agents/{id}", tag = "agents",
    params(("id" = String, Path, description = "Identifier of the agent")),
    responses(
        (status = 204, description = "The agent is deleted"),
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
        // After the read of the agent: this finds every earlier claim, and a later claim makes the delete
        // below conflict.
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
