//! A withdrawal.

use clorp_domain::{Cents, Error, Withdrawal};
use serde::{Deserialize, Serialize};

use crate::items::keys::{WITHDRAWAL, user_of_pk};
use crate::table::item::{decode, instant, key_of, keyed, parse};
use crate::table::{Item, Key};

#[derive(Debug, Serialize, Deserialize)]
struct WithdrawalItem {
    status: String,
    amount_cents: i64,
    reversed_cents: i64,
    account_id: String,
    created_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_id: Option<String>,
}

pub(crate) fn write_withdrawal(key: &Key, withdrawal: &Withdrawal) -> Result<Item, Error> {
    let item = WithdrawalItem {
        status: withdrawal.status.as_str().to_owned(),
        amount_cents: withdrawal.amount.get(),
        reversed_cents: withdrawal.reversed.get(),
        account_id: withdrawal.account.clone(),
        created_at: withdrawal.created_at.as_millisecond(),
        transfer_id: withdrawal.transfer.clone(),
    };
    keyed(key, &item)
}

/// The withdrawal of an item.
pub(crate) fn read_withdrawal(item: Item) -> Result<Withdrawal, Error> {
    let key = key_of(&item)?;
    let user = user_of_pk(&key.pk).ok_or_else(|| Error::internal("withdrawal without a user"))?;
    let item: WithdrawalItem = decode(item)?;
    Ok(Withdrawal {
        id: parse("withdrawal id", key.sk.strip_prefix(WITHDRAWAL).unwrap_or_default())?,
        user,
        amount: Cents::new(item.amount_cents),
        status: parse("status", &item.status)?,
        account: item.account_id,
        created_at: instant("created_at", item.created_at)?,
        transfer: item.transfer_id,
        reversed: Cents::new(item.reversed_cents),
    })
}
