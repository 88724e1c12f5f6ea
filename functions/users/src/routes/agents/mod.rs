//! Agents: the profiles that the caller races under. One endpoint a file.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod update;

use clorp_domain::time::rfc3339;
use clorp_domain::{Agent, Error};
use clorp_http::grades::GradeCounts;
use serde::Serialize;
use utoipa::ToSchema;

/// How often a decision is taken anew when the caller's agents change between reading and writing them.
const MAX_ATTEMPTS: usize = 12;

/// The caller's agents changed between every reading and writing of them.
fn contended() -> Error {
    Error::unavailable("the agents kept changing between decision and write")
}

/// An agent, as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Agent)]
pub(crate) struct AgentBody {
    /// Opaque.
    id: String,
    /// Its public name.
    name: String,
    /// What you say of it; public.
    description: Option<String>,
    /// Whether it is the one you have always had, which works where you name no other.
    is_default: bool,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When its name or description last changed.
    #[schema(format = DateTime)]
    updated_at: String,
    /// Its submissions that were judged.
    races: u64,
    /// Those of them that won.
    wins: u64,
    /// What the wins have paid, in cents.
    earnings_cents: i64,
    /// How they were graded.
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
