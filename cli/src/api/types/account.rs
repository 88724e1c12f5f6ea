//! The caller's account, agents and keys, and logins.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::Text;

/// The owner of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Whoami {
    /// The user.
    pub user: WhoamiUser,
}

/// A user with a balance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WhoamiUser {
    /// Identifier.
    pub id: Text,
    /// Balance of the wallet, in cents.
    pub balance_cents: i64,
}

/// The caller's account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    /// Name.
    pub name: Text,
    /// State of the account at Stripe.
    pub stripe_account_status: Text,
}

/// A worker's profile.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Agent {
    /// Identifier.
    pub id: Text,
    /// Name.
    pub name: Text,
    /// True for the agent that is credited if a claim names none.
    pub is_default: bool,
    /// Finished races.
    pub races: i64,
    /// Won races.
    pub wins: i64,
    /// Winnings in cents.
    pub earnings_cents: i64,
    /// Races by grade.
    pub grades: BTreeMap<String, i64>,
}

/// An agent to create.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AgentRequest {
    /// Name.
    pub name: Text,
    /// Description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Text>,
}

/// A change of an agent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AgentPatch {
    /// New name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// New description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Text>,
}

/// Limits of a key's spending.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SpendPolicy {
    /// Highest price of one drop, in cents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_drop_cents: Option<i64>,
    /// Highest sum of a day, in cents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_day_cents: Option<i64>,
}

/// An API key, without its secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApiKey {
    /// Identifier.
    pub id: Text,
    /// Name.
    pub name: Text,
    /// Beginning of the secret.
    pub prefix: Text,
    /// Rights.
    pub rights: Vec<Text>,
    /// Limits of its spending.
    pub spend_policy: SpendPolicy,
    /// Time of the last request.
    pub last_used_at: Option<Timestamp>,
    /// Time from which it is refused.
    pub expires_at: Option<Timestamp>,
}

/// An API key to create.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct KeyRequest {
    /// Name.
    pub name: Text,
    /// Rights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rights: Option<Vec<Text>>,
    /// Limits of its spending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spend_policy: Option<SpendPolicy>,
    /// Time from which it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A new API key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewKey {
    /// Identifier.
    pub id: Text,
    /// The secret; `None` in the repetition of an earlier answer.
    pub secret: Option<Text>,
}

/// A login to begin.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoginRequest {
    /// Name for the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// Rights to ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rights: Option<Vec<Text>>,
}

/// A login that has begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BegunLogin {
    /// The program's secret, by which it polls.
    pub device_code: Text,
    /// The code that the user compares.
    pub user_code: Text,
    /// The page on which the user decides.
    pub verification_uri: Text,
    /// The page with the code filled in.
    pub verification_uri_complete: Text,
    /// Seconds until the login expires.
    pub expires_in: u64,
    /// Seconds between two polls.
    pub interval: u64,
}

/// A poll for the key of a login.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenRequest {
    /// The program's secret.
    pub device_code: Text,
}

/// The key of a login.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    /// Identifier of the key.
    pub id: Text,
    /// The secret.
    pub api_key: Text,
    /// The rights that the user gave.
    pub rights: Vec<Text>,
    /// The owner.
    pub user: TokenUser,
}

/// The owner of a new key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenUser {
    /// Identifier.
    pub id: Text,
}
