//! An agent.
//!
//! A user's default agent need not be in the table: as long as nobody has changed it and it has not raced, it
//! follows from the user ([`Agent::default_of`]). Where it has worked, no agent is written.

use clorp_domain::{Agent, AgentId, AgentName, Error, UserId};
use serde::{Deserialize, Serialize};

use crate::items::directory_entry::read_record;
use crate::items::keys::{AGENT, owner_of_agents_pk};
use crate::table::item::{decode, encode, instant, key_of, parse, s};
use crate::table::{Item, Update};

/// The attribute of a claim, and of the item that lists it for its worker, that names an agent other than the
/// worker's default one.
pub(crate) const AGENT_ID: &str = "agent_id";
/// The attribute that counts the claims made for an agent.
pub(crate) const CLAIMS: &str = "claims";

// The record is not part of this: `directory_entry` writes and reads it.
#[derive(Debug, Serialize, Deserialize)]
struct AgentItem {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    created_at: i64,
    updated_at: i64,
    #[serde(default, skip_serializing)]
    claims: u64,
}

/// The attributes of an agent, except its record.
pub(crate) fn write_agent(agent: &Agent) -> Result<Item, Error> {
    encode(&AgentItem {
        name: agent.name.to_string(),
        description: agent.description.clone(),
        created_at: agent.created_at.as_millisecond(),
        updated_at: agent.updated_at.as_millisecond(),
        claims: agent.claims,
    })
}

/// The agent of an item.
pub(crate) fn read_agent(item: Item) -> Result<Agent, Error> {
    let key = key_of(&item)?;
    let owner = owner_of_agents_pk(&key.pk).ok_or_else(|| Error::internal("agent without an owner"))?;
    let record = read_record(&item)?;
    let item: AgentItem = decode(item)?;
    Ok(Agent {
        id: parse("agent's id", key.sk.strip_prefix(AGENT).unwrap_or_default())?,
        owner,
        name: AgentName::from_stored(item.name),
        description: item.description,
        created_at: instant("created_at", item.created_at)?,
        updated_at: instant("updated_at", item.updated_at)?,
        record,
        claims: item.claims,
    })
}

/// The text that names an agent of `owner` where it has worked; `None` for the default one.
pub(crate) fn write_agent_id(owner: &UserId, agent: AgentId) -> Option<String> {
    (agent != AgentId::default_of(owner)).then(|| agent.to_string())
}

/// The agent of `owner` that [`write_agent_id`] has written.
pub(crate) fn read_agent_id(owner: &UserId, written: Option<&str>) -> Result<AgentId, Error> {
    written.map_or_else(|| Ok(AgentId::default_of(owner)), |text| parse(AGENT_ID, text))
}

/// Names `agent` at `path` instead of any other agent.
pub(crate) fn set_agent_id(update: &mut Update, path: &str, owner: &UserId, agent: AgentId) {
    match write_agent_id(owner, agent) {
        Some(id) => update.set(path, s(id)),
        None => update.remove(path),
    };
}
