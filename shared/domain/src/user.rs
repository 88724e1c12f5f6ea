//! Users: senders and workers are the same kind of account.

use jiff::Timestamp;

use crate::{Cents, UserId};

/// An account with a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Who it is.
    pub id: UserId,
    /// Display name; the name under which wins appear in the public feed.
    pub name: String,
    /// Picture shown beside the name.
    pub avatar_url: Option<String>,
    /// What the wallet holds: always the sum of the user's ledger entries.
    pub balance: Cents,
    /// When the account was made.
    pub created_at: Timestamp,
}
