//! Top-ups, withdrawals and accounts about which Stripe is to be asked.

use clorp_domain::Error;
use jiff::Timestamp;

use crate::items::pending_entry::{PENDING, PENDING_AT, PendingEntry, Queue, position, read_pending};
use crate::table::item::s;
use crate::table::{END, Update, fault};
use crate::{Conditional, PendingPayments};

/// Payments with an unknown outcome that one sweep sees. More of them mean that Stripe is down for long.
const MAX_UNSETTLED: i32 = 1000;
/// Unreported objects that one sweep asks about.
const MAX_UNREPORTED: i32 = 25;

impl PendingPayments<'_> {
    /// The charges and transfers with an unknown outcome, those that are due first, at most a thousand. One
    /// round trip to the index `pending`, half a read unit per 4 KB of keys.
    pub async fn unsettled(self) -> Result<Vec<PendingEntry>, Error> {
        self.query(Queue::Unsettled, END.to_string(), MAX_UNSETTLED).await
    }

    /// The top-ups by Checkout and the accounts that are to be asked about by `now`, at most 25. One round
    /// trip to the index `pending`, half a read unit per 4 KB of keys.
    pub async fn unreported(self, now: Timestamp) -> Result<Vec<PendingEntry>, Error> {
        self.query(Queue::Unreported, position(now), MAX_UNREPORTED).await
    }

    async fn query(self, queue: Queue, until: String, most: i32) -> Result<Vec<PendingEntry>, Error> {
        let answer = self
            .table
            .query()
            .index_name("pending")
            .key_condition_expression("#pending = :pending AND #at <= :until")
            .expression_attribute_names("#pending", PENDING)
            .expression_attribute_names("#at", PENDING_AT)
            .expression_attribute_values(":pending", s(queue.as_str()))
            .expression_attribute_values(":until", s(until))
            .limit(most)
            .send()
            .await
            .map_err(|e| fault("query pending", e))?;
        Ok(answer.items().iter().filter_map(read_pending).collect())
    }

    /// Moves an entry to a later time. A conflict means that it has ended or was moved since it was read. One
    /// write unit, and two for the index.
    pub async fn postpone(self, entry: &PendingEntry, until: Timestamp) -> Result<Conditional<()>, Error> {
        let mut update = Update::default();
        update.require(PENDING_AT, "=", s(position(entry.due_at))).set(PENDING_AT, s(position(until)));
        Ok(self.table.update_if(entry.key.clone(), update).await?.conditional())
    }
}
