//! Reports of Stripe's that could not be acted on: kept, because a signed report about money is never thrown away.

use clorp_domain::Error;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::fault::fault;
use crate::item::{Item, at, decode, keyed, s};
use crate::primary_key::{Key, PK, SK, UNAPPLIED_EVENT, stripe_pk};
use crate::tx::{Tx, TxError, Update};

/// A report that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnappliedEvent {
    /// Stripe's object that it is about, or its own id where that is not known.
    pub object: String,
    /// Stripe's id for it.
    pub id: String,
    /// Why it was kept.
    pub why: String,
    /// The whole report, as it was signed.
    pub body: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct UnappliedItem {
    why: String,
    body: String,
    kept_at: i64,
}

/// How keeping a report ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parked {
    /// It is there.
    Done,
    /// It was not needed: the payment it is about has become known, so it can be acted on now.
    PaymentKnown,
}

impl Store {
    /// Keeps a report about a payment that is not known, or not yet. Repeated, it stays as it is. Two write units per
    /// KB, and two.
    ///
    /// # Errors
    /// Faults only.
    pub async fn park_event(&self, event: &UnappliedEvent, now: Timestamp) -> Result<Parked, Error> {
        let payment = Key::payment(&event.object);
        let mut tx = Tx::default();
        let (key, item) = item(event, now)?;
        tx.create(key, item);
        // Either this is kept before the payment is recorded, and found then; or it is not kept.
        tx.require_absent(payment.clone());
        match self.transact(tx).await {
            Ok(()) => Ok(Parked::Done),
            Err(TxError::Fault(error)) => Err(error),
            Err(TxError::Refused(refused)) if refused.contains_key(&payment) => Ok(Parked::PaymentKnown),
            Err(TxError::Refused(_)) => Ok(Parked::Done),
        }
    }

    /// Keeps a report for a person to look at. Repeated, it stays as it is. Two write units per KB.
    ///
    /// # Errors
    /// Faults only.
    pub async fn quarantine_event(&self, event: &UnappliedEvent, now: Timestamp) -> Result<(), Error> {
        let mut tx = Tx::default();
        let (key, item) = item(event, now)?;
        tx.create(key, item);
        match self.transact(tx).await {
            Ok(()) | Err(TxError::Refused(_)) => Ok(()),
            Err(TxError::Fault(error)) => Err(error),
        }
    }

    /// The reports kept about one of Stripe's objects that were not acted on since, at most 100. One round trip.
    ///
    /// # Errors
    /// Faults only.
    pub async fn unapplied_events(&self, object: &str) -> Result<Vec<UnappliedEvent>, Error> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression(format!("{PK} = :pk AND begins_with({SK}, :prefix)"))
            .filter_expression("attribute_not_exists(settled_at)")
            .expression_attribute_values(":pk", s(stripe_pk(object)))
            .expression_attribute_values(":prefix", s(UNAPPLIED_EVENT))
            .limit(100)
            .consistent_read(true)
            .send()
            .await
            .map_err(|e| fault("query unapplied events", e))?;
        answer.items.unwrap_or_default().into_iter().map(read_unapplied).collect()
    }

    /// Notes that a kept report was acted on. Write units by its size.
    ///
    /// # Errors
    /// Faults only.
    pub async fn resolve_event(&self, event: &UnappliedEvent, now: Timestamp) -> Result<(), Error> {
        let mut update = Update::default();
        update.require_existing().require_absent("settled_at").set("settled_at", at(now));
        match self.update_if(Key::unapplied_event(&event.object, &event.id), update).await {
            Ok(()) | Err(TxError::Refused(_)) => Ok(()),
            Err(TxError::Fault(error)) => Err(error),
        }
    }
}

fn item(event: &UnappliedEvent, now: Timestamp) -> Result<(Key, Item), Error> {
    let key = Key::unapplied_event(&event.object, &event.id);
    let item =
        UnappliedItem { why: event.why.clone(), body: event.body.clone(), kept_at: now.as_millisecond() };
    let item = keyed(&key, &item)?;
    Ok((key, item))
}

/// The report an item holds.
pub(crate) fn read_unapplied(item: Item) -> Result<UnappliedEvent, Error> {
    let key = Key::of_item(&item).ok_or_else(|| Error::internal("unapplied event without a key"))?;
    let item: UnappliedItem = decode(item)?;
    Ok(UnappliedEvent {
        object: key.pk.strip_prefix("STRIPE#").unwrap_or_default().to_owned(),
        id: key.sk.strip_prefix(UNAPPLIED_EVENT).unwrap_or_default().to_owned(),
        why: item.why,
        body: item.body,
    })
}
