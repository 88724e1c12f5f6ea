//! Drops: every change of a drop's state, each one conditional write.

use std::collections::{BTreeMap, HashMap};

use clorp_domain::agent::agent_not_found;
use clorp_domain::drops::{Outcome, Window};
use clorp_domain::stats::Stats;
use clorp_domain::{
    Brief, Cents, Claim, Drop, DropId, Error, Pack, Posting, Status, StoredKey, User, UserId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::agents::{count_claim, read_agent_id, write_agent_id};
use crate::api_keys::Spending;
use crate::batch::Freshness;
use crate::board::{IndexEntry, set_index_entry};
use crate::fault::fault;
use crate::item::{Item, at, decode, encode, instant, keyed, parse, s};
use crate::page::{Page, cursor, position};
use crate::primary_key::{Key, PK, drop_of_pk};
use crate::submissions::{Delivered, read_delivered};
use crate::tx::{Tx, TxError, Update};
use crate::uploads::{AttachmentItem, read_attachments, write_attachments};
use crate::users::read_user;
use crate::work::{Lapse, begin_work, end_work};
use crate::{Store, ledger, stats};

const LIST: &str = "drops";

#[derive(Debug, Serialize, Deserialize)]
struct DropItem {
    status: String,
    sender_id: String,
    pack: String,
    title: String,
    price_cents: i64,
    fee_cents: i64,
    time_limit_seconds: u32,
    max_claims: u32,
    created_at: i64,
    updated_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    opened_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window_closes_at: Option<i64>,
    // Absent also where a submission filled the drop, and so closed it: see `read_ranking_at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    ranking_at: Option<i64>,
    // Only the ledger writes the escrow, so a new drop has none until its posting adds to it.
    #[serde(default, skip_serializing)]
    escrow_cents: i64,
    claims: HashMap<String, ClaimItem>,
    // The two counts say nothing that `claims` does not, but conditions can compare a number and not the size of a
    // part of a map.
    claims_count: u32,
    submissions_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    winner_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grade: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ClaimItem {
    claimed_at: i64,
    lease_expires_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct BodyItem {
    prompt: String,
    env_vars: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<AttachmentItem>,
}

fn claim_item(worker: &UserId, claim: &Claim) -> ClaimItem {
    ClaimItem {
        claimed_at: claim.claimed_at.as_millisecond(),
        lease_expires_at: claim.lease_expires_at.as_millisecond(),
        submitted_at: claim.submitted_at.map(Timestamp::as_millisecond),
        agent_id: write_agent_id(worker, claim.agent),
    }
}

impl From<&Drop> for DropItem {
    fn from(drop: &Drop) -> Self {
        Self {
            status: drop.status.to_string(),
            sender_id: drop.sender.to_string(),
            pack: drop.pack.to_string(),
            title: drop.title.clone(),
            price_cents: drop.price.get(),
            fee_cents: drop.fee.get(),
            time_limit_seconds: drop.time_limit_seconds,
            max_claims: drop.max_claims,
            created_at: drop.created_at.as_millisecond(),
            updated_at: drop.updated_at.as_millisecond(),
            opened_at: drop.window.map(|window| window.opened_at.as_millisecond()),
            window_closes_at: drop.window.map(|window| window.closes_at.as_millisecond()),
            ranking_at: drop.ranking_at.map(Timestamp::as_millisecond),
            escrow_cents: 0,
            claims: drop
                .claims
                .iter()
                .map(|(worker, claim)| (worker.to_string(), claim_item(worker, claim)))
                .collect(),
            claims_count: drop.claims_count(),
            submissions_count: drop.submissions_count(),
            winner_id: drop.outcome.as_ref().map(|outcome| outcome.winner.to_string()),
            grade: drop.outcome.as_ref().map(|outcome| outcome.grade.to_string()),
            completed_at: drop.outcome.as_ref().map(|outcome| outcome.completed_at.as_millisecond()),
        }
    }
}

fn read_claim(worker: &UserId, item: &ClaimItem) -> Result<Claim, Error> {
    Ok(Claim {
        claimed_at: instant("claimed_at", item.claimed_at)?,
        lease_expires_at: instant("lease_expires_at", item.lease_expires_at)?,
        submitted_at: item.submitted_at.map(|millis| instant("submitted_at", millis)).transpose()?,
        agent: read_agent_id(worker, item.agent_id.as_deref())?,
    })
}

fn read_outcome(item: &DropItem) -> Result<Option<Outcome>, Error> {
    let (Some(winner), Some(grade), Some(completed_at)) = (&item.winner_id, &item.grade, item.completed_at)
    else {
        return Ok(None);
    };
    Ok(Some(Outcome {
        winner: parse("winner_id", winner)?,
        grade: grade.parse().map_err(|_| Error::internal(format!("stored grade {grade:?}")))?,
        completed_at: instant("completed_at", completed_at)?,
    }))
}

/// When a drop was closed to submissions: by the ranking, or by the submission of the last slot.
fn read_ranking_at(item: &DropItem) -> Result<Option<Timestamp>, Error> {
    let filled = || {
        let last = item.claims.values().filter_map(|claim| claim.submitted_at).max();
        last.filter(|_| item.submissions_count >= item.max_claims)
    };
    item.ranking_at.or_else(filled).map(|millis| instant("ranking_at", millis)).transpose()
}

/// The drop an item holds.
pub(crate) fn read_drop(item: Item) -> Result<Drop, Error> {
    let id = item.get(PK).and_then(|pk| drop_of_pk(pk.as_s().ok()?));
    let id = id.ok_or_else(|| Error::internal("drop item without a drop's key"))?;
    let item: DropItem = decode(item)?;
    let window = match (item.opened_at, item.window_closes_at) {
        (Some(opened_at), Some(closes_at)) => Some(Window {
            opened_at: instant("opened_at", opened_at)?,
            closes_at: instant("window_closes_at", closes_at)?,
        }),
        _ => None,
    };
    let claims = item.claims.iter().map(|(worker, claim)| {
        let worker = parse("claim's worker", worker)?;
        let claim = read_claim(&worker, claim)?;
        Ok((worker, claim))
    });
    Ok(Drop {
        id,
        status: item
            .status
            .parse()
            .map_err(|_| Error::internal(format!("stored status {:?}", item.status)))?,
        sender: parse("sender_id", &item.sender_id)?,
        pack: item
            .pack
            .parse::<Pack>()
            .map_err(|_| Error::internal(format!("stored pack {:?}", item.pack)))?,
        claims: claims.collect::<Result<_, Error>>()?,
        outcome: read_outcome(&item)?,
        window,
        ranking_at: read_ranking_at(&item)?,
        title: item.title,
        price: Cents::new(item.price_cents),
        fee: Cents::new(item.fee_cents),
        time_limit_seconds: item.time_limit_seconds,
        max_claims: item.max_claims,
        created_at: instant("created_at", item.created_at)?,
        updated_at: instant("updated_at", item.updated_at)?,
        escrow: Cents::new(item.escrow_cents),
    })
}

/// The brief an item holds.
pub(crate) fn read_brief(item: Item) -> Result<Brief, Error> {
    let item: BodyItem = decode(item)?;
    let attachments = read_attachments(item.attachments)?;
    Ok(Brief { prompt: item.prompt, env_vars: item.env_vars, attachments })
}

/// How a conditional write to a drop ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was made.
    Done,
    /// It was not, because the drop has become this in the meantime: decide again.
    Changed(Box<Drop>),
}

/// How the creation of a drop ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is there.
    Done,
    /// It was there: an earlier try of the same request made it, and this is what has become of it.
    Already(Box<Drop>),
    /// It is not: the wallet that was to pay for it falls short.
    InsufficientBalance(Box<User>),
    /// It is not: the key that was to pay for it has spent since it was read, or was revoked (`None`).
    KeyChanged(Option<Box<StoredKey>>),
}

/// What pays for a drop.
#[derive(Clone, Copy, Debug)]
pub struct DropPayment<'a> {
    /// The price, from the sender into the drop's escrow.
    pub posting: &'a Posting,
    /// The key that spends it, if it is a key that does.
    pub spending: Option<Spending<'a>>,
}

impl DropPayment<'_> {
    fn add_to(&self, tx: &mut Tx, drop: &Drop) -> Result<(), Error> {
        ledger::post(tx, self.posting)?;
        if let Some(spending) = &self.spending {
            spending.count(tx)?;
        }
        stats::count(tx, drop.id, on_board(drop.price, 1)?);
        Ok(())
    }
}

/// How the payment of a drop ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paid {
    /// It is open.
    Done,
    /// It has become this in the meantime.
    Changed(Box<Drop>),
    /// It is as it was: the wallet falls short.
    InsufficientBalance(Box<User>),
    /// It is as it was: the key has spent since it was read, or was revoked (`None`).
    KeyChanged(Option<Box<StoredKey>>),
}

impl Store {
    /// Writes a new drop and its brief; with a `payment`, opened and paid for in the same transaction.
    ///
    /// The drop's id is its idempotency record: it belongs to one request, so a drop that is there already is one
    /// that an earlier try of this request wrote.
    ///
    /// # Errors
    /// Faults only.
    pub async fn create_drop(
        &self,
        drop: &Drop,
        brief: &Brief,
        payment: Option<DropPayment<'_>>,
    ) -> Result<Created, Error> {
        let mut tx = Tx::default();
        let update = tx.update(Key::drop(drop.id));
        update.require_new().set_all(encode(&DropItem::from(drop))?);
        set_index_entry(update, drop.id, IndexEntry::of(drop));
        let body = BodyItem {
            prompt: brief.prompt.clone(),
            env_vars: brief.env_vars.clone(),
            attachments: write_attachments(&brief.attachments),
        };
        let body_key = Key::body(drop.id);
        let body = keyed(&body_key, &body)?;
        tx.create(body_key, body);
        if let Some(payment) = &payment {
            payment.add_to(&mut tx, drop)?;
        }
        match self.transact(tx).await {
            Ok(()) => Ok(Created::Done),
            Err(TxError::Fault(error)) => Err(error),
            Err(TxError::Refused(mut refused)) => match refused.remove(&Key::drop(drop.id)) {
                Some(old) => Ok(Created::Already(Box::new(read_old(old)?))),
                None => match key_that_refused(payment.as_ref(), &mut refused)? {
                    Some(key) => Ok(Created::KeyChanged(key)),
                    None => Ok(Created::InsufficientBalance(payer(refused, &drop.sender)?)),
                },
            },
        }
    }

    /// Opens a pending drop, paid for by `payment`. `drop` is the drop as opened.
    ///
    /// # Errors
    /// Faults only.
    pub async fn pay_drop(&self, drop: &Drop, payment: DropPayment<'_>) -> Result<Paid, Error> {
        let window = drop.window.ok_or_else(|| Error::internal("a drop is paid for without being opened"))?;
        let key = Key::drop(drop.id);
        let mut tx = Tx::default();
        let update = changed_at(tx.update(key.clone()), drop.updated_at);
        update
            .require("status", "=", s(Status::PendingPayment.as_str()))
            .set("status", s(drop.status.as_str()))
            .set("opened_at", at(window.opened_at))
            .set("window_closes_at", at(window.closes_at));
        set_index_entry(update, drop.id, IndexEntry::of(drop));
        payment.add_to(&mut tx, drop)?;
        match self.transact(tx).await {
            Ok(()) => Ok(Paid::Done),
            Err(TxError::Fault(error)) => Err(error),
            Err(TxError::Refused(mut refused)) => match refused.remove(&key) {
                Some(old) => Ok(Paid::Changed(Box::new(read_old(old)?))),
                None => match key_that_refused(Some(&payment), &mut refused)? {
                    Some(key) => Ok(Paid::KeyChanged(key)),
                    None => Ok(Paid::InsufficientBalance(payer(refused, &drop.sender)?)),
                },
            },
        }
    }

    /// Ends a drop without a verdict, as `status` says: cancelled or expired. `drop` is the drop as it was read, and
    /// must not have changed since. `refund` returns the escrow, if there is one.
    ///
    /// # Errors
    /// Faults only.
    pub async fn end_drop(
        &self,
        drop: &Drop,
        status: Status,
        refund: Option<&Posting>,
        now: Timestamp,
    ) -> Result<Written, Error> {
        let mut tx = Tx::default();
        let update = changed_at(tx.update(Key::drop(drop.id)), now);
        update
            .require("status", "=", s(drop.status.as_str()))
            .require("updated_at", "=", at(drop.updated_at))
            .set("status", s(status.as_str()));
        set_index_entry(update, drop.id, IndexEntry::None);
        release_workers(&mut tx, drop, now)?;
        if let Some(refund) = refund {
            ledger::post(&mut tx, refund)?;
            stats::count(&mut tx, drop.id, on_board(drop.price, -1)?);
        }
        self.write_drop(drop.id, tx).await
    }

    /// Gives a slot of `drop` as it was read to `worker`: a free one, or the one that `lapsed` held, whose lapse is
    /// recorded. Four write units, a take-over eight; two more for an agent other than the worker's default one.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the agent was deleted in the meantime; faults.
    pub async fn claim_drop(
        &self,
        drop: &Drop,
        worker: &UserId,
        claim: &Claim,
        lapsed: Option<&UserId>,
    ) -> Result<Written, Error> {
        let own = format!("claims.{worker}");
        let mut tx = Tx::default();
        let update = changed_at(tx.update(Key::drop(drop.id)), claim.claimed_at);
        update
            .require("status", "=", s(Status::Open.as_str()))
            .require("window_closes_at", ">", at(claim.claimed_at))
            .require_absent(&own)
            .set(&own, claim_attribute(worker, claim)?);
        match lapsed {
            None => {
                update.require_between("claims_count", "<", "max_claims").add("claims_count", 1);
            }
            Some(lapsed) => {
                let held = drop.claims.get(lapsed).and_then(|held| held.lapsed_at(claim.claimed_at));
                let lapsed_at = held.ok_or_else(|| Error::internal("a claim is taken over that holds"))?;
                remove_claim(update, lapsed, lapsed_at);
                end_work(&mut tx, lapsed, drop.id, Some(Lapse { at: lapsed_at, released: false }))?;
            }
        }
        begin_work(&mut tx, worker, drop.id, claim)?;
        count_claim(&mut tx, worker, claim.agent);
        self.write_drop(drop.id, tx).await
    }

    /// Takes the slot back that `worker` holds by `claim`, which counts as lapsed from now on, or from the end of its
    /// lease if that is over. Six write units.
    ///
    /// # Errors
    /// Faults only.
    pub async fn release_claim(
        &self,
        drop: DropId,
        worker: &UserId,
        claim: &Claim,
        now: Timestamp,
    ) -> Result<Written, Error> {
        let mut tx = Tx::default();
        let update = changed_at(tx.update(Key::drop(drop)), now);
        update
            .require("status", "=", s(Status::Open.as_str()))
            .require("window_closes_at", ">", at(now))
            .add("claims_count", -1);
        remove_claim(update, worker, claim.lease_expires_at);
        let at = claim.lease_expires_at.min(now);
        end_work(&mut tx, worker, drop, Some(Lapse { at, released: true }))?;
        self.write_drop(drop, tx).await
    }

    /// Closes an open drop whose window is over to submissions: from here on only the ranking changes it. One
    /// write unit, and four for the index entries that take it off the board.
    ///
    /// # Errors
    /// Faults only.
    pub async fn close_drop(&self, drop: &Drop, now: Timestamp) -> Result<Written, Error> {
        let mut update = Update::default();
        changed_at(&mut update, now)
            .require("status", "=", s(Status::Open.as_str()))
            .require("window_closes_at", "<=", at(now))
            .set("status", s(Status::Ranking.as_str()))
            .set("ranking_at", at(now));
        set_index_entry(&mut update, drop.id, IndexEntry::Ranking(drop.pack));
        match self.update_if(Key::drop(drop.id), update).await {
            Ok(()) => Ok(Written::Done),
            Err(error) => changed(drop.id, error),
        }
    }

    /// A drop. One round trip, 1 read unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn drop(&self, id: DropId) -> Result<Option<Drop>, Error> {
        self.get(Key::drop(id)).await?.map(read_drop).transpose()
    }

    /// A drop and its brief. One round trip, 1 read unit for each 4 KB of each.
    ///
    /// # Errors
    /// Faults only.
    pub async fn drop_with_brief(&self, id: DropId) -> Result<Option<(Drop, Brief)>, Error> {
        let mut found = self.get_all(vec![Key::drop(id), Key::body(id)], Freshness::Strong).await?;
        match (found.remove(&Key::drop(id)), found.remove(&Key::body(id))) {
            (Some(drop), Some(body)) => Ok(Some((read_drop(drop)?, read_brief(body)?))),
            _ => Ok(None),
        }
    }

    /// The drops among `ids` that exist, in that order. One round trip, 1 read unit each.
    ///
    /// # Errors
    /// Faults only.
    pub async fn drops(&self, ids: &[DropId]) -> Result<Vec<Drop>, Error> {
        let mut found = self.get_all(ids.iter().copied().map(Key::drop).collect(), Freshness::Strong).await?;
        ids.iter().filter_map(|id| found.remove(&Key::drop(*id))).map(read_drop).collect()
    }

    /// The drops a user posted, newest first, each with its brief and, where the index knows of a winner, the
    /// winner's output. Two round trips: the index `by_sender`, then the items.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor that is not of this list; faults.
    pub async fn drops_by_sender(
        &self,
        sender: &UserId,
        limit: i32,
        after: Option<&str>,
    ) -> Result<Page<(Drop, Brief, Option<Delivered>)>, Error> {
        let before = position(LIST, after)?.unwrap_or_else(|| "~".to_owned());
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("by_sender")
            .key_condition_expression("sender_id = :sender AND pk < :before")
            .expression_attribute_values(":sender", s(sender.to_string()))
            .expression_attribute_values(":before", s(format!("DROP#{before}")))
            .scan_index_forward(false)
            .limit(limit.saturating_add(1))
            .send()
            .await
            .map_err(|e| fault("query by sender", e))?;
        let mut hits: Vec<(DropId, Option<UserId>)> =
            answer.items.unwrap_or_default().iter().filter_map(sender_hit).collect();
        let keep = usize::try_from(limit).unwrap_or(0);
        let more = hits.len() > keep;
        hits.truncate(keep);
        let (items, cut) = self.fill(hits.clone()).await?;
        let last = items.len().checked_sub(1).and_then(|last| hits.get(last));
        let next = last.filter(|_| more || cut).map(|(id, _)| cursor(LIST, &id.to_string()));
        Ok(Page { items, next })
    }

    /// Reads what a list of drops shows. The page ends early (`true`) where its texts would outgrow an answer.
    async fn fill(
        &self,
        hits: Vec<(DropId, Option<UserId>)>,
    ) -> Result<(Vec<(Drop, Brief, Option<Delivered>)>, bool), Error> {
        let output = |(id, winner): &(DropId, Option<UserId>)| winner.as_ref().map(|w| Key::output(*id, w));
        let keys = hits.iter().flat_map(|hit| [Some(Key::drop(hit.0)), Some(Key::body(hit.0)), output(hit)]);
        let mut found = self.get_all(keys.flatten().collect(), Freshness::Strong).await?;
        let mut filled = Vec::new();
        let mut bytes = 0;
        for hit in &hits {
            let (Some(drop), Some(body)) = (found.remove(&Key::drop(hit.0)), found.remove(&Key::body(hit.0)))
            else {
                return Err(Error::internal("an indexed drop is missing"));
            };
            let drop = read_drop(drop)?;
            let brief = read_brief(body)?;
            let known = output(hit).and_then(|key| found.remove(&key));
            let output = match (known, &drop.outcome) {
                (Some(item), _) => Some(read_delivered(item)?),
                // The index lags behind a settlement that has just happened.
                (None, Some(outcome)) => self.delivered(drop.id, &outcome.winner).await?,
                (None, None) => None,
            };
            bytes += shown_bytes(&brief, output.as_ref());
            if bytes > MAX_PAGE_BYTES && !filled.is_empty() {
                return Ok((filled, true));
            }
            filled.push((drop, brief, output));
        }
        Ok((filled, false))
    }

    /// Runs a transaction whose conditions are all on one drop, on balances that it settles, or on an agent that must be
    /// there.
    pub(crate) async fn write_drop(&self, drop: DropId, tx: Tx) -> Result<Written, Error> {
        match self.transact(tx).await {
            Ok(()) => Ok(Written::Done),
            Err(error) => changed(drop, error),
        }
    }
}

/// What a file with its signed address may take in an answer.
const SHOWN_FILE_BYTES: usize = 4096;

/// What texts and files of a drop take in an answer.
fn shown_bytes(brief: &Brief, output: Option<&Delivered>) -> usize {
    let (text, files) =
        output.map_or((0, 0), |output| (output.output_text.len(), output.output_attachments.len()));
    brief.prompt.len() + text + (brief.attachments.len() + files) * SHOWN_FILE_BYTES
}

/// What the texts on one page of a list may weigh together: JSON escapes may double it and API answers end at 6 MB.
const MAX_PAGE_BYTES: usize = 2 * 1024 * 1024;

fn sender_hit(item: &Item) -> Option<(DropId, Option<UserId>)> {
    let id = drop_of_pk(item.get(PK)?.as_s().ok()?)?;
    let winner = item.get("winner_id").and_then(|value| value.as_s().ok()?.parse().ok());
    Some((id, winner))
}

fn changed(drop: DropId, error: TxError) -> Result<Written, Error> {
    match error {
        TxError::Fault(error) => Err(error),
        TxError::Refused(mut refused) => match refused.remove(&Key::drop(drop)) {
            Some(old) => Ok(Written::Changed(Box::new(read_old(old)?))),
            None => {
                if refused.keys().any(Key::is_agents) {
                    return Err(agent_not_found().into());
                }
                let keys: Vec<String> =
                    refused.into_keys().map(|key| format!("{} {}", key.pk, key.sk)).collect();
                Err(Error::internal(format!("write to drop {drop} refused by {}", keys.join(", "))))
            }
        },
    }
}

fn read_old(old: Option<Item>) -> Result<Drop, Error> {
    read_drop(old.ok_or_else(|| Error::internal("a drop that was read is gone"))?)
}

/// If it was the key that refused to pay: what has become of it, and `None` if it was revoked.
fn key_that_refused(
    payment: Option<&DropPayment<'_>>,
    refused: &mut BTreeMap<Key, Option<Item>>,
) -> Result<Option<Option<Box<StoredKey>>>, Error> {
    match payment.and_then(|payment| payment.spending) {
        Some(spending) => spending.refused(refused),
        None => Ok(None),
    }
}

/// The sender whose wallet refused to pay.
fn payer(mut refused: BTreeMap<Key, Option<Item>>, sender: &UserId) -> Result<Box<User>, Error> {
    let old = refused.remove(&Key::user(sender)).flatten();
    let old =
        old.ok_or_else(|| Error::internal("a payment was refused by something else than the wallet"))?;
    read_user(old).map(Box::new)
}

fn claim_attribute(worker: &UserId, claim: &Claim) -> Result<aws_sdk_dynamodb::types::AttributeValue, Error> {
    encode(&claim_item(worker, claim)).map(aws_sdk_dynamodb::types::AttributeValue::M)
}

/// Stamps a change of a drop, which has to come after every change before it: see [`Drop::next_change_at`].
pub(crate) fn changed_at(update: &mut Update, now: Timestamp) -> &mut Update {
    update.require("updated_at", "<", at(now)).set("updated_at", at(now))
}

/// Removes an unsubmitted claim that is still the one with this lease.
fn remove_claim(update: &mut Update, worker: &UserId, lease_expires_at: Timestamp) {
    update
        .require(&format!("claims.{worker}.lease_expires_at"), "=", at(lease_expires_at))
        .require_absent(&format!("claims.{worker}.submitted_at"))
        .remove(&format!("claims.{worker}"));
}

/// Takes a drop that ends at `now` off its workers' lists, and records whose claims have lapsed.
pub(crate) fn release_workers(tx: &mut Tx, drop: &Drop, now: Timestamp) -> Result<(), Error> {
    for (worker, claim) in &drop.claims {
        let lapse = claim.lapsed_at(now).map(|at| Lapse { at, released: false });
        end_work(tx, worker, drop.id, lapse)?;
    }
    Ok(())
}

/// The change to the totals when `drops` drops of this price come onto the board (or leave it, if negative).
pub(crate) fn on_board(price: Cents, drops: i64) -> Result<Stats, Error> {
    let bounty = if drops < 0 { price.negated() } else { Ok(price) };
    let bounty = bounty.map_err(|_| Error::internal("price out of range"))?;
    Ok(Stats { open_drops: drops, open_bounty: bounty, ..Stats::default() })
}
