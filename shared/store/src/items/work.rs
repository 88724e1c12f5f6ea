//! A worker's active claim, and a worker's lapsed claim: items of the worker's, beside the claim in the drop.
//!
//! The item of an active claim only leads to its drop, which decides. It may be there without a claim, until
//! it expires.

use clorp_domain::cooldown::MAX_WINDOW_SECONDS;
use clorp_domain::time::{after_seconds, from_unix_millis};
use clorp_domain::{Claim, Drop, DropId, Error, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::items::agent::write_agent_id;
use crate::items::keys::{LAPSED_WORK, WORK};
use crate::table::item::{decode, encode, keyed};
use crate::table::{Item, Key};

/// The attribute of the end of a claim's lease.
pub(crate) const LEASE_EXPIRES_AT: &str = "lease_expires_at";
/// Time for which an active claim stays on its worker's list after its drop's window, in seconds: a week,
/// which no outage of the ranking should outlast.
const KEPT_SECONDS: u32 = 7 * 24 * 60 * 60;

#[derive(Debug, Serialize, Deserialize)]
struct WorkItem {
    // Absent on claims from before it was kept.
    lease_expires_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
    // In seconds, for the table's expiry.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct LapseItem {
    released: bool,
    // In seconds, for the table's expiry. It only cleans up, and may be days late.
    expires_at: i64,
}

/// The end of a claim without a submission.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lapse {
    /// The time from which the claim counts as lapsed.
    pub at: Timestamp,
    /// `true` if the worker gave the slot up.
    pub released: bool,
}

/// The attributes of an active claim on `drop`. It expires some time after the drop should have ended.
pub(crate) fn write_work(worker: &UserId, drop: &Drop, claim: &Claim) -> Result<Item, Error> {
    let closes_at = drop.window.map_or(claim.lease_expires_at, |window| window.closes_at);
    encode(&WorkItem {
        lease_expires_at: Some(claim.lease_expires_at.as_millisecond()),
        agent_id: write_agent_id(worker, claim.agent),
        expires_at: Some(after_seconds(closes_at, KEPT_SECONDS).as_second()),
    })
}

pub(crate) fn write_lapse(key: &Key, lapse: Lapse) -> Result<Item, Error> {
    // Rounded up to whole seconds.
    let expires_at = after_seconds(lapse.at, MAX_WINDOW_SECONDS + 1).as_second();
    keyed(key, &LapseItem { released: lapse.released, expires_at })
}

/// The drop of an active claim.
pub(crate) fn read_active_drop(item: &Item) -> Option<DropId> {
    Key::of_item(item)?.sk.strip_prefix(WORK)?.parse().ok()
}

/// The end of an active claim's lease, if the item has it.
pub(crate) fn read_lease_end(item: Item) -> Result<Option<Timestamp>, Error> {
    Ok(decode::<WorkItem>(item)?.lease_expires_at.and_then(from_unix_millis))
}

/// The time and the drop of a lapsed claim.
pub(crate) fn read_lapse(item: &Item) -> Option<(Timestamp, DropId)> {
    let key = Key::of_item(item)?;
    let (at, drop) = key.sk.strip_prefix(LAPSED_WORK)?.split_once('#')?;
    Some((from_unix_millis(at.parse().ok()?)?, drop.parse().ok()?))
}

/// Tells whether a claim lapsed because its worker gave the slot up.
pub(crate) fn read_released(item: Item) -> Result<bool, Error> {
    Ok(decode::<LapseItem>(item)?.released)
}
