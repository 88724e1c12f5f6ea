//! A dispute.

use clorp_domain::{Dispute, DisputeStatus, Error};
use serde::{Deserialize, Serialize};

use crate::table::item::{decode, keyed, parse};
use crate::table::{Item, Key};

#[derive(Debug, Serialize, Deserialize)]
struct DisputeItem {
    user_id: String,
    amount_cents: i64,
    status: String,
}

pub(crate) fn write_dispute(key: &Key, dispute: &Dispute) -> Result<Item, Error> {
    let item = DisputeItem {
        user_id: dispute.user.to_string(),
        amount_cents: dispute.amount.get(),
        status: dispute.status.as_str().to_owned(),
    };
    keyed(key, &item)
}

pub(crate) fn read_dispute_status(item: Item) -> Result<DisputeStatus, Error> {
    parse("status", &decode::<DisputeItem>(item)?.status)
}
