//! Users: senders and workers are the same kind of account.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{AutoTopup, Cents, ConnectStatus, UserId, Winnings};

/// An account with a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Id of the account.
    pub id: UserId,
    /// Display name. The default agent has the same name until it is renamed.
    pub name: String,
    /// Picture shown beside the name.
    pub avatar_url: Option<String>,
    /// Time at which name and picture were true: that of the session's token from which they come. `None` for
    /// an account that no session has used yet.
    pub profile_at: Option<Timestamp>,
    /// Balance of the wallet, always equal to the sum of the user's ledger entries. Negative after a refund
    /// or dispute of money that was already spent.
    pub balance: Cents,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Stripe objects that belong to the user.
    pub stripe: StripeIds,
    /// Automatic top-ups of the wallet.
    pub auto_topup: AutoTopup,
    /// Another account of the same owner, to which this one was linked. See [`crate::owner`].
    pub owner: Option<UserId>,
    /// Winnings that were not withdrawn.
    pub winnings: Winnings,
    /// Reasons why the user can neither withdraw nor post drops; none if not frozen.
    pub freeze: Freeze,
}

/// Reasons why an account is frozen. A frozen account can neither withdraw nor post drops, and keeps its
/// money.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freeze {
    /// Reason of the operator who froze the account.
    pub by_operator: Option<String>,
    /// Disputes about the user's payments that are open, or that the platform lost. A won dispute lifts its
    /// freeze; an operator lifts that of a lost one.
    pub by_disputes: BTreeSet<String>,
}

impl Freeze {
    /// True if any reason stands.
    pub fn is_frozen(&self) -> bool {
        self.by_operator.is_some() || !self.by_disputes.is_empty()
    }
}

/// Ids of the Stripe objects that belong to a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StripeIds {
    /// Customer that pays for top-ups.
    pub customer: Option<String>,
    /// Saved card, as a payment method.
    pub payment_method: Option<String>,
    /// Connect account that receives withdrawals.
    pub account: Option<String>,
    /// State of the Connect account.
    pub account_status: ConnectStatus,
    /// Last second, since the epoch, that the recorded state covers; `None` before the first report. A report
    /// about a later second is news.
    pub account_seen_until: Option<i64>,
}

impl User {
    /// A new account with an empty wallet.
    pub fn new(id: UserId, name: impl Into<String>, avatar_url: Option<String>, now: Timestamp) -> Self {
        Self {
            id,
            name: name.into(),
            avatar_url,
            profile_at: None,
            balance: Cents::ZERO,
            created_at: now,
            stripe: StripeIds::default(),
            auto_topup: AutoTopup::default(),
            winnings: Winnings::default(),
            freeze: Freeze::default(),
            owner: None,
        }
    }

    /// The amount that the user may withdraw at `now`: matured winnings that were not withdrawn, as far as
    /// the wallet holds them. Nothing while the account is frozen.
    pub fn withdrawable(&self, now: Timestamp) -> Cents {
        if self.freeze.is_frozen() {
            return Cents::ZERO;
        }
        self.winnings.matured(now).min(self.balance).max(Cents::ZERO)
    }

    /// The customer and the saved card that automatic top-ups charge.
    pub fn saved_card(&self) -> Option<(&str, &str)> {
        Some((self.stripe.customer.as_deref()?, self.stripe.payment_method.as_deref()?))
    }
}
