//! A drop's timeline: the events of its life, derived from the drop itself.
//!
//! Every change of a drop has its own instant ([`Drop::next_change_at`]), later than all changes before it. A
//! new event therefore sorts after all earlier ones. A client that asks for the events after the last one it
//! saw misses none and sees none twice.
//!
//! The event of a claim disappears when the claim is released or taken over. Clients that were reading at the
//! time have seen it; later ones do not.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::drops::Outcome;
use crate::time::from_unix_millis;
use crate::{Claim, Drop, Status, UserId};

/// Position of an event in its drop's timeline: its instant, and its number among the events of that instant.
/// It never changes and orders the timeline. Written `1795512600000-0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId {
    at: Timestamp,
    n: u8,
}

/// The error for a text that is no event id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedEventId;

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:013}-{}", self.at.as_millisecond(), self.n)
    }
}

impl FromStr for EventId {
    type Err = MalformedEventId;

    /// Accepts only the written form, so that each id has one spelling.
    fn from_str(text: &str) -> Result<Self, MalformedEventId> {
        let (millis, n) = text.split_once('-').ok_or(MalformedEventId)?;
        let at = millis.parse().ok().and_then(from_unix_millis).ok_or(MalformedEventId)?;
        let id = Self { at, n: n.parse().map_err(|_| MalformedEventId)? };
        if id.to_string() == text { Ok(id) } else { Err(MalformedEventId) }
    }
}

/// The kind of an event, with its details.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind<'a> {
    /// The drop was posted.
    Created,
    /// The drop was paid and went on the board.
    Opened,
    /// A worker took a slot and still holds it.
    Claimed {
        /// Worker who holds the claim.
        worker: &'a UserId,
        /// The worker's claim.
        claim: &'a Claim,
        /// Number of this claim among those held, from 1.
        nth: u32,
    },
    /// A worker submitted their output.
    Submitted {
        /// Worker who submitted.
        worker: &'a UserId,
        /// Number of this submission, from 1.
        nth: u32,
    },
    /// The drop closed to submissions and is being judged.
    Ranking,
    /// The drop was judged and its winner paid.
    Completed(&'a Outcome),
    /// The sender cancelled the drop.
    Cancelled,
    /// The drop's window closed without a submission.
    Expired,
    /// The timeline is complete.
    Done,
}

/// One event in a drop's timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Position of the event, unique in its timeline.
    pub id: EventId,
    /// Time of the event.
    pub at: Timestamp,
    /// Kind of the event.
    pub kind: EventKind<'a>,
}

impl<'a> Event<'a> {
    /// Builds an event. One change can cause two events at the same instant; the later of them gets number 1.
    fn new(at: Timestamp, kind: EventKind<'a>) -> Self {
        let n = match kind {
            EventKind::Created
            | EventKind::Claimed { .. }
            | EventKind::Submitted { .. }
            | EventKind::Completed(_)
            | EventKind::Cancelled
            | EventKind::Expired => 0,
            EventKind::Opened | EventKind::Ranking | EventKind::Done => 1,
        };
        Self { id: EventId { at, n }, at, kind }
    }
}

impl Drop {
    /// The events after `seen`, or all of them, in order. `None` if `seen` was the last event of an ended
    /// drop.
    pub fn timeline(&self, seen: Option<EventId>) -> Option<Vec<Event<'_>>> {
        let mut events = self.events();
        events.retain(|event| seen.is_none_or(|seen| event.id > seen));
        if events.is_empty() && self.status.is_terminal() { None } else { Some(events) }
    }

    fn events(&self) -> Vec<Event<'_>> {
        let mut events = vec![Event::new(self.created_at, EventKind::Created)];
        events.extend(self.window.map(|window| Event::new(window.opened_at, EventKind::Opened)));
        let mut claims: Vec<_> = self.claims.iter().collect();
        claims.sort_by_key(|(_, claim)| claim.claimed_at);
        for ((worker, claim), nth) in claims.iter().zip(1..) {
            events.push(Event::new(claim.claimed_at, EventKind::Claimed { worker, claim, nth }));
        }
        let submissions =
            self.claims.iter().filter_map(|(worker, claim)| Some((claim.submitted_at?, worker)));
        let mut submissions: Vec<_> = submissions.collect();
        submissions.sort_unstable();
        for ((at, worker), nth) in submissions.into_iter().zip(1..) {
            events.push(Event::new(at, EventKind::Submitted { worker, nth }));
        }
        events.extend(self.ranking_at.map(|at| Event::new(at, EventKind::Ranking)));
        let end = match self.status {
            Status::PendingPayment | Status::Open | Status::Ranking => None,
            Status::Completed => self.outcome.as_ref().map(EventKind::Completed),
            Status::Cancelled => Some(EventKind::Cancelled),
            Status::Expired => Some(EventKind::Expired),
        };
        if let Some(end) = end {
            // An ended drop does not change, so its last change is the end.
            events.extend([end, EventKind::Done].map(|kind| Event::new(self.updated_at, kind)));
        }
        events.sort_by_key(|event| event.id);
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_has_one_spelling_and_sorts_by_instant_and_number() {
        let id = |text: &str| text.parse::<EventId>();
        for text in ["1795512600000-0", "0000000000000-1", "1795512600000-255"] {
            assert_eq!(id(text).unwrap().to_string(), text);
        }
        for bad in [
            "",
            "-",
            "1795512600000",
            "1795512600000-",
            "1795512600000-256",
            "1795512600000-00",
            "1795512600000-+1",
            "+1795512600000-0",
            "0-0",
            " 1795512600000-0",
            "9999999999999999999-0",
            "1795512600000-0-0",
        ] {
            assert_eq!(id(bad), Err(MalformedEventId), "{bad:?}");
        }
        let sorted = ["1795512600000-0", "1795512600000-1", "1795512600001-0"].map(|text| id(text).unwrap());
        assert!(sorted.is_sorted());
    }
}
