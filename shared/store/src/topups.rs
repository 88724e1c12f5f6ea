//! Top-ups: begun, paid, refused, paid back; each change one conditional write.

use clorp_domain::{AutoTopup, Cents, Error, Posting, Topup, TopupId, TopupKind, TopupStatus, User, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::item::{Item, decode, encode, flag, instant, keyed, n, parse, s};
use crate::pending::{no_longer_pending, pending_from};
use crate::primary_key::{Key, TOPUP, user_of_pk};
use crate::tx::{Tx, TxError, Update};
use crate::users::read_user;
use crate::{Store, ledger};

#[derive(Debug, Serialize, Deserialize)]
struct TopupItem {
    kind: String,
    status: String,
    amount_cents: i64,
    refunded_cents: i64,
    created_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stripe_id: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PaymentItem {
    user_id: String,
    topup_id: String,
}

/// What has to be true of a wallet for a charge of its saved card to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortage {
    /// It holds less than the threshold of its settings.
    BelowThreshold,
    /// It holds less than this.
    Below(Cents),
}

/// How the beginning of an automatic top-up ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AutoTopupBegun {
    /// It is on its way.
    Done,
    /// It is not: this is what the user has become.
    Changed(Box<User>),
    /// It began before.
    Already,
}

/// How a conditional change of a top-up, a withdrawal or a dispute ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It was made.
    Done,
    /// It was not, because what was read has changed: read and decide again.
    Changed,
}

/// The top-up an item holds.
pub(crate) fn read_topup(item: Item) -> Result<Topup, Error> {
    let key = Key::of_item(&item).ok_or_else(|| Error::internal("top-up without a key"))?;
    let user = user_of_pk(&key.pk).ok_or_else(|| Error::internal("top-up without a user"))?;
    let item: TopupItem = decode(item)?;
    let unreadable = |_| Error::internal("stored top-up cannot be read");
    Ok(Topup {
        id: parse("top-up id", key.sk.strip_prefix(TOPUP).unwrap_or_default())?,
        user,
        kind: item.kind.parse().map_err(unreadable)?,
        status: item.status.parse().map_err(unreadable)?,
        amount: Cents::new(item.amount_cents),
        refunded: Cents::new(item.refunded_cents),
        created_at: instant("created_at", item.created_at)?,
        stripe_id: item.stripe_id,
    })
}

fn attributes(topup: &Topup) -> Result<Item, Error> {
    let item = TopupItem {
        kind: topup.kind.to_string(),
        status: topup.status.as_str().to_owned(),
        amount_cents: topup.amount.get(),
        refunded_cents: topup.refunded.get(),
        created_at: topup.created_at.as_millisecond(),
        stripe_id: topup.stripe_id.clone(),
    };
    encode(&item)
}

/// The outcome of a transaction whose refusal means that what was read has changed.
pub(crate) fn moved(outcome: Result<(), TxError>) -> Result<Moved, Error> {
    match outcome {
        Ok(()) => Ok(Moved::Done),
        Err(TxError::Refused(_)) => Ok(Moved::Changed),
        Err(TxError::Fault(error)) => Err(error),
    }
}

impl Store {
    /// Records a top-up that its user will pay at Stripe. One that is there already is left as it is: its id is made
    /// once for each request. One write unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn begin_topup(&self, topup: &Topup) -> Result<(), Error> {
        let key = Key::topup(&topup.user, topup.id);
        let mut update = Update::default();
        update.set_all(attributes(topup)?).require_new();
        match self.update_if(key, update).await {
            Ok(()) | Err(TxError::Refused(_)) => Ok(()),
            Err(TxError::Fault(error)) => Err(error),
        }
    }

    /// Records a charge of the saved card, if the wallet is short, the charge would be enough, automatic top-ups are on
    /// with this amount, and none is under way. From `due_at` on it is found by [`Store::pending`]. Five write units.
    ///
    /// # Errors
    /// Faults only.
    pub async fn begin_auto_topup(
        &self,
        topup: &Topup,
        shortage: Shortage,
        due_at: Timestamp,
    ) -> Result<AutoTopupBegun, Error> {
        let (key, user_key) = (Key::topup(&topup.user, topup.id), Key::user(&topup.user));
        let mut tx = Tx::default();
        let update = tx.update(user_key.clone());
        update
            .require("auto_topup_enabled", "=", flag(true))
            .require("auto_topup_amount_cents", "=", n(topup.amount.get()))
            .require_absent("auto_topup_in_flight")
            .set("auto_topup_in_flight", s(topup.id.to_string()));
        match shortage {
            Shortage::BelowThreshold => {
                update.require_between("balance_cents", "<", "auto_topup_threshold_cents");
            }
            Shortage::Below(price) => {
                let least = price.minus(topup.amount)?;
                update.require("balance_cents", "<", n(price.get()));
                update.require("balance_cents", ">=", n(least.get()));
            }
        }
        let mut item = attributes(topup)?;
        item.extend(key.clone().into_attributes());
        pending_from(&mut item, due_at);
        tx.create(key.clone(), item);
        match self.transact(tx).await {
            Ok(()) => Ok(AutoTopupBegun::Done),
            Err(TxError::Fault(error)) => Err(error),
            Err(TxError::Refused(mut refused)) => match (refused.remove(&key), refused.remove(&user_key)) {
                (Some(_), _) => Ok(AutoTopupBegun::Already),
                (None, Some(Some(old))) => Ok(AutoTopupBegun::Changed(Box::new(read_user(old)?))),
                (None, _) => Err(Error::internal("a top-up was refused for no reason we know")),
            },
        }
    }

    /// A top-up. One round trip, 1 read unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn topup(&self, user: &UserId, id: TopupId) -> Result<Option<Topup>, Error> {
        self.get(Key::topup(user, id)).await?.map(read_topup).transpose()
    }

    /// Records which object of Stripe's is to pay a top-up. Nothing happens where that is known. One write unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn set_topup_object(&self, topup: &Topup, stripe_id: &str) -> Result<(), Error> {
        let mut update = Update::default();
        update.require_existing().require_absent("stripe_id").set("stripe_id", s(stripe_id));
        match self.update_if(Key::topup(&topup.user, topup.id), update).await {
            Ok(()) | Err(TxError::Refused(_)) => Ok(()),
            Err(TxError::Fault(error)) => Err(error),
        }
    }

    /// Credits the wallet for a top-up, as read, that `stripe_id` has paid through `intent`; from then on the intent
    /// leads back to the top-up. Ten write units and an index entry.
    ///
    /// # Errors
    /// Faults only.
    pub async fn credit_topup(
        &self,
        topup: &Topup,
        stripe_id: &str,
        intent: Option<&str>,
        credit: &Posting,
    ) -> Result<Moved, Error> {
        let mut tx = Tx::default();
        let update = tx.update(Key::topup(&topup.user, topup.id));
        update
            .require("status", "=", s(topup.status.as_str()))
            .require_absent_or("stripe_id", "=", s(stripe_id))
            .set("status", s(TopupStatus::Paid.as_str()))
            .set("stripe_id", s(stripe_id));
        no_longer_pending(update);
        ledger::post(&mut tx, credit)?;
        if topup.kind == TopupKind::Auto && topup.status == TopupStatus::Pending {
            tx.update(Key::user(&topup.user))
                .require("auto_topup_in_flight", "=", s(topup.id.to_string()))
                .remove("auto_topup_in_flight")
                .remove("auto_topup_failures")
                .remove("auto_topup_last_failure");
        }
        if let Some(intent) = intent {
            let key = Key::payment(intent);
            let item = PaymentItem { user_id: topup.user.to_string(), topup_id: topup.id.to_string() };
            let item = keyed(&key, &item)?;
            tx.create(key, item);
        }
        moved(self.transact(tx).await)
    }

    /// Ends an automatic top-up that was refused. `after` is what becomes of the settings, which were `before`. Four
    /// write units and an index entry.
    ///
    /// # Errors
    /// Faults only.
    pub async fn fail_auto_topup(
        &self,
        topup: &Topup,
        before: &AutoTopup,
        after: &AutoTopup,
    ) -> Result<Moved, Error> {
        let mut tx = Tx::default();
        let update = tx.update(Key::topup(&topup.user, topup.id));
        update
            .require("status", "=", s(TopupStatus::Pending.as_str()))
            .set("status", s(TopupStatus::Failed.as_str()));
        no_longer_pending(update);
        let update = tx.update(Key::user(&topup.user));
        update
            .require("auto_topup_in_flight", "=", s(topup.id.to_string()))
            .require_flag("auto_topup_enabled", before.enabled)
            .require_number("auto_topup_failures", before.failures)
            .remove("auto_topup_in_flight")
            .set("auto_topup_enabled", flag(after.enabled))
            .set("auto_topup_failures", n(after.failures))
            .set("auto_topup_last_failure", s(after.last_failure.clone().unwrap_or_default()));
        moved(self.transact(tx).await)
    }

    /// Takes back what was refunded of a top-up, as read: `refunded` in all. Eight write units.
    ///
    /// # Errors
    /// Faults only.
    pub async fn refund_topup(
        &self,
        topup: &Topup,
        refunded: Cents,
        posting: &Posting,
    ) -> Result<Moved, Error> {
        let mut tx = Tx::default();
        tx.update(Key::topup(&topup.user, topup.id))
            .require("refunded_cents", "=", n(topup.refunded.get()))
            .set("refunded_cents", n(refunded.get()));
        ledger::post(&mut tx, posting)?;
        moved(self.transact(tx).await)
    }

    /// The top-up that a PaymentIntent of Stripe's has paid. Two round trips, 1 read unit each.
    ///
    /// # Errors
    /// Faults only.
    pub async fn topup_of_intent(&self, intent: &str) -> Result<Option<Topup>, Error> {
        let Some(item) = self.get(Key::payment(intent)).await? else {
            return Ok(None);
        };
        let item: PaymentItem = decode(item)?;
        let (user, id) = (parse("user_id", &item.user_id)?, parse("topup_id", &item.topup_id)?);
        self.topup(&user, id).await
    }
}
