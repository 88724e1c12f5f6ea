//! Refreshes of sessions: the lease of the instance that asks the identity provider, and the outcome.
//! Instances of the functions share nothing but the table, and a refresh token is good for one use.

use clorp_domain::time::after_seconds;
use clorp_domain::{Error, RefreshId};
use jiff::Timestamp;

use crate::items::keys;
use crate::items::session_refresh::{
    OUTCOME, RefreshOutcome, SEALED, read_refresh, write_outcome, write_refresh,
};
use crate::table::item::{at, s};
use crate::table::{Commit, Key, Update};
use crate::{Conditional, SessionRefreshes};

/// The right to refresh a session, and the duty to say what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshLease {
    key: Key,
    holder: String,
}

/// The state of a refresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshBegin {
    /// The caller is to carry it out.
    Leased(RefreshLease),
    /// Another instance is carrying it out.
    InFlight,
    /// Another instance has carried it out a moment ago.
    Ended(RefreshOutcome),
}

impl SessionRefreshes<'_> {
    /// Begins a refresh, unless it is being or has just been carried out. The lease lapses after
    /// `lease_seconds`. One round trip and one write unit, or one for each KB of an outcome that is there.
    pub async fn begin(
        self,
        id: &RefreshId,
        lease_seconds: u32,
        now: Timestamp,
    ) -> Result<RefreshBegin, Error> {
        let key = keys::session_refresh(id);
        let holder = format!("{:032x}", clorp_random::random::<u128>());
        let mut update = Update::default();
        update
            .require_absent_or("good_until", "<=", at(now))
            .set_all(write_refresh(&holder, after_seconds(now, lease_seconds))?)
            .remove(OUTCOME)
            .remove(SEALED);
        let there = match self.table.update_if(key.clone(), update).await? {
            Commit::Applied => return Ok(RefreshBegin::Leased(RefreshLease { key, holder })),
            Commit::Refused(mut refusals) => refusals.take(&key),
        };
        // Without an item, the record expired between the refusal and its report.
        let there = there.ok_or_else(|| Error::unavailable("the record of the refresh is gone"))?;
        let there = read_refresh(there)?;
        Ok(match there.outcome {
            Some(outcome) => RefreshBegin::Ended(outcome),
            // The write was made, and its answer lost.
            None if there.holder == holder => RefreshBegin::Leased(RefreshLease { key, holder }),
            None => RefreshBegin::InFlight,
        })
    }

    /// The state of a refresh that another instance began: `InFlight` or `Ended`; `None` if there is nothing
    /// to wait for. One round trip, 1 read unit for each 4 KB.
    pub async fn get(self, id: &RefreshId, now: Timestamp) -> Result<Option<RefreshBegin>, Error> {
        let Some(item) = self.table.get(keys::session_refresh(id)).await? else { return Ok(None) };
        let refresh = read_refresh(item)?;
        if refresh.good_until <= now {
            return Ok(None);
        }
        Ok(Some(refresh.outcome.map_or(RefreshBegin::InFlight, RefreshBegin::Ended)))
    }

    /// Records for `kept_seconds` how a refresh has ended. A conflict means that the lease was taken over.
    /// One write unit for each KB.
    pub async fn end(
        self,
        lease: &RefreshLease,
        outcome: &RefreshOutcome,
        kept_seconds: u32,
        now: Timestamp,
    ) -> Result<Conditional<()>, Error> {
        let mut update = Update::default();
        update
            .require("holder", "=", s(&lease.holder))
            .set_all(write_outcome(outcome, after_seconds(now, kept_seconds)));
        Ok(self.table.update_if(lease.key.clone(), update).await?.conditional())
    }
}
