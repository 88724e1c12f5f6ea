//! Agents. They have a partition for each user, with an item that keeps the names which the user's agents
//! have taken.

use std::collections::{BTreeSet, HashMap};

use clorp_domain::{Agent, AgentId, AgentName, Claim, Drop, Error, Race, Rules, Standing, User, UserId};
use futures::future::try_join;

use crate::items::agent::{AGENT_ID, CLAIMS, read_agent, set_agent_id, write_agent};
use crate::items::agent_names::{OTHERS, PAST_RACES, PAST_WINS, name_attribute, read_names};
use crate::items::directory_entry::{add_race, begin_record, read_record, require_record};
use crate::items::keys;
use crate::items::keys::{AGENT, AGENT_NAMES, agents_pk};
use crate::items::user::read_user;
use crate::items::work::write_work;
use crate::table::item::{at, flag, n, number, s};
use crate::table::page::{cursor, position};
use crate::table::{Freshness, List, Refusals, Tx, Update, fault};
use crate::{Agents, Conditional, Page};

const LIST: &str = "agents";

/// The facts that decide about a change of a user's agents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentNames {
    /// The default agent, whether or not it is in the table.
    pub default: Agent,
    /// The number of the other agents.
    pub others: u32,
    /// `true` if the default agent is in the table.
    written: bool,
    /// The attributes of the item that keeps the names. While there is none, only the default agent's name is
    /// taken.
    names: Option<BTreeSet<String>>,
}

impl AgentNames {
    /// Tells whether one of the agents has this name, in any case.
    pub fn has_name(&self, name: &AgentName) -> bool {
        match &self.names {
            Some(names) => names.contains(&name_attribute(name)),
            None => self.default.name.folded() == name.folded(),
        }
    }
}

/// The reason why an agent was not created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewAgentConflict {
    /// An earlier try of the same request created it: the agent as it is now.
    Exists(Box<Agent>),
    /// Its name is taken.
    NameTaken,
    /// The user's agents have changed since they were read.
    Changed,
}

/// The reason why an agent was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentConflict {
    /// The new name is taken.
    NameTaken,
    /// The agent, or another one of the user's, has changed since it was read.
    Changed,
}

/// An agent on which a race is to be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Racer {
    /// The agent.
    pub agent: Agent,
    /// `true` if the agent is in the table.
    written: bool,
}

impl Agents<'_> {
    /// An agent of `owner` that is in the table. One round trip, 1 read unit.
    pub async fn get(self, owner: &UserId, id: AgentId) -> Result<Option<Agent>, Error> {
        self.table.get(keys::agent(owner, id)).await?.map(read_agent).transpose()
    }

    /// A user's agents, newest first and so the default one last. One round trip, and another one where a
    /// page has come to a default agent that is not in the table; 1 read unit for each 4 KB, about ten
    /// agents.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor of another list; faults.
    pub async fn page(self, owner: &UserId, limit: i32, after: Option<&str>) -> Result<Page<Agent>, Error> {
        let default = AgentId::default_of(owner);
        let beyond = position(LIST, after)?.is_some_and(|before| before <= default.to_string());
        let list = List { name: LIST, pk: agents_pk(owner), prefix: AGENT };
        let mut page = self.table.newest(list, limit, after).await?.try_map(read_agent)?;
        if beyond || page.next.is_some() || page.items.last().is_some_and(|last| last.id == default) {
            return Ok(page);
        }
        // The default agent is not in the table and comes last: on this page, or by itself on another.
        match page.items.last().filter(|_| i32::try_from(page.items.len()).is_ok_and(|len| len >= limit)) {
            Some(last) => page.next = Some(cursor(LIST, &last.id.to_string())),
            None => {
                let owner = self.table.get(keys::user(owner)).await?.ok_or_else(ownerless)?;
                page.items.push(Agent::default_of(&read_user(owner)?));
            }
        }
        Ok(page)
    }

    /// The facts that decide about a change of an existing user's agents, and the agent `id`, if it is one of
    /// theirs. One round trip, 4 read units.
    pub async fn names(
        self,
        owner: &UserId,
        id: Option<AgentId>,
    ) -> Result<(AgentNames, Option<Agent>), Error> {
        let (user, names) = (keys::user(owner), keys::agent_names(owner));
        let default = keys::agent(owner, AgentId::default_of(owner));
        let mut keys = vec![user.clone(), names.clone(), default.clone()];
        let asked = id.map(|id| keys::agent(owner, id)).filter(|key| *key != default);
        keys.extend(asked.clone());
        let mut found = self.table.get_all(keys, Freshness::Strong).await?;
        let written = found.remove(&default).map(read_agent).transpose()?;
        let user = found.remove(&user).map(read_user).transpose()?.ok_or_else(ownerless)?;
        let (others, names) = found.remove(&names).map(read_names).unzip();
        let known = AgentNames {
            others: others.unwrap_or(0),
            written: written.is_some(),
            names,
            default: written.unwrap_or_else(|| Agent::default_of(&user)),
        };
        let agent = match asked {
            Some(key) => found.remove(&key).map(read_agent).transpose()?,
            None => id.map(|_| known.default.clone()),
        };
        Ok((known, agent))
    }

    /// Writes a new agent, unless its name is taken or its owner has too many agents by now. Four write
    /// units, six for the first agent of a user.
    ///
    /// The agent's id is its idempotency record: it belongs to one request, so an agent that exists already
    /// was written by an earlier try of this request.
    pub async fn create(
        self,
        known: &AgentNames,
        agent: &Agent,
        rules: &Rules,
    ) -> Result<Conditional<NewAgentConflict>, Error> {
        let mut tx = Tx::default();
        create(&mut tx, agent)?;
        if known.names.is_none() && !known.written {
            create(&mut tx, &known.default)?;
        }
        let names = keep_names(&mut tx, known);
        if known.names.is_none() {
            names.set(&name_attribute(&known.default.name), flag(true));
        }
        let name = name_attribute(&agent.name);
        names
            .require_absent(&name)
            .require_absent_or(OTHERS, "<", n(rules.max_agents.saturating_sub(1)))
            .set(&name, flag(true))
            .add(OTHERS, 1);
        self.table.transact(tx).await?.or_conflict(|mut refusals| {
            Ok(match refusals.take(&keys::agent(&agent.owner, agent.id)) {
                Some(made) => NewAgentConflict::Exists(Box::new(read_agent(made)?)),
                None if is_name_taken(&refusals, agent) => NewAgentConflict::NameTaken,
                None => NewAgentConflict::Changed,
            })
        })
    }

    /// Changes an agent from what it was `before`. Two write units, four with another name, and two more for
    /// a default agent that is not in the table.
    pub async fn change(
        self,
        known: &AgentNames,
        before: &Agent,
        after: &Agent,
    ) -> Result<Conditional<AgentConflict>, Error> {
        let mut tx = Tx::default();
        let (old, new) = (name_attribute(&before.name), name_attribute(&after.name));
        if old != new {
            let names = keep_names(&mut tx, known);
            names.require_absent(&new).set(&new, flag(true));
            if known.names.is_some() {
                names.remove(&old);
            }
        }
        let update = tx.update(keys::agent(&after.owner, after.id));
        if before.is_default() && !known.written {
            update.require_new().set_all(write_agent(after)?);
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
        self.table.transact(tx).await?.or_conflict(|refusals| {
            let taken = is_name_taken(&refusals, after);
            Ok(if taken { AgentConflict::NameTaken } else { AgentConflict::Changed })
        })
    }

    /// Deletes an agent. Its races and wins still count for its owner. A conflict means that the agent was
    /// changed, claimed for, or judged since it was read. Four write units, and one for each index that it is
    /// in.
    pub async fn delete(self, agent: &Agent) -> Result<Conditional<()>, Error> {
        let mut tx = Tx::default();
        let delete = tx.delete_if(keys::agent(&agent.owner, agent.id));
        delete
            .require_existing()
            .require("name", "=", s(agent.name.as_str()))
            .require_number(CLAIMS, i64::try_from(agent.claims).unwrap_or(i64::MAX));
        require_record(delete, &agent.record);
        let name = name_attribute(&agent.name);
        let names = tx.update(keys::agent_names(&agent.owner));
        names.require_present(&name).remove(&name).add(OTHERS, -1);
        for (attribute, figure) in [(PAST_RACES, agent.record.races), (PAST_WINS, agent.record.wins)] {
            if figure > 0 {
                names.add(attribute, i64::try_from(figure).unwrap_or(i64::MAX));
            }
        }
        Ok(self.table.transact(tx).await?.conditional())
    }

    /// The facts about a worker that a drop's requirements are compared with. Races of deleted agents count,
    /// so that deleting an agent improves no win rate. One round trip; 1 read unit, and one for each 4 KB of
    /// the worker's agents, about ten.
    pub async fn standing(self, worker: &UserId) -> Result<Standing, Error> {
        let user = self.table.get(keys::user(worker));
        let (user, (races, wins)) = try_join(user, self.totals(worker)).await?;
        let user = read_user(user.ok_or_else(ownerless)?)?;
        Ok(Standing::new(user.has_verified_payouts(), races, wins))
    }

    /// The number of races and of wins of a user's agents, deleted ones included.
    async fn totals(self, owner: &UserId) -> Result<(u64, u64), Error> {
        let query = self.table.between(agents_pk(owner), AGENT, AGENT_NAMES);
        let mut items = query.into_paginator().items().send();
        let (mut races, mut wins) = (0_u64, 0_u64);
        while let Some(item) = items.next().await {
            let item = item.map_err(|e| fault("query agents", e))?;
            // An agent has a record, and the item of names has what is kept of deleted ones.
            let record = read_record(&item)?;
            races += record.races + number::<u64>(&item, PAST_RACES).unwrap_or(0);
            wins += record.wins + number::<u64>(&item, PAST_WINS).unwrap_or(0);
        }
        Ok((races, wins))
    }

    /// The agents of these owners, for a race to be counted on them. Agents that are neither in the table nor
    /// a default agent are left out. One round trip, 1 read unit each, and another one where a default agent
    /// has not raced before.
    pub async fn racers(self, agents: &[(UserId, AgentId)]) -> Result<Vec<Racer>, Error> {
        let keys = agents.iter().map(|(owner, id)| keys::agent(owner, *id)).collect();
        let found = self.table.get_all(keys, Freshness::Strong).await?;
        let written = found.into_values().map(read_agent).collect::<Result<Vec<_>, _>>()?;
        let missing =
            agents.iter().filter(|(owner, id)| !written.iter().any(|w| w.owner == *owner && w.id == *id));
        let unwritten = missing.filter(|(owner, id)| *id == AgentId::default_of(owner));
        let owners: Vec<_> = unwritten.map(|(owner, _)| keys::user(owner)).collect();
        let users = match owners.is_empty() {
            true => HashMap::new(),
            false => self.table.get_all(owners, Freshness::Strong).await?,
        };
        let users = users.into_values().map(read_user).collect::<Result<Vec<User>, _>>()?;
        let known = written.into_iter().map(|agent| Racer { agent, written: true });
        let new = users.iter().map(|user| Racer { agent: Agent::default_of(user), written: false });
        Ok(known.chain(new).collect())
    }
}

/// Counts a claim for an agent, which must exist. A default agent can never be deleted, so it is neither
/// required nor counted.
pub(crate) fn count_claim(tx: &mut Tx, owner: &UserId, agent: AgentId) {
    if agent != AgentId::default_of(owner) {
        tx.update(keys::agent(owner, agent)).require_existing().add(CLAIMS, 1);
    }
}

/// Reassigns a worker's claim on `drop` to another existing agent.
pub(crate) fn reassign(tx: &mut Tx, drop: &Drop, worker: &UserId, claim: &Claim) -> Result<(), Error> {
    let path = format!("claims.{worker}.{AGENT_ID}");
    set_agent_id(tx.update(keys::drop(drop.id)), &path, worker, claim.agent);
    // Of the default agent the item says nothing, so the name of an earlier agent is removed.
    let listed = tx.update(keys::work(worker, drop.id));
    listed.set_all(write_work(worker, drop, claim)?);
    if claim.agent == AgentId::default_of(worker) {
        listed.remove(AGENT_ID);
    }
    count_claim(tx, worker, claim.agent);
    Ok(())
}

/// Counts a race on an agent, and writes the agent if it is not in the table. Two write units, and where it
/// wins two for each index, or one if it has not won before.
pub(crate) fn count_race(tx: &mut Tx, racer: &Racer, race: Race) -> Result<(), Error> {
    let agent = &racer.agent;
    let update = tx.update(keys::agent(&agent.owner, agent.id));
    if racer.written {
        update.require_existing();
    } else {
        update.require_new().set_all(write_agent(agent)?);
    }
    add_race(update, agent.id, race, !racer.written);
    Ok(())
}

/// Writes an agent that must not be in the table.
fn create(tx: &mut Tx, agent: &Agent) -> Result<(), Error> {
    let update = tx.update(keys::agent(&agent.owner, agent.id));
    update.require_new().set_all(write_agent(agent)?);
    begin_record(update, agent.id);
    Ok(())
}

/// The update of the item that keeps the names of a user's agents.
fn keep_names<'a>(tx: &'a mut Tx, known: &AgentNames) -> &'a mut Update {
    let names = tx.update(keys::agent_names(&known.default.owner));
    if known.names.is_some() { names.require_existing() } else { names.require_new() }
}

/// Tells whether a write was refused because the name that `agent` was to have is taken.
fn is_name_taken(refusals: &Refusals, agent: &Agent) -> bool {
    let names = refusals.item(&keys::agent_names(&agent.owner));
    names.is_some_and(|names| names.contains_key(&name_attribute(&agent.name)))
}

fn ownerless() -> Error {
    Error::internal("the owner of agents does not exist")
}
