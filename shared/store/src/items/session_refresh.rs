//! The refresh of a session.

use clorp_domain::Error;
use clorp_domain::time::after_seconds;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::table::Item;
use crate::table::item::{at, decode, encode, instant, n, s};

pub(crate) const OUTCOME: &str = "outcome";
pub(crate) const SEALED: &str = "sealed";

const RENEWED: &str = "renewed";
const REFUSED: &str = "refused";
const FAILED: &str = "failed";

#[derive(Debug, Serialize, Deserialize)]
struct RefreshItem {
    holder: String,
    // After this time the record counts as absent.
    good_until: i64,
    // In seconds, for the table's expiry. It only cleans up, and may be days late.
    expires_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<String>,
}

/// The outcome of a refresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshOutcome {
    /// There is a new session. It is sealed, because a usable session must not be in the table.
    Renewed(String),
    /// The identity provider refuses the refresh token.
    Refused,
    /// The identity provider was unreachable, or its answer had no meaning.
    Failed,
}

/// A refresh as it is read.
pub(crate) struct Refresh {
    pub holder: String,
    pub good_until: Timestamp,
    pub outcome: Option<RefreshOutcome>,
}

/// The attributes of a refresh that begins.
pub(crate) fn write_refresh(holder: &str, good_until: Timestamp) -> Result<Item, Error> {
    encode(&RefreshItem {
        holder: holder.to_owned(),
        good_until: good_until.as_millisecond(),
        expires_at: expiry(good_until),
        outcome: None,
        sealed: None,
    })
}

pub(crate) fn read_refresh(item: Item) -> Result<Refresh, Error> {
    let RefreshItem { holder, good_until, outcome, sealed, .. } = decode(item)?;
    let outcome = match (outcome.as_deref(), sealed) {
        (None, _) => None,
        (Some(RENEWED), Some(sealed)) => Some(RefreshOutcome::Renewed(sealed)),
        (Some(REFUSED), _) => Some(RefreshOutcome::Refused),
        (Some(FAILED), _) => Some(RefreshOutcome::Failed),
        (Some(word), _) => return Err(Error::internal(format!("stored refresh with outcome {word:?}"))),
    };
    Ok(Refresh { holder, good_until: instant("good_until", good_until)?, outcome })
}

/// The attributes of an outcome that is kept until `good_until`.
pub(crate) fn write_outcome(outcome: &RefreshOutcome, good_until: Timestamp) -> Item {
    let (word, sealed) = match outcome {
        RefreshOutcome::Renewed(sealed) => (RENEWED, Some(sealed)),
        RefreshOutcome::Refused => (REFUSED, None),
        RefreshOutcome::Failed => (FAILED, None),
    };
    let mut attributes = Item::from([
        (OUTCOME.to_owned(), s(word)),
        ("good_until".to_owned(), at(good_until)),
        ("expires_at".to_owned(), n(expiry(good_until))),
    ]);
    attributes.extend(sealed.map(|sealed| (SEALED.to_owned(), s(sealed))));
    attributes
}

/// Rounded up to whole seconds.
fn expiry(good_until: Timestamp) -> i64 {
    after_seconds(good_until, 1).as_second()
}
