//! Stripe Connect: the account to which a user's withdrawals go.

use std::str::FromStr;

use crate::error::UnknownWord;

/// Progress of a user through Stripe's onboarding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConnectStatus {
    /// The user has no Stripe account.
    #[default]
    NotConnected,
    /// The account cannot pay out yet: onboarding is unfinished, or Stripe asks for more information.
    Pending,
    /// The account can receive withdrawals.
    Active,
}

impl ConnectStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::NotConnected, Self::Pending, Self::Active];

    /// The status's word, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotConnected => "not_connected",
            Self::Pending => "pending",
            Self::Active => "active",
        }
    }

    /// The status of an existing account. It is active if a withdrawal would reach a bank: the account may
    /// receive transfers (Stripe's capability `transfers`), and Stripe pays out what it receives
    /// (`payouts_enabled`).
    pub const fn of_account(receives_transfers: bool, payouts_enabled: bool) -> Self {
        if receives_transfers && payouts_enabled { Self::Active } else { Self::Pending }
    }
}

impl FromStr for ConnectStatus {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|status| status.as_str() == word).ok_or(UnknownWord)
    }
}
