//! Agents. They have a partition for each user, where beside the agents an item says which names they have taken.
//!
//! A user's default agent need not be in the table: as long as nobody has changed it and it has not raced, it follows
//! from the user ([`Agent::default_of`]).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use clorp_domain::{Agent, AgentId, AgentName, DropId, Error, Fingerprint, Race, Rules, User, UserId};
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::batch::Freshness;
use crate::directory::{add_race, begin_record, read_record};
use crate::fault::fault;
use crate::item::{Item, at, decode, encode, flag, instant, n, parse, s};
use crate::page::{List, Page, cursor, position};
use crate::primary_key::{AGENT, Key, PK, SK, WORK, agents_owner, agents_pk, user_pk};
use crate::tx::{Tx, TxError, Update};
use crate::users::read_user;

const LIST: &str = "agents";
/// Where a claim, and the item that lists it for its worker, name an agent other than the worker's default one.
pub(crate) const AGENT_ID: &str = "agent_id";
/// How many agents a user has beside the default one.
const OTHERS: &str = "others";
const CLAIMS: &str = "claims";

// The record is no part of this: `directory` writes and reads it.
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

impl From<&Agent> for AgentItem {
    fn from(agent: &Agent) -> Self {
        Self {
            name: agent.name.to_string(),
            description: agent.description.clone(),
            created_at: agent.created_at.as_millisecond(),
            updated_at: agent.updated_at.as_millisecond(),
            claims: agent.claims,
        }
    }
}

/// The agent an item holds.
pub(crate) fn read_agent(item: Item) -> Result<Agent, Error> {
    let key = Key::of_item(&item).ok_or_else(|| Error::internal("agent without a key"))?;
    let owner = agents_owner(&key.pk).ok_or_else(|| Error::internal("agent without an owner"))?;
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

/// What decides about a change of a user's agents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentNames {
    /// The default agent, whether or not it is in the table.
    pub default: Agent,
    /// How many others there are.
    pub others: u32,
    /// Whether the default agent is in the table.
    written: bool,
    /// The attributes of the item that keeps their names. While there is none, the default agent's is the only one.
    names: Option<BTreeSet<String>>,
}

impl AgentNames {
    /// Whether one of the agents has this name, in any case.
    pub fn has_name(&self, name: &AgentName) -> bool {
        match &self.names {
            Some(names) => names.contains(&taken(name)),
            None => self.default.name.folded() == name.folded(),
        }
    }
}

/// How the creation of an agent ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentCreated {
    /// It is there.
    Done,
    /// It was there: an earlier try of the same request made it, and this is what has become of it.
    Already(Box<Agent>),
    /// It is not, because its name is taken.
    NameTaken,
    /// It is not, because the user's agents have changed in the meantime: decide again.
    Changed,
}

/// How a change of an agent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentWritten {
    /// It was made.
    Done,
    /// It was not, because the new name is taken.
    NameTaken,
    /// It was not, because the agent, or another one of the user's, has changed in the meantime: decide again.
    Changed,
}

/// An agent whose race is to be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Racer {
    /// The agent.
    pub agent: Agent,
    /// Whether it is in the table.
    written: bool,
}

/// The attribute that says that a name is taken. By the name's hash: a name may be anything.
fn taken(name: &AgentName) -> String {
    let hash: String = Fingerprint::of(&[name.folded().as_bytes()]).as_str().chars().take(24).collect();
    format!("name:{hash}")
}

/// An agent that must not be there yet.
fn create(tx: &mut Tx, agent: &Agent) -> Result<(), Error> {
    let update = tx.update(Key::agent(&agent.owner, agent.id));
    update.require_new().set_all(encode(&AgentItem::from(agent))?);
    begin_record(update, agent.id);
    Ok(())
}

/// Counts a claim for an agent that must be there. A default agent can never go, so it is neither asked for nor counted.
pub(crate) fn count_claim(tx: &mut Tx, owner: &UserId, agent: AgentId) {
    if agent != AgentId::default_of(owner) {
        tx.update(Key::agent(owner, agent)).require_existing().add(CLAIMS, 1);
    }
}

/// How an agent of `owner` is written where it has worked: the default one not at all.
pub(crate) fn write_agent_id(owner: &UserId, agent: AgentId) -> Option<String> {
    (agent != AgentId::default_of(owner)).then(|| agent.to_string())
}

/// The agent of `owner` that was written so.
pub(crate) fn read_agent_id(owner: &UserId, written: Option<&str>) -> Result<AgentId, Error> {
    written.map_or_else(|| Ok(AgentId::default_of(owner)), |text| parse(AGENT_ID, text))
}

/// Says in `update`, at `path`, that `agent` has worked here, whoever it was before.
fn set_agent_id(update: &mut Update, path: &str, owner: &UserId, agent: AgentId) {
    match write_agent_id(owner, agent) {
        Some(id) => update.set(path, s(id)),
        None => update.remove(path),
    };
}

/// Makes a claim that is there one for another agent, which must be there too.
pub(crate) fn reassign(tx: &mut Tx, drop: DropId, worker: &UserId, agent: AgentId) {
    let path = format!("claims.{worker}.{AGENT_ID}");
    set_agent_id(tx.update(Key::drop(drop)), &path, worker, agent);
    set_agent_id(tx.update(Key::work(worker, drop)).require_existing(), AGENT_ID, worker, agent);
    count_claim(tx, worker, agent);
}

/// Counts a race on an agent, which is written now if it was not before. Two write units, and two for each index in
/// which it moves, or one where it is new.
pub(crate) fn count_race(tx: &mut Tx, racer: &Racer, race: Race) -> Result<(), Error> {
    let agent = &racer.agent;
    let update = tx.update(Key::agent(&agent.owner, agent.id));
    if racer.written {
        update.require_existing();
    } else {
        update.require_new().set_all(encode(&AgentItem::from(agent))?);
    }
    add_race(update, agent.id, race, !racer.written);
    Ok(())
}

impl Store {
    /// An agent of `owner` that is in the table. One round trip, 1 read unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn agent(&self, owner: &UserId, id: AgentId) -> Result<Option<Agent>, Error> {
        self.get(Key::agent(owner, id)).await?.map(read_agent).transpose()
    }

    /// A user's agents, newest first and so the default one last. One round trip, and another one where a page has come to
    /// a default agent that is not in the table; 1 read unit for each 4 KB, about ten agents.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor that is not of this list; faults.
    pub async fn agents(
        &self,
        owner: &UserId,
        limit: i32,
        after: Option<&str>,
    ) -> Result<Page<Agent>, Error> {
        let default = AgentId::default_of(owner);
        let beyond = position(LIST, after)?.is_some_and(|before| before <= default.to_string());
        let list = List { name: LIST, pk: agents_pk(owner), prefix: AGENT };
        let mut page = self.newest(list, limit, after).await?.try_map(read_agent)?;
        if beyond || page.next.is_some() || page.items.last().is_some_and(|last| last.id == default) {
            return Ok(page);
        }
        // The default one is not in the table and comes last: on this page, or by itself on another.
        match page.items.last().filter(|_| i32::try_from(page.items.len()).is_ok_and(|len| len >= limit)) {
            Some(last) => page.next = Some(cursor(LIST, &last.id.to_string())),
            None => page.items.push(Agent::default_of(&self.user(owner).await?.ok_or_else(ownerless)?)),
        }
        Ok(page)
    }

    /// What decides about a change of a user's agents, and the agent `id`, if it is one of theirs. One round trip, 4 read
    /// units.
    ///
    /// # Errors
    /// Faults only: the user exists.
    pub async fn agent_names(
        &self,
        owner: &UserId,
        id: Option<AgentId>,
    ) -> Result<(AgentNames, Option<Agent>), Error> {
        let (user, names) = (Key::user(owner), Key::agent_names(owner));
        let default = Key::agent(owner, AgentId::default_of(owner));
        let mut keys = vec![user.clone(), names.clone(), default.clone()];
        let asked = id.map(|id| Key::agent(owner, id)).filter(|key| *key != default);
        keys.extend(asked.clone());
        let mut found = self.get_all(keys, Freshness::Strong).await?;
        let written = found.remove(&default).map(read_agent).transpose()?;
        let user = found.remove(&user).map(read_user).transpose()?;
        let user = user.ok_or_else(ownerless)?;
        let names = found.remove(&names);
        let others = names.as_ref().and_then(|names| names.get(OTHERS)?.as_n().ok()?.parse().ok());
        let known = AgentNames {
            others: others.unwrap_or(0),
            written: written.is_some(),
            names: names.map(|names| names.into_keys().collect()),
            default: written.unwrap_or_else(|| Agent::default_of(&user)),
        };
        let agent = match asked {
            Some(key) => found.remove(&key).map(read_agent).transpose()?,
            None => id.map(|_| known.default.clone()),
        };
        Ok((known, agent))
    }

    /// Writes a new agent that was admitted, unless its name is taken or its owner has too many agents by now.
    /// Four write units, six for the first of a user.
    ///
    /// The agent's id is its idempotency record: it belongs to one request, so an agent that is there already is one that
    /// an earlier try of this request wrote.
    ///
    /// # Errors
    /// Faults only.
    pub async fn create_agent(
        &self,
        known: &AgentNames,
        agent: &Agent,
        rules: &Rules,
    ) -> Result<AgentCreated, Error> {
        let key = Key::agent(&agent.owner, agent.id);
        let mut tx = Tx::default();
        create(&mut tx, agent)?;
        if known.names.is_none() && !known.written {
            create(&mut tx, &known.default)?;
        }
        let names = keep_names(&mut tx, known);
        if known.names.is_none() {
            names.set(&taken(&known.default.name), flag(true));
        }
        names
            .require_absent(&taken(&agent.name))
            .require_absent_or(OTHERS, "<", n(rules.max_agents.saturating_sub(1)))
            .set(&taken(&agent.name), flag(true))
            .add(OTHERS, 1);
        match self.transact(tx).await {
            Ok(()) => Ok(AgentCreated::Done),
            Err(TxError::Fault(error)) => Err(error),
            Err(TxError::Refused(mut refused)) => match refused.remove(&key).flatten() {
                Some(made) => Ok(AgentCreated::Already(Box::new(read_agent(made)?))),
                None if has_name(&refused, agent) => Ok(AgentCreated::NameTaken),
                None => Ok(AgentCreated::Changed),
            },
        }
    }

    /// Changes an agent from what it was `before`. Two write units, four with another name, and two more for a default
    /// agent of which nothing was written so far.
    ///
    /// # Errors
    /// Faults only.
    pub async fn change_agent(
        &self,
        known: &AgentNames,
        before: &Agent,
        after: &Agent,
    ) -> Result<AgentWritten, Error> {
        let mut tx = Tx::default();
        let (old, new) = (taken(&before.name), taken(&after.name));
        if old != new {
            let names = keep_names(&mut tx, known);
            names.require_absent(&new).set(&new, flag(true));
            if known.names.is_some() {
                names.remove(&old);
            }
        }
        let update = tx.update(Key::agent(&after.owner, after.id));
        if before.is_default() && !known.written {
            update.require_new().set_all(encode(&AgentItem::from(after))?);
            begin_record(update, after.id);
        } else {
            update
                .require("updated_at", "=", at(before.updated_at))
                .require("name", "=", s(before.name.as_str()))
                .set("name", s(after.name.as_str()))
                .set("updated_at", at(after.updated_at));
            match &after.description {
                Some(description) => update.set("description", s(description)),
                None => update.remove("description"),
            };
        }
        match self.transact(tx).await {
            Ok(()) => Ok(AgentWritten::Done),
            Err(TxError::Fault(error)) => Err(error),
            Err(TxError::Refused(refused)) if has_name(&refused, after) => Ok(AgentWritten::NameTaken),
            Err(TxError::Refused(_)) => Ok(AgentWritten::Changed),
        }
    }

    /// Deletes an agent, if nobody has claimed for it or changed it since it was read. Four write units, and one for each
    /// index that it is in.
    ///
    /// # Errors
    /// Faults only.
    pub async fn delete_agent(&self, agent: &Agent) -> Result<AgentWritten, Error> {
        let mut tx = Tx::default();
        tx.delete_if(Key::agent(&agent.owner, agent.id))
            .require_existing()
            .require("name", "=", s(agent.name.as_str()))
            .require_number(CLAIMS, i64::try_from(agent.claims).unwrap_or(i64::MAX));
        let name = taken(&agent.name);
        tx.update(Key::agent_names(&agent.owner)).require_present(&name).remove(&name).add(OTHERS, -1);
        match self.transact(tx).await {
            Ok(()) => Ok(AgentWritten::Done),
            Err(TxError::Fault(error)) => Err(error),
            Err(TxError::Refused(_)) => Ok(AgentWritten::Changed),
        }
    }

    /// Whether an agent other than the default one holds a claim on a drop that has not ended. One round trip, 1 read unit
    /// for each 4 KB of the user's claims.
    ///
    /// # Errors
    /// Faults only.
    pub async fn has_active_work(&self, owner: &UserId, agent: AgentId) -> Result<bool, Error> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression(format!("{PK} = :pk AND begins_with({SK}, :work)"))
            .filter_expression(format!("{AGENT_ID} = :agent"))
            .expression_attribute_values(":pk", s(user_pk(owner)))
            .expression_attribute_values(":work", s(WORK))
            .expression_attribute_values(":agent", s(agent.to_string()))
            .consistent_read(true);
        let mut found = query.into_paginator().items().send();
        Ok(found.next().await.transpose().map_err(|e| fault("query work", e))?.is_some())
    }

    /// The agents of these owners, for a race to be counted on them; those that are neither in the table nor a default
    /// agent are left out. One round trip, 1 read unit each, and another one where a default agent has not raced before.
    ///
    /// # Errors
    /// Faults only.
    pub async fn racers(&self, agents: &[(UserId, AgentId)]) -> Result<Vec<Racer>, Error> {
        let keys = agents.iter().map(|(owner, id)| Key::agent(owner, *id)).collect();
        let found = self.get_all(keys, Freshness::Strong).await?;
        let written = found.into_values().map(read_agent).collect::<Result<Vec<_>, _>>()?;
        let missing =
            agents.iter().filter(|(owner, id)| !written.iter().any(|w| w.owner == *owner && w.id == *id));
        let unwritten = missing.filter(|(owner, id)| *id == AgentId::default_of(owner));
        let owners: Vec<Key> = unwritten.map(|(owner, _)| Key::user(owner)).collect();
        let users = match owners.is_empty() {
            true => HashMap::new(),
            false => self.get_all(owners, Freshness::Strong).await?,
        };
        let users = users.into_values().map(read_user).collect::<Result<Vec<User>, _>>()?;
        let known = written.into_iter().map(|agent| Racer { agent, written: true });
        let new = users.iter().map(|user| Racer { agent: Agent::default_of(user), written: false });
        Ok(known.chain(new).collect())
    }
}

fn ownerless() -> Error {
    Error::internal("the owner of agents does not exist")
}

/// The update of the item that keeps the names of a user's agents.
fn keep_names<'a>(tx: &'a mut Tx, known: &AgentNames) -> &'a mut Update {
    let names = tx.update(Key::agent_names(&known.default.owner));
    if known.names.is_some() { names.require_existing() } else { names.require_new() }
}

/// Whether a write was refused because the name that it would have given to `agent` is taken.
fn has_name(refused: &BTreeMap<Key, Option<Item>>, agent: &Agent) -> bool {
    let names = refused.get(&Key::agent_names(&agent.owner));
    names.and_then(Option::as_ref).is_some_and(|names| names.contains_key(&taken(&agent.name)))
}
