//! Users: senders and workers are the same kind of account.

use jiff::Timestamp;

use crate::{AutoTopup, Cents, ConnectStatus, UserId};

/// An account with a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Who it is.
    pub id: UserId,
    /// Display name; the default agent is called so until it is renamed.
    pub name: String,
    /// Picture shown beside the name.
    pub avatar_url: Option<String>,
    /// What the wallet holds: always the sum of the user's ledger entries. Below zero after a refund or a dispute of
    /// money that was spent.
    pub balance: Cents,
    /// When the account was made.
    pub created_at: Timestamp,
    /// What Stripe knows the user by.
    pub stripe: StripeIds,
    /// When the wallet tops itself up.
    pub auto_topup: AutoTopup,
}

/// What Stripe knows a user by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StripeIds {
    /// Who pays top-ups.
    pub customer: Option<String>,
    /// The saved card.
    pub payment_method: Option<String>,
    /// Where withdrawals go.
    pub account: Option<String>,
    /// Whether they can.
    pub account_status: ConnectStatus,
}

impl User {
    /// A new account with an empty wallet.
    pub fn new(id: UserId, name: impl Into<String>, avatar_url: Option<String>, now: Timestamp) -> Self {
        Self {
            id,
            name: name.into(),
            avatar_url,
            balance: Cents::ZERO,
            created_at: now,
            stripe: StripeIds::default(),
            auto_topup: AutoTopup::default(),
        }
    }

    /// The card that automatic top-ups are charged to, and the customer who owns it.
    pub fn saved_card(&self) -> Option<(&str, &str)> {
        Some((self.stripe.customer.as_deref()?, self.stripe.payment_method.as_deref()?))
    }
}
