//! Webhook events that were not applied: kept, because a signed event about money is never thrown away.

use clorp_domain::Error;
use jiff::Timestamp;

use crate::items::keys;
use crate::items::keys::{UNAPPLIED_EVENT, stripe_pk};
use crate::items::unapplied_event::{SETTLED_AT, UnappliedEvent, read_unapplied, write_unapplied};
use crate::table::item::at;
use crate::table::{Commit, Tx, Update, fault};
use crate::{Conditional, UnappliedEvents};

impl UnappliedEvents<'_> {
    /// Parks an event about a payment that is not known yet. A parked event stays as it is. A conflict means
    /// that the payment has become known, so the event can be applied now. Two write units per KB, and two.
    pub async fn park(self, event: &UnappliedEvent, now: Timestamp) -> Result<Conditional<()>, Error> {
        let payment = keys::payment(&event.object);
        let mut tx = Tx::default();
        create(&mut tx, event, now)?;
        // Either the event is parked before the payment is recorded, and found then; or it is not parked.
        tx.require_absent(payment.clone());
        Ok(match self.table.transact(tx).await? {
            Commit::Refused(refusals) if refusals.contains(&payment) => Conditional::Conflict(()),
            Commit::Refused(_) | Commit::Applied => Conditional::Applied,
        })
    }

    /// Quarantines an event for a person to look at. A quarantined event stays as it is. Two write units per
    /// KB.
    pub async fn quarantine(self, event: &UnappliedEvent, now: Timestamp) -> Result<(), Error> {
        let mut tx = Tx::default();
        create(&mut tx, event, now)?;
        self.table.transact(tx).await.map(|_| ())
    }

    /// The events about one of Stripe's objects that were not applied, at most 100. One round trip.
    pub async fn about(self, object: &str) -> Result<Vec<UnappliedEvent>, Error> {
        let query = self
            .table
            .beginning_with(stripe_pk(object), UNAPPLIED_EVENT)
            .filter_expression(format!("attribute_not_exists({SETTLED_AT})"))
            .limit(100);
        let answer = query.send().await.map_err(|e| fault("query unapplied events", e))?;
        answer.items.unwrap_or_default().into_iter().map(read_unapplied).collect()
    }

    /// Records that an event was applied, or looked at by a person. Write units by its size.
    pub async fn resolve(self, event: &UnappliedEvent, now: Timestamp) -> Result<(), Error> {
        let mut update = Update::default();
        update.require_existing().require_absent(SETTLED_AT).set(SETTLED_AT, at(now));
        self.table.update_if(keys::unapplied_event(&event.object, &event.id), update).await.map(|_| ())
    }
}

fn create(tx: &mut Tx, event: &UnappliedEvent, now: Timestamp) -> Result<(), Error> {
    let key = keys::unapplied_event(&event.object, &event.id);
    tx.create(key.clone(), write_unapplied(&key, event, now)?);
    Ok(())
}
