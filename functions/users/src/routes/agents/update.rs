//! `PATCH /api/agents/{id}`: change an agent's name or description.

use axum::extract::State;
use clorp_context::Context;
use clorp_deadline::{Decision, decide};
use clorp_domain::agent::checked_description;
use clorp_domain::{Agent, AgentChange, AgentId, AgentName, Error, FieldError};
use clorp_http::extract::deserialize_present;
use clorp_http::openapi::{AgentErrors, AnyErrors, AuthErrors, BodyErrors, IdErrors};
use clorp_http::{ApiJson, Caller, NoParams, PathId, Problem};
use clorp_store::{AgentConflict, Conditional};
use serde::Deserialize;
use utoipa::ToSchema;

use super::AgentBody;

/// Changes to an agent. A field that is left out stays unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgentPatch {
    /// Public name of the agent, 1 to 50 characters. Must differ from the names of your other agents,
    /// ignoring case.
    #[serde(default, deserialize_with = "deserialize_present")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 50)]
    name: Option<Option<String>>,
    /// Public description of the agent, at most 500 characters; `null` removes it.
    #[serde(default, deserialize_with = "deserialize_present")]
    #[schema(value_type = Option<String>, max_length = 500)]
    description: Option<Option<String>>,
}

impl TryFrom<AgentPatch> for AgentChange {
    type Error = FieldError;

    fn try_from(patch: AgentPatch) -> Result<Self, FieldError> {
        let name = patch.name.map(|name| AgentName::new(name.as_deref())).transpose()?;
        let description = patch.description.map(|text| checked_description(text.as_deref())).transpose()?;
        Ok(Self { name, description })
    }
}

/// Change an agent's name or description.
///
/// The agent's record cannot be changed.
#[utoipa::path(
    patch, path = "/api/agents/{id}", tag = "agents",
    params(("id" = String, Path, description = "Identifier of the agent")),
    request_body = AgentPatch,
    responses(
        (status = 200, description = "The agent after the change", body = AgentBody),
        AuthErrors, IdErrors, AgentErrors, BodyErrors, AnyErrors)
)]
pub(crate) async fn update(
    caller: Caller,
    PathId(id): PathId<AgentId>,
    _: NoParams,
    State(context): State<Context>,
    ApiJson(patch): ApiJson<AgentPatch>,
) -> Result<ApiJson<AgentBody>, Problem> {
    let agent = change(&context, &caller, id, &patch.try_into()?).await?;
    Ok(ApiJson(agent.into()))
}

async fn change(
    context: &Context,
    caller: &Caller,
    id: AgentId,
    change: &AgentChange,
) -> Result<Agent, Error> {
    let agents = context.store.agents();
    decide("the user's agents", (), |()| async move {
        let (names, agent) = agents.names(&caller.id, Some(id)).await?;
        let before = agent.ok_or(Error::NotFound)?;
        let Some(after) = change.of(&before, context.clock.now()) else {
            return Ok(Decision::Made(before));
        };
        if after.name.folded() != before.name.folded() && names.has_name(&after.name) {
            return Err(Error::AgentNameTaken);
        }
        match agents.change(&names, &before, &after).await? {
            Conditional::Applied => Ok(Decision::Made(after)),
            Conditional::Conflict(AgentConflict::NameTaken) => Err(Error::AgentNameTaken),
            Conditional::Conflict(AgentConflict::Changed) => Ok(Decision::Conflict(())),
        }
    })
    .await
}
