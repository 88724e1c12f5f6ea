//! Top-ups and withdrawals whose outcome at Stripe is unknown.

use clorp_domain::Error;
use jiff::Timestamp;

use crate::PendingPayments;
use crate::items::pending_entry::{PARTITION, PENDING, PENDING_AT, Pending, position, read_pending};
use crate::table::fault;
use crate::table::item::s;

/// Items that one sweep looks at.
const SWEPT: i32 = 100;

impl PendingPayments<'_> {
    /// The payments to be looked at by `now`, the longest waiting first, at most a hundred. One round trip to
    /// the index `pending`, half a read unit per 4 KB of keys.
    pub async fn due(self, now: Timestamp) -> Result<Vec<Pending>, Error> {
        let answer = self
            .table
            .query()
            .index_name("pending")
            .key_condition_expression("#pending = :pending AND #at <= :now")
            .expression_attribute_names("#pending", PENDING)
            .expression_attribute_names("#at", PENDING_AT)
            .expression_attribute_values(":pending", s(PARTITION))
            .expression_attribute_values(":now", s(position(now)))
            .limit(SWEPT)
            .send()
            .await
            .map_err(|e| fault("query pending", e))?;
        Ok(answer.items().iter().filter_map(read_pending).collect())
    }
}
