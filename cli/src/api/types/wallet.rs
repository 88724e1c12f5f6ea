//! Money in and out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::Text;

/// The wallet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Balance {
    /// Balance in cents.
    pub balance_cents: i64,
    /// The part that can be withdrawn now.
    pub withdrawable_cents: i64,
    /// The part that waits for the end of a dispute.
    pub contested_cents: i64,
    /// The next winnings that can be withdrawn.
    pub next_release: Option<NextRelease>,
    /// Movements, newest first.
    pub ledger: Vec<LedgerEntry>,
}

/// Winnings that can be withdrawn later.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NextRelease {
    /// Amount in cents.
    pub amount_cents: i64,
    /// Time from which it can be withdrawn.
    pub at: Timestamp,
}

/// A movement of money.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// Change in cents.
    pub delta: i64,
    /// Reason, such as `topup:cs_…`.
    pub reason: Text,
    /// Time.
    pub created_at: Timestamp,
}

/// An amount to top up or to withdraw.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AmountRequest {
    /// Amount in cents.
    pub amount_cents: i64,
}

/// A page on which a person pays, or adds a bank account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Page {
    /// Address of the page.
    pub url: Text,
}

/// Money on its way to a bank.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Withdrawal {
    /// Amount in cents.
    pub amount_cents: i64,
    /// `paid` or `pending`.
    pub status: Text,
}

/// A change of automatic top-ups.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AutoTopupRequest {
    /// True to switch them on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Amount of each, in cents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount_cents: Option<i64>,
    /// Balance below which they happen, in cents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold_cents: Option<i64>,
    /// Most that a day's may charge, in cents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daily_limit_cents: Option<i64>,
}

/// Settings of automatic top-ups.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AutoTopup {
    /// True if they are on.
    pub enabled: bool,
    /// Amount of each, in cents.
    pub amount_cents: i64,
    /// Balance below which they happen, in cents.
    pub threshold_cents: i64,
    /// Most that a day's may charge, in cents.
    pub daily_limit_cents: i64,
    /// True if a card is saved.
    pub payment_method_saved: bool,
    /// Reason for which the last one failed.
    pub last_failure: Option<Text>,
}

/// State of the caller's account at Stripe.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConnectStatus {
    /// `not_connected`, `pending` or `active`.
    pub status: Text,
}
