//! Drops: every change of a drop's state, each one conditional write.

use clorp_domain::agent::agent_not_found;
use clorp_domain::time::after_seconds;
use clorp_domain::{
    Brief, Claim, ConnectStatus, Drop, DropId, Error, Posting, Requirement, Status, StoredKey, User, UserId,
};
use futures::future::join;
use jiff::Timestamp;

use crate::agents::count_claim;
use crate::api_keys::Spending;
use crate::freezes::require_unfrozen;
use crate::items::brief::{read_brief, write_brief};
use crate::items::drop::{owner_attribute, read_drop, read_winner, stamp, write_claim, write_drop};
use crate::items::index_entry::IndexEntry;
use crate::items::keys;
use crate::items::submission::{Delivered, read_delivered};
use crate::items::user::read_user;
use crate::items::work::Lapse;
use crate::stats::{count, on_board};
use crate::table::item::{at, n, s, text};
use crate::table::page::{MAX_PAGE_BYTES, answer_bytes, cursor, position};
use crate::table::{Commit, END, Freshness, Item, PK, Refusals, Tx, Update, fault};
use crate::work::{begin_work, end_unsubmitted_work, end_work};
use crate::{Conditional, Drops, Page, Work, ledger};

const LIST: &str = "drops";
/// The attribute by which the table removes items.
const EXPIRES_AT: &str = "expires_at";
/// Time for which an unpaid drop is kept after it can be paid, in seconds: a payment that has begun finds it.
const UNPAID_KEPT_SECONDS: u32 = 60 * 60;
/// Entries of the index that a page with a status reads. They cost three and a half read units at most.
const FILTERED_ENTRIES: i32 = 200;
/// Bytes that a file with its signed address may take in an answer.
const SHOWN_FILE_BYTES: usize = 4096;

/// The payment of a drop.
#[derive(Clone, Copy, Debug)]
pub struct DropPayment<'a> {
    /// The price, from the sender into the drop's escrow.
    pub posting: &'a Posting,
    /// The API key that spends it, if the caller has used one.
    pub spending: Option<Spending<'a>>,
}

/// The reason why a drop was not written and paid for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentConflict {
    /// The drop exists already, or has changed: it is this.
    Drop(Box<Drop>),
    /// The wallet that was to pay holds too little, or its owner's account is frozen.
    Wallet(Box<User>),
    /// The API key that was to pay has spent since it was read, or was revoked (`None`).
    KeyChanged(Option<Box<StoredKey>>),
}

/// A drop of a user's list, with its brief and, if there is a winner, the winner's output.
type Listed = (Drop, Brief, Option<Delivered>);

/// An entry of the index `by_sender`: a drop and its winner.
type Hit = (DropId, Option<UserId>);

impl Drops<'_> {
    /// A drop. One round trip, 1 read unit.
    pub async fn get(self, id: DropId) -> Result<Option<Drop>, Error> {
        self.table.get(keys::drop(id)).await?.map(read_drop).transpose()
    }

    /// A drop and its brief. One round trip, 1 read unit for each 4 KB of each.
    pub async fn get_with_brief(self, id: DropId) -> Result<Option<(Drop, Brief)>, Error> {
        let (drop, body) = (keys::drop(id), keys::body(id));
        let mut found = self.table.get_all(vec![drop.clone(), body.clone()], Freshness::Strong).await?;
        match (found.remove(&drop), found.remove(&body)) {
            (Some(drop), Some(body)) => Ok(Some((read_drop(drop)?, read_brief(body)?))),
            _ => Ok(None),
        }
    }

    /// The drops among `ids` that exist, in that order. One round trip, 1 read unit each.
    pub async fn get_many(self, ids: &[DropId]) -> Result<Vec<Drop>, Error> {
        let keys = ids.iter().copied().map(keys::drop).collect();
        let mut found = self.table.get_all(keys, Freshness::Strong).await?;
        ids.iter().filter_map(|id| found.remove(&keys::drop(*id))).map(read_drop).collect()
    }

    /// The drops that a user posted, newest first, each with its brief and, where the index knows of a
    /// winner, the winner's output. With a `status`, only drops that have it. Two round trips: the index
    /// `by_sender`, then the items.
    ///
    /// The index tells completed drops from others, and the items tell the rest. So a page with a `status`
    /// reads up to [`FILTERED_ENTRIES`] entries of the index, and no more items than it may show. It may be
    /// short or empty and still have a next page.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor of another list; faults.
    pub async fn by_sender(
        self,
        sender: &UserId,
        status: Option<Status>,
        limit: i32,
        after: Option<&str>,
    ) -> Result<Page<Listed>, Error> {
        let before = position(LIST, after)?.unwrap_or_else(|| END.to_string());
        let filter = status.map(|status| {
            let completed = status == Status::Completed;
            if completed { "attribute_exists(winner_id)" } else { "attribute_not_exists(winner_id)" }
        });
        let answer = self
            .table
            .query()
            .index_name("by_sender")
            .key_condition_expression("sender_id = :sender AND pk < :before")
            .set_filter_expression(filter.map(str::to_owned))
            .expression_attribute_values(":sender", s(sender.to_string()))
            .expression_attribute_values(":before", s(format!("DROP#{before}")))
            .scan_index_forward(false)
            .limit(if filter.is_some() { FILTERED_ENTRIES } else { limit.saturating_add(1) })
            .send()
            .await
            .map_err(|e| fault("query by sender", e))?;
        let mut hits: Vec<Hit> = answer.items.unwrap_or_default().iter().filter_map(hit).collect();
        let keep = usize::try_from(limit).unwrap_or(0);
        let more = hits.len() > keep;
        hits.truncate(keep);
        let (mut items, filled) = self.fill(&hits).await?;
        let end = if more || filled < hits.len() {
            filled.checked_sub(1).and_then(|last| hits.get(last)).map(|(id, _)| *id)
        } else {
            // The index has further entries, which this page has not looked at.
            answer.last_evaluated_key.as_ref().and_then(hit).map(|(id, _)| id)
        };
        items.retain(|(drop, ..)| status.is_none_or(|status| drop.status == status));
        Ok(Page { items, next: end.map(|id| cursor(LIST, &id.to_string())) })
    }

    /// The drops that a user posted since a time, oldest first, at most 1,000. A round trip to the index
    /// `by_sender`, and one for each hundred drops, 1 read unit each.
    pub async fn posted_since(self, sender: &UserId, since: Timestamp) -> Result<Vec<Drop>, Error> {
        let answer = self
            .table
            .query()
            .index_name("by_sender")
            .key_condition_expression("sender_id = :sender AND pk >= :since")
            .expression_attribute_values(":sender", s(sender.to_string()))
            .expression_attribute_values(":since", s(keys::drop_pk(DropId::lowest_at(since))))
            .limit(1000)
            .send()
            .await
            .map_err(|e| fault("query by sender", e))?;
        let ids: Vec<DropId> =
            answer.items.unwrap_or_default().iter().filter_map(hit).map(|(id, _)| id).collect();
        self.get_many(&ids).await
    }

    /// Reads the items of a page, which ends early where its texts would outgrow an answer. Gives them, and
    /// the number of `hits` that they are from.
    async fn fill(self, hits: &[Hit]) -> Result<(Vec<Listed>, usize), Error> {
        let output = |(id, winner): &Hit| winner.as_ref().map(|winner| keys::output(*id, winner));
        let keys =
            hits.iter().flat_map(|hit| [Some(keys::drop(hit.0)), Some(keys::body(hit.0)), output(hit)]);
        let mut found = self.table.get_all(keys.flatten().collect(), Freshness::Strong).await?;
        let mut filled = Vec::new();
        let mut bytes = 0;
        for (position, hit) in hits.iter().enumerate() {
            let drop = found.remove(&keys::drop(hit.0));
            // An unpaid drop expires, its items and its place in the index one after another.
            let (Some(drop), Some(body)) = (drop, found.remove(&keys::body(hit.0))) else {
                continue;
            };
            let drop = read_drop(drop)?;
            let brief = read_brief(body)?;
            let known = output(hit).and_then(|key| found.remove(&key));
            let output = match (known, &drop.outcome) {
                (Some(item), _) => Some(item),
                // The index lags behind a settlement that has just happened.
                (None, Some(outcome)) => self.table.get(keys::output(drop.id, &outcome.winner)).await?,
                (None, None) => None,
            };
            let output = output.map(read_delivered).transpose()?;
            bytes += shown_bytes(&brief, output.as_ref());
            if bytes > MAX_PAGE_BYTES && !filled.is_empty() {
                return Ok((filled, position));
            }
            filled.push((drop, brief, output));
        }
        Ok((filled, hits.len()))
    }

    /// Writes a new drop and its brief; with a `payment`, opened and paid for in the same transaction.
    /// Without one, both expire some time after the drop can be paid.
    ///
    /// The drop's id is its idempotency record: it belongs to one request, so a drop that exists already was
    /// written by an earlier try of this request.
    pub async fn create(
        self,
        drop: &Drop,
        brief: &Brief,
        payment: Option<DropPayment<'_>>,
    ) -> Result<Conditional<PaymentConflict>, Error> {
        let mut tx = Tx::default();
        let update = tx.update(keys::drop(drop.id));
        update.require_new().set_all(write_drop(drop)?);
        IndexEntry::of(drop).set(update, drop.id);
        let body = keys::body(drop.id);
        let mut item = write_brief(&body, brief)?;
        match &payment {
            Some(payment) => payment.add_to(&mut tx, drop)?,
            None => {
                let expires_at = after_seconds(drop.payable_until(), UNPAID_KEPT_SECONDS).as_second();
                tx.update(keys::drop(drop.id)).set(EXPIRES_AT, n(expires_at));
                item.insert(EXPIRES_AT.to_owned(), n(expires_at));
            }
        }
        tx.create(body, item);
        self.table.transact(tx).await?.or_conflict(|refusals| conflict(refusals, drop, payment))
    }

    /// Opens a pending drop, paid for by `payment`. `drop` is the drop as opened. From now on neither the
    /// drop nor its brief expires, which costs two write units for each KB of the brief.
    pub async fn pay(
        self,
        drop: &Drop,
        payment: DropPayment<'_>,
    ) -> Result<Conditional<PaymentConflict>, Error> {
        let window = drop.window.ok_or_else(|| Error::internal("a drop is paid for without being opened"))?;
        let mut tx = Tx::default();
        let update = stamp(tx.update(keys::drop(drop.id)), drop.updated_at);
        update
            .require("status", "=", s(Status::PendingPayment.as_str()))
            .set("status", s(drop.status.as_str()))
            .set("opened_at", at(window.opened_at))
            .set("window_closes_at", at(window.closes_at))
            .remove(EXPIRES_AT);
        IndexEntry::of(drop).set(update, drop.id);
        tx.update(keys::body(drop.id)).require_existing().remove(EXPIRES_AT);
        payment.add_to(&mut tx, drop)?;
        self.table.transact(tx).await?.or_conflict(|refusals| conflict(refusals, drop, Some(payment)))
    }

    /// Ends a drop without a verdict, as `status` says: cancelled or expired. `drop` is the drop as read,
    /// and must not have changed since. `refund` returns the escrow, if there is one.
    pub async fn end(
        self,
        drop: &Drop,
        status: Status,
        refund: Option<&Posting>,
        now: Timestamp,
    ) -> Result<Conditional<Box<Drop>>, Error> {
        let mut tx = Tx::default();
        let update = stamp(tx.update(keys::drop(drop.id)), now);
        update
            .require("status", "=", s(drop.status.as_str()))
            .require("updated_at", "=", at(drop.updated_at))
            .set("status", s(status.as_str()));
        IndexEntry::None.set(update, drop.id);
        end_unsubmitted_work(&mut tx, drop, now)?;
        if let Some(refund) = refund {
            ledger::post(&mut tx, refund)?;
            count(&mut tx, drop.id, on_board(drop.price, -1)?);
        }
        self.table.transact(tx).await?.or_conflict(|refusals| changed(refusals, drop.id))
    }

    /// Gives a slot of `drop`, as read, to `worker` of `owner`: a free slot, or the one that `lapsed` held,
    /// whose lapse is recorded. Two write units. A claim that concerns more than the drop is a transaction: a
    /// take-over costs eight, and one for an agent other than the worker's default one, or on a drop that
    /// requires verified payouts, six.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the agent has been deleted; [`Error::RequirementsNotMet`] if the worker's
    /// payouts are not verified and the drop requires it; faults.
    pub async fn claim(
        self,
        drop: &Drop,
        (worker, owner): (&UserId, &UserId),
        claim: &Claim,
        lapsed: Option<&UserId>,
    ) -> Result<Conditional<Box<Drop>>, Error> {
        let own = format!("claims.{worker}");
        let owners = owner_attribute(owner);
        let mut tx = Tx::default();
        let update = stamp(tx.update(keys::drop(drop.id)), claim.claimed_at);
        update
            .require("status", "=", s(Status::Open.as_str()))
            .require("window_closes_at", ">", at(claim.claimed_at))
            .require_absent(&own)
            .require_absent(&owners)
            .set(&own, write_claim(worker, claim)?);
        if worker != owner {
            update.require_absent(&format!("claims.{owner}")).set(&owners, s(worker.to_string()));
        }
        match lapsed {
            None => {
                update.require_between("claims_count", "<", "max_claims").add("claims_count", 1);
            }
            Some(lapsed) => {
                let held = drop.claims.get(lapsed).and_then(|held| held.lapsed_at(claim.claimed_at));
                let lapsed_at = held.ok_or_else(|| Error::internal("a claim is taken over that holds"))?;
                remove_claim(update, drop, lapsed, lapsed_at);
                end_work(&mut tx, lapsed, drop.id, Some(Lapse { at: lapsed_at, released: false }))?;
            }
        }
        count_claim(&mut tx, worker, claim.agent);
        let account = keys::user(worker);
        if drop.requirements.verified_payouts {
            let active = s(ConnectStatus::Active.as_str());
            tx.check(account.clone()).require("stripe_account_status", "=", active);
        }
        let mut tx = match tx.into_only_update() {
            Ok((_, update)) => return self.claim_alone(drop, worker, claim, update).await,
            Err(tx) => tx,
        };
        begin_work(&mut tx, worker, drop, claim)?;
        self.table.transact(tx).await?.or_conflict(|refusals| {
            if refusals.contains(&account) && !refusals.contains(&keys::drop(drop.id)) {
                return Err(Error::RequirementsNotMet { unmet: vec![Requirement::VerifiedPayouts] });
            }
            changed(refusals, drop.id)
        })
    }

    /// Makes a claim that changes nothing but the drop, and puts the drop on the worker's list at the same
    /// time. The claim has succeeded when both are written.
    async fn claim_alone(
        self,
        drop: &Drop,
        worker: &UserId,
        claim: &Claim,
        update: Update,
    ) -> Result<Conditional<Box<Drop>>, Error> {
        let listed = Work { table: self.table }.begin(worker, drop, claim);
        let (committed, listed) = join(self.table.update_if(keys::drop(drop.id), update), listed).await;
        if let Commit::Refused(refusals) = committed? {
            let changed = changed(refusals, drop.id)?;
            // Times of changes are unique in a drop, so this claim is from an earlier try of the same write.
            if changed.claims.get(worker) != Some(claim) {
                return Ok(Conditional::Conflict(changed));
            }
        }
        listed.map(|()| Conditional::Applied)
    }

    /// Takes back the slot that `worker` holds by `claim`. The claim counts as lapsed from now on, or from
    /// the end of its lease if that is over. Six write units.
    pub async fn release(
        self,
        drop: &Drop,
        worker: &UserId,
        claim: &Claim,
        now: Timestamp,
    ) -> Result<Conditional<Box<Drop>>, Error> {
        let mut tx = Tx::default();
        let update = stamp(tx.update(keys::drop(drop.id)), now);
        update
            .require("status", "=", s(Status::Open.as_str()))
            .require("window_closes_at", ">", at(now))
            .add("claims_count", -1);
        remove_claim(update, drop, worker, claim.lease_expires_at);
        let at = claim.lease_expires_at.min(now);
        end_work(&mut tx, worker, drop.id, Some(Lapse { at, released: true }))?;
        self.table.transact(tx).await?.or_conflict(|refusals| changed(refusals, drop.id))
    }

    /// Closes an open drop to submissions, whose window is over, or which is full: afterwards only the
    /// ranking changes it. One write unit, and four for the index entries that take it off the board.
    pub async fn close(self, drop: &Drop, now: Timestamp) -> Result<Conditional<Box<Drop>>, Error> {
        let mut update = Update::default();
        stamp(&mut update, now)
            .require("status", "=", s(Status::Open.as_str()))
            .set("status", s(Status::Ranking.as_str()))
            .set("ranking_at", at(now));
        // A full drop stays full, so the time at which it closes is as it was read.
        if drop.is_full() {
            update.require_between("submissions_count", ">=", "max_claims");
        } else {
            update.require("window_closes_at", "<=", at(now));
        }
        IndexEntry::Ranking(drop.pack).set(&mut update, drop.id);
        let commit = self.table.update_if(keys::drop(drop.id), update).await?;
        commit.or_conflict(|refusals| changed(refusals, drop.id))
    }
}

impl DropPayment<'_> {
    fn add_to(&self, tx: &mut Tx, drop: &Drop) -> Result<(), Error> {
        ledger::post(tx, self.posting)?;
        require_unfrozen(tx.update(keys::user(&drop.sender)));
        if let Some(spending) = &self.spending {
            spending.count(tx)?;
        }
        count(tx, drop.id, on_board(drop.price, 1)?);
        Ok(())
    }
}

/// The drop that a write was refused by. The conditions of such a write are all on the drop, on balances that
/// it settles, or on an agent that must exist.
pub(crate) fn changed(mut refusals: Refusals, drop: DropId) -> Result<Box<Drop>, Error> {
    let key = keys::drop(drop);
    if refusals.contains(&key) {
        read_refused(refusals.take(&key))
    } else if refusals.keys().any(keys::is_agents) {
        Err(agent_not_found().into())
    } else {
        Err(refusals.unexpected(&format!("write to drop {drop}")))
    }
}

fn read_refused(old: Option<Item>) -> Result<Box<Drop>, Error> {
    let old = old.ok_or_else(|| Error::internal("a drop that was read is gone"))?;
    read_drop(old).map(Box::new)
}

fn conflict(
    mut refusals: Refusals,
    drop: &Drop,
    payment: Option<DropPayment<'_>>,
) -> Result<PaymentConflict, Error> {
    let key = keys::drop(drop.id);
    if refusals.contains(&key) {
        return read_refused(refusals.take(&key)).map(PaymentConflict::Drop);
    }
    if let Some(spending) = payment.and_then(|payment| payment.spending)
        && let Some(key) = spending.refused(&mut refusals)?
    {
        return Ok(PaymentConflict::KeyChanged(key));
    }
    match refusals.take(&keys::user(&drop.sender)) {
        Some(wallet) => Ok(PaymentConflict::Wallet(Box::new(read_user(wallet)?))),
        None => Err(refusals.unexpected("payment of a drop")),
    }
}

/// Removes an unsubmitted claim of `drop` that still has this lease.
fn remove_claim(update: &mut Update, drop: &Drop, worker: &UserId, lease_expires_at: Timestamp) {
    if let Some(owner) = drop.other_owner_of(worker) {
        update.remove(&owner_attribute(owner));
    }
    update
        .require(&format!("claims.{worker}.lease_expires_at"), "=", at(lease_expires_at))
        .require_absent(&format!("claims.{worker}.submitted_at"))
        .remove(&format!("claims.{worker}"));
}

fn hit(item: &Item) -> Option<Hit> {
    Some((keys::drop_of_pk(text(item, PK)?)?, read_winner(item)))
}

/// Bytes that the texts and files of a drop take in an answer, which has most of the prompt twice.
fn shown_bytes(brief: &Brief, output: Option<&Delivered>) -> usize {
    let (text, files) =
        output.map_or((0, 0), |output| (answer_bytes(&output.output_text), output.output_attachments.len()));
    let vars = brief.env_vars.iter().map(|(name, value)| answer_bytes(name) + answer_bytes(value));
    2 * answer_bytes(&brief.prompt)
        + vars.sum::<usize>()
        + text
        + (brief.attachments.len() + files) * SHOWN_FILE_BYTES
}
