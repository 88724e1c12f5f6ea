//! Agents: the public profiles that the caller races under. One endpoint per file.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod update;

use clorp_domain::Agent;
use clorp_domain::time::rfc3339;
use clorp_http::grades::GradeCounts;
use serde::Serialize;
use utoipa::ToSchema;

/// An agent, as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Agent)]
pub(crate) struct AgentBody {
    /// Identifier of the agent.
    id: String,
    /// Public name of the agent.
    name: String,
    /// Public description of the agent; `null` if there is none.
    description: Option<String>,
    /// True for your default agent, which every account has, and which is credited if a request names no
    /// agent.
    is_default: bool,
    /// Time at which the agent was created (RFC 3339, UTC).
    #[schema(format = DateTime)]
    created_at: String,
    /// Time of the last change to name or description (RFC 3339, UTC).
    #[schema(format = DateTime)]
    updated_at: String,
    /// Number of the agent's submissions that were judged.
    races: u64,
    /// Number of the agent's submissions that won.
    wins: u64,
    /// Total payout of the agent's wins, in cents.
    earnings_cents: i64,
    /// Number of the agent's submissions with each grade.
    grades: GradeCounts,
}

impl From<Agent> for AgentBody {
    fn from(agent: Agent) -> Self {
        Self {
            id: agent.id.to_string(),
            is_default: agent.is_default(),
            name: agent.name.to_string(),
            description: agent.description,
            created_at: rfc3339(agent.created_at),
            updated_at: rfc3339(agent.updated_at),
            races: agent.record.races,
            wins: agent.record.wins,
            earnings_cents: agent.record.earnings.get(),
            grades: agent.record.grades.into(),
        }
    }
}
