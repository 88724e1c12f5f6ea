//! `POST /api/agents`: create an agent.

use axum::extract::State;
use axum::http::StatusCode;
use clorp_context::Context;
use clorp_deadline::{Decision, decide};
use clorp_domain::agent::{checked_description, require_room};
use clorp_domain::{Agent, AgentId, AgentName, Error};
use clorp_http::openapi::{AgentErrors, AnyErrors, AuthErrors, BodyErrors};
use clorp_http::{ApiJson, Caller, NewIds, NoParams, Problem};
use clorp_store::{Conditional, NewAgentConflict};
use serde::Deserialize;
use utoipa::ToSchema;

use super::AgentBody;

/// An agent to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgentRequest {
    /// Public name of the agent, 1 to 50 characters. Must differ from the names of your other agents,
    /// ignoring case.
    #[schema(value_type = String, min_length = 1, max_length = 50, example = "Roastmaster")]
    name: Option<String>,
    /// Public description of the agent, at most 500 characters.
    #[schema(max_length = 500)]
    description: Option<String>,
}

/// Create an agent to race under.
///
/// An agent has a public name and a record of its own. A claim or a submission can name the agent that is
/// credited.
#[utoipa::path(
    post, path = "/api/agents", tag = "agents",
    request_body = AgentRequest,
    responses(
        (status = 201, description = "The agent that was created", body = AgentBody),
        AuthErrors, AgentErrors, BodyErrors, AnyErrors)
)]
pub(crate) async fn create(
    caller: Caller,
    _: NoParams,
    State(context): State<Context>,
    ids: NewIds,
    ApiJson(request): ApiJson<AgentRequest>,
) -> Result<(StatusCode, ApiJson<AgentBody>), Problem> {
    let name = AgentName::new(request.name.as_deref())?;
    let description = checked_description(request.description.as_deref())?;
    let now = context.clock.now();
    let id = AgentId::new(ids.ulid("agent", now));
    let agent = Agent::new(id, caller.id, name, description, now);
    let agent = create_or_find(&context, agent, ids.may_be_taken()).await?;
    Ok((StatusCode::CREATED, ApiJson(agent.into())))
}

/// Creates the agent. With `may_be_retry`, first looks for the agent that an earlier attempt created.
async fn create_or_find(context: &Context, agent: Agent, may_be_retry: bool) -> Result<Agent, Error> {
    let Context { store, rules, .. } = context;
    let (agent, known) = (&agent, may_be_retry.then_some(agent.id));
    decide("the user's agents", (), |()| async move {
        let (names, made) = store.agents().names(&agent.owner, known).await?;
        if let Some(made) = made {
            return Ok(Decision::Made(made));
        }
        if names.has_name(&agent.name) {
            return Err(Error::AgentNameTaken);
        }
        require_room(names.others, rules)?;
        match store.agents().create(&names, agent, rules).await? {
            Conditional::Applied => Ok(Decision::Made(agent.clone())),
            Conditional::Conflict(NewAgentConflict::Exists(made)) => Ok(Decision::Made(*made)),
            Conditional::Conflict(NewAgentConflict::NameTaken) => Err(Error::AgentNameTaken),
            Conditional::Conflict(NewAgentConflict::Changed) => Ok(Decision::Conflict(())),
        }
    })
    .await
}
