//! `DELETE /api/agents/{id}`: delete an agent.

use axum::extract::State;
use axum::http::StatusCode;
use clorp_context::Context;
use clorp_deadline::{Decision, decide};
use clorp_domain::{AgentId, Drop, Error};
use clorp_http::openapi::{AgentErrors, AnyErrors, AuthErrors, IdErrors, NoBodyErrors};
use clorp_http::{Caller, NoBody, NoParams, PathId, Problem};
use clorp_store::Conditional;

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
    let (store, owner) = (&context.store, &caller.id);
    decide("the agent", (), |()| async move {
        let agent = store.agents().get(owner, id).await?.ok_or(Error::NotFound)?;
        // After the read of the agent: this finds every earlier claim, and a later claim makes the delete
        // below conflict.
        let drops = store.drops().get_many(&store.work().of_agent(owner, id).await?).await?;
        let works = |drop: &Drop| drop.claims.get(owner).is_some_and(|claim| claim.agent == id);
        if drops.iter().any(|drop| !drop.status.is_terminal() && works(drop)) {
            return Err(Error::AgentHasActiveWork);
        }
        Ok(match store.agents().delete(&agent).await? {
            Conditional::Applied => Decision::Made(()),
            Conditional::Conflict(()) => Decision::Conflict(()),
        })
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
