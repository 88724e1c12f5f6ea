//! Top-ups: begun, paid, refused, refunded; each change one conditional write.

use clorp_domain::spend::Day;
use clorp_domain::{
    AutoTopup, Cents, Error, Posting, TakenBack, Topup, TopupId, TopupKind, TopupStatus, User, UserId,
};
use jiff::Timestamp;

use crate::freezes::require_unfrozen;
use crate::items::keys;
use crate::items::pending_entry::{Queue, end_pending, enter};
use crate::items::topup::{REVISION, read_payment, read_topup, write_payment, write_taken_back, write_topup};
use crate::items::user::{BALANCE, CHARGED, CHARGED_DAY, DAILY_LIMIT, read_user};
use crate::table::item::{flag, n, s};
use crate::table::{Tx, Update};
use crate::{Conditional, Topups, ledger};

/// The condition of a wallet under which its saved card is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortage {
    /// The wallet holds less than the threshold of its settings.
    BelowThreshold,
    /// The wallet holds less than this.
    Below(Cents),
}

/// The day's limit of automatic top-ups, and the settings as read.
#[derive(Clone, Copy, Debug)]
pub struct DayLimit<'a> {
    /// The settings that set the limit, with the charges that count against it.
    pub settings: &'a AutoTopup,
    /// Most that the day's charges may add up to.
    pub limit: Cents,
}

/// The reason why an automatic top-up did not begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AutoTopupConflict {
    /// It began before.
    Exists,
    /// The user has changed: this is the user now.
    Changed(Box<User>),
}

impl Topups<'_> {
    /// A top-up. One round trip, 1 read unit.
    pub async fn get(self, user: &UserId, id: TopupId) -> Result<Option<Topup>, Error> {
        self.table.get(keys::topup(user, id)).await?.map(read_topup).transpose()
    }

    /// The top-up that a PaymentIntent has paid. Two round trips, 1 read unit each.
    pub async fn of_intent(self, intent: &str) -> Result<Option<Topup>, Error> {
        let Some(item) = self.table.get(keys::payment(intent)).await? else {
            return Ok(None);
        };
        let (user, id) = read_payment(item)?;
        self.get(&user, id).await
    }

    /// Records a top-up that its user will pay on Stripe's page. A record that exists stays as it is: its id
    /// is made once for each request. If no event ends it, it is among the unreported
    /// [pending](crate::Store::pending) objects after a while. One write unit and an index entry.
    pub async fn begin(self, topup: &Topup) -> Result<(), Error> {
        let mut item = write_topup(topup)?;
        enter(&mut item, Queue::Unreported, topup.first_look_at());
        let mut update = Update::default();
        update.set_all(item).require_new();
        self.table.update_if(keys::topup(&topup.user, topup.id), update).await.map(|_| ())
    }

    /// Records a charge of the saved card, if the wallet is short, the charge would be enough, automatic
    /// top-ups are on with this amount, none is under way, and the day's limit allows it. The charge counts
    /// against that limit whatever its outcome. From `due_at` on it is among the unsettled
    /// [pending](crate::Store::pending) payments. Five write units.
    pub async fn begin_auto(
        self,
        topup: &Topup,
        shortage: Shortage,
        day_limit: DayLimit<'_>,
        due_at: Timestamp,
    ) -> Result<Conditional<AutoTopupConflict>, Error> {
        let (key, user_key) = (keys::topup(&topup.user, topup.id), keys::user(&topup.user));
        let mut tx = Tx::default();
        let update = tx.update(user_key.clone());
        update
            .require("auto_topup_enabled", "=", flag(true))
            .require("auto_topup_amount_cents", "=", n(topup.amount.get()))
            .require_absent("auto_topup_in_flight")
            .set("auto_topup_in_flight", s(topup.id.to_string()));
        require_unfrozen(update);
        day_limit.count(update, topup)?;
        match shortage {
            Shortage::BelowThreshold => {
                update.require_between(BALANCE, "<", "auto_topup_threshold_cents");
            }
            Shortage::Below(price) => {
                let least = price.minus(topup.amount)?;
                update.require(BALANCE, "<", n(price.get()));
                update.require(BALANCE, ">=", n(least.get()));
            }
        }
        let mut item = write_topup(topup)?;
        item.extend(key.clone().into_attributes());
        enter(&mut item, Queue::Unsettled, due_at);
        tx.create(key.clone(), item);
        self.table.transact(tx).await?.or_conflict(|mut refusals| {
            if refusals.contains(&key) {
                return Ok(AutoTopupConflict::Exists);
            }
            match refusals.take(&user_key) {
                Some(user) => Ok(AutoTopupConflict::Changed(Box::new(read_user(user)?))),
                None => Err(refusals.unexpected("automatic top-up")),
            }
        })
    }

    /// Records the object at Stripe that is to pay a top-up. A recorded object stays as it is: a conflict
    /// means that there is another one, and carries the top-up that names it. One write unit.
    pub async fn set_object(self, topup: &Topup, stripe_id: &str) -> Result<Conditional<Box<Topup>>, Error> {
        let key = keys::topup(&topup.user, topup.id);
        let mut update = Update::default();
        update
            .require_existing()
            .require_absent_or("stripe_id", "=", s(stripe_id))
            .set("stripe_id", s(stripe_id));
        self.table.update_if(key.clone(), update).await?.or_conflict(|mut refusals| {
            let known = refusals.take(&key).map(read_topup).transpose()?;
            known.map(Box::new).ok_or_else(|| refusals.unexpected("object of a top-up"))
        })
    }

    /// Credits the wallet for a top-up, as read, that `stripe_id` has paid through `intent`; afterwards the
    /// intent leads back to the top-up. A conflict means that the top-up or its user has changed since. Ten
    /// write units and an index entry.
    pub async fn credit(
        self,
        topup: &Topup,
        stripe_id: &str,
        intent: Option<&str>,
        credit: &Posting,
    ) -> Result<Conditional<()>, Error> {
        let mut tx = Tx::default();
        let update = tx.update(keys::topup(&topup.user, topup.id));
        update
            .require("status", "=", s(topup.status.as_str()))
            .require_absent_or("stripe_id", "=", s(stripe_id))
            .set("status", s(TopupStatus::Paid.as_str()))
            .set("stripe_id", s(stripe_id));
        end_pending(update);
        ledger::post(&mut tx, credit)?;
        if topup.kind == TopupKind::Auto && topup.status == TopupStatus::Pending {
            tx.update(keys::user(&topup.user))
                .require("auto_topup_in_flight", "=", s(topup.id.to_string()))
                .remove("auto_topup_in_flight")
                .remove("auto_topup_failures")
                .remove("auto_topup_last_failure");
        }
        if let Some(intent) = intent {
            let key = keys::payment(intent);
            tx.create(key.clone(), write_payment(&key, topup)?);
        }
        Ok(self.table.transact(tx).await?.conditional())
    }

    /// Ends an automatic top-up whose charge was refused, and changes the settings from `before` to `after`.
    /// A conflict means that the top-up or the settings have changed since. Four write units and an index
    /// entry.
    pub async fn fail_auto(
        self,
        topup: &Topup,
        before: &AutoTopup,
        after: &AutoTopup,
    ) -> Result<Conditional<()>, Error> {
        let mut tx = Tx::default();
        let update = tx.update(keys::topup(&topup.user, topup.id));
        update
            .require("status", "=", s(TopupStatus::Pending.as_str()))
            .set("status", s(TopupStatus::Failed.as_str()));
        end_pending(update);
        tx.update(keys::user(&topup.user))
            .require("auto_topup_in_flight", "=", s(topup.id.to_string()))
            .require_flag("auto_topup_enabled", before.enabled)
            .require_number("auto_topup_failures", before.failures)
            .remove("auto_topup_in_flight")
            .set("auto_topup_enabled", flag(after.enabled))
            .set("auto_topup_failures", n(after.failures))
            .set("auto_topup_last_failure", s(after.last_failure.clone().unwrap_or_default()));
        Ok(self.table.transact(tx).await?.conditional())
    }

    /// Ends a top-up by Checkout that will not be paid any more, as far as Stripe says. A conflict means that
    /// it has ended already. One write unit and an index entry.
    pub async fn expire(self, topup: &Topup) -> Result<Conditional<()>, Error> {
        let mut update = Update::default();
        update
            .require("status", "=", s(TopupStatus::Pending.as_str()))
            .set("status", s(TopupStatus::Failed.as_str()));
        end_pending(&mut update);
        Ok(self.table.update_if(keys::topup(&topup.user, topup.id), update).await?.conditional())
    }

    /// Records what went back to the payer of a top-up, as read, with the money that moves. A conflict means
    /// that it has changed since. Two write units, and six for a posting.
    pub async fn take_back(
        self,
        topup: &Topup,
        after: &TakenBack,
        posting: Option<&Posting>,
    ) -> Result<Conditional<()>, Error> {
        let mut tx = Tx::default();
        take_back(&mut tx, topup, after, posting)?;
        Ok(self.table.transact(tx).await?.conditional())
    }
}

/// Adds a change of what went back to the payer to `tx`.
pub(crate) fn take_back(
    tx: &mut Tx,
    topup: &Topup,
    after: &TakenBack,
    posting: Option<&Posting>,
) -> Result<(), Error> {
    tx.update(keys::topup(&topup.user, topup.id))
        .require_existing()
        .require_number(REVISION, topup.taken_back.revision)
        .set_all(write_taken_back(after)?);
    posting.map_or(Ok(()), |posting| ledger::post(tx, posting))
}

impl DayLimit<'_> {
    /// Adds a charge to those of its day, on condition that the limit allows it, and that neither the limit
    /// nor the earlier charges have changed since the settings were read.
    fn count(&self, update: &mut Update, topup: &Topup) -> Result<(), Error> {
        let (day, amount) = (Day::of(topup.created_at), topup.amount);
        match self.settings.chosen_daily_limit {
            None => update.require_absent(DAILY_LIMIT),
            Some(chosen) => update.require(DAILY_LIMIT, "=", n(chosen.get())),
        };
        if self.settings.charged.day == day {
            update
                .require(CHARGED_DAY, "=", n(day.get()))
                .require(CHARGED, "<=", n(self.limit.minus(amount)?.get()))
                .add(CHARGED, amount.get());
        } else {
            update
                .require_absent_or(CHARGED_DAY, "<", n(day.get()))
                .set(CHARGED_DAY, n(day.get()))
                .set(CHARGED, n(amount.get()));
        }
        Ok(())
    }
}
