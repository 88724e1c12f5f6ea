//! Refreshes of sessions: who asks the identity provider for one, and what came of it. Instances of the functions
//! share nothing but the table, and a refresh token is good for one use.

use clorp_domain::time::after_seconds;
use clorp_domain::{Error, RefreshId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::item::{Item, at, decode, encode, instant, n, s};
use crate::primary_key::Key;
use crate::tx::{TxError, Update};

const OUTCOME: &str = "outcome";
const SEALED: &str = "sealed";

#[derive(Debug, Serialize, Deserialize)]
struct RefreshItem {
    holder: String,
    // Until then the record says something; afterwards it is as good as absent.
    good_until: i64,
    // In seconds, as the table's expiry wants it. That only cleans up: it may come days late.
    expires_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<String>,
}

/// How a refresh ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshOutcome {
    /// There is a new session: sealed, because the table is no place for one that can be used.
    Renewed(String),
    /// The identity provider does not know the token any more.
    Refused,
    /// The identity provider could not be asked, or gave no answer that means anything.
    Failed,
}

/// The right to refresh a session, and the duty to say what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshLease {
    key: Key,
    holder: String,
}

/// How the refresh of a session stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshBegin {
    /// It is the caller's to carry out.
    Leased(RefreshLease),
    /// Somebody is carrying it out.
    InFlight,
    /// Somebody has carried it out a moment ago.
    Ended(RefreshOutcome),
}

const RENEWED: &str = "renewed";
const REFUSED: &str = "refused";
const FAILED: &str = "failed";

impl RefreshItem {
    fn outcome(self) -> Result<Option<RefreshOutcome>, Error> {
        let bad = |what: String| Error::internal(format!("stored refresh with {what}"));
        let Some(word) = self.outcome else { return Ok(None) };
        let outcome = match (word.as_str(), self.sealed) {
            (RENEWED, Some(sealed)) => RefreshOutcome::Renewed(sealed),
            (REFUSED, _) => RefreshOutcome::Refused,
            (FAILED, _) => RefreshOutcome::Failed,
            _ => return Err(bad(format!("outcome {word:?}"))),
        };
        Ok(Some(outcome))
    }
}

impl Store {
    /// Begins a refresh, unless it is being or has just been carried out. The right to it lapses after
    /// `lease_seconds`. One round trip and one write unit, or one for each KB of an outcome that is there.
    ///
    /// # Errors
    /// Faults only.
    pub async fn begin_refresh(
        &self,
        id: &RefreshId,
        lease_seconds: u32,
        now: Timestamp,
    ) -> Result<RefreshBegin, Error> {
        let key = Key::refresh(id);
        let holder = format!("{:032x}", rand::random::<u128>());
        let good_until = after_seconds(now, lease_seconds);
        let record = RefreshItem {
            holder: holder.clone(),
            good_until: good_until.as_millisecond(),
            expires_at: expiry(good_until),
            outcome: None,
            sealed: None,
        };
        let mut update = Update::default();
        update.require_absent_or("good_until", "<=", at(now)).set_all(encode(&record)?);
        update.remove(OUTCOME).remove(SEALED);
        let there = match self.update_if(key.clone(), update).await {
            Ok(()) => return Ok(RefreshBegin::Leased(RefreshLease { key, holder })),
            Err(TxError::Fault(error)) => return Err(error),
            Err(TxError::Refused(mut refused)) => refused.remove(&key).flatten(),
        };
        // It expired between the refusal and its report.
        let there = there.ok_or_else(|| Error::unavailable("the record of the refresh is gone"))?;
        let there: RefreshItem = decode(there)?;
        // The write was made, and its answer lost.
        let ours = there.holder == holder;
        match there.outcome()? {
            Some(outcome) => Ok(RefreshBegin::Ended(outcome)),
            None if ours => Ok(RefreshBegin::Leased(RefreshLease { key, holder })),
            None => Ok(RefreshBegin::InFlight),
        }
    }

    /// How a refresh that somebody else began has ended; `InFlight` if it has not, `None` if there is nothing (any
    /// more) to wait for. One round trip, 1 read unit for each 4 KB.
    ///
    /// # Errors
    /// Faults only.
    pub async fn refresh(&self, id: &RefreshId, now: Timestamp) -> Result<Option<RefreshBegin>, Error> {
        let Some(item) = self.get(Key::refresh(id)).await? else { return Ok(None) };
        let item: RefreshItem = decode(item)?;
        if instant("good_until", item.good_until)? <= now {
            return Ok(None);
        }
        Ok(Some(item.outcome()?.map_or(RefreshBegin::InFlight, RefreshBegin::Ended)))
    }

    /// Says for `kept_seconds` how a refresh has ended, if it is still this lease's: `false` if somebody has taken it
    /// over. One write unit for each KB.
    ///
    /// # Errors
    /// Faults only.
    pub async fn end_refresh(
        &self,
        lease: &RefreshLease,
        outcome: &RefreshOutcome,
        kept_seconds: u32,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let good_until = after_seconds(now, kept_seconds);
        let mut update = Update::default();
        update.require("holder", "=", s(&lease.holder)).set_all(ended(outcome));
        update.set("good_until", at(good_until)).set("expires_at", n(expiry(good_until)));
        match self.update_if(lease.key.clone(), update).await {
            Ok(()) => Ok(true),
            Err(TxError::Refused(_)) => Ok(false),
            Err(TxError::Fault(error)) => Err(error),
        }
    }
}

fn ended(outcome: &RefreshOutcome) -> Item {
    let word = |word: &str| (OUTCOME.to_owned(), s(word));
    match outcome {
        RefreshOutcome::Renewed(sealed) => Item::from([word(RENEWED), (SEALED.to_owned(), s(sealed))]),
        RefreshOutcome::Refused => Item::from([word(REFUSED)]),
        RefreshOutcome::Failed => Item::from([word(FAILED)]),
    }
}

/// Rounded up to whole seconds.
fn expiry(good_until: Timestamp) -> i64 {
    after_seconds(good_until, 1).as_second()
}
