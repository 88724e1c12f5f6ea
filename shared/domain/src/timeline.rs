//! A drop's timeline: what has happened to it, read off the drop itself.
//!
//! Every change of a drop has an instant of its own ([`Drop::next_change_at`]), later than that of every change before.
//! So an event that is new lies behind all that could be seen before it, and who has seen the events up to one misses
//! none and sees none twice by asking for those behind it.
//!
//! A claim that was given up or taken over is no longer there, and its event with it: who saw it has seen it, and who
//! comes later does not.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::drops::Outcome;
use crate::time::from_unix_millis;
use crate::{Claim, Drop, Status, UserId};

/// Where an event stands in its drop's timeline: its instant, and which of the events of that instant it is. Never
/// changes, and orders the timeline. Written `1795512600000-0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId {
    at: Timestamp,
    n: u8,
}

/// A text that is no event id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedEventId;

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:013}-{}", self.at.as_millisecond(), self.n)
    }
}

impl FromStr for EventId {
    type Err = MalformedEventId;

    /// Accepts the written form only, so that one id has one spelling.
    fn from_str(text: &str) -> Result<Self, MalformedEventId> {
        let (millis, n) = text.split_once('-').ok_or(MalformedEventId)?;
        let at = millis.parse().ok().and_then(from_unix_millis).ok_or(MalformedEventId)?;
        let id = Self { at, n: n.parse().map_err(|_| MalformedEventId)? };
        if id.to_string() == text { Ok(id) } else { Err(MalformedEventId) }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind<'a> {
    /// It was posted.
    Created,
    /// It was paid and went on the board.
    Opened,
    /// A worker took a slot, and holds it still.
    Claimed {
        /// Who.
        worker: &'a UserId,
        /// Their claim.
        claim: &'a Claim,
        /// Which one this is of the claims that are held.
        nth: u32,
    },
    /// A worker submitted.
    Submitted {
        /// Who.
        worker: &'a UserId,
        /// Which submission this is.
        nth: u32,
    },
    /// It was closed to submissions, to be judged.
    Ranking,
    /// It was judged, and the winner paid.
    Completed(&'a Outcome),
    /// The sender called it off.
    Cancelled,
    /// Its window closed without a submission.
    Expired,
    /// Nothing more will happen.
    Done,
}

/// Something that happened to a drop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Which event.
    pub id: EventId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind<'a>,
}

impl<'a> Event<'a> {
    /// What is written in one change happens at one instant, so there the later of two events has a number.
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
    /// What has happened to it after the event `seen`, or from the beginning, in order; `None` if `seen` was the last
    /// event that there will ever be.
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
            // The end is the last change.
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
