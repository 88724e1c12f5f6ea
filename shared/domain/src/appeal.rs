//! Appeals: second opinions on a verdict. Money stays as settled, whatever the second opinion is.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::error::UnknownWord;
use crate::time::after_seconds;
use crate::{Drop, Error, Rules, Status, UserId, Verdict};

/// The side of a drop that asks for a second opinion. Each side has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The sender.
    Sender,
    /// The workers who submitted and did not win.
    Workers,
}

impl Side {
    /// Both sides.
    pub const ALL: [Self; 2] = [Self::Sender, Self::Workers];

    /// The side's word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sender => "sender",
            Self::Workers => "workers",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Side {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|side| side.as_str() == word).ok_or(UnknownWord)
    }
}

/// A request for a second opinion, and the opinion once it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appeal {
    /// Side that asks.
    pub side: Side,
    /// User who asked for that side.
    pub requested_by: UserId,
    /// Time of the request.
    pub requested_at: Timestamp,
    /// The second opinion; `None` until it is there.
    pub opinion: Option<Opinion>,
}

/// A second opinion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    /// Time at which it was given.
    pub decided_at: Timestamp,
    /// The verdict that it would have been.
    pub verdict: Verdict,
}

impl Opinion {
    /// True if another submission would have won, or none.
    pub fn changes_winner(&self, original: &Verdict) -> bool {
        let winner = |verdict: &Verdict| verdict.winner().map(|placing| placing.submission);
        winner(&self.verdict) != winner(original)
    }
}

/// A task of the ranking function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RankingTask {
    /// Close, judge and settle the drop, whatever is due.
    Settle(crate::DropId),
    /// Give a side its second opinion on the drop.
    Appeal(crate::DropId, Side),
}

impl RankingTask {
    /// The drop that the task is about.
    pub const fn drop(self) -> crate::DropId {
        match self {
            Self::Settle(drop) | Self::Appeal(drop, _) => drop,
        }
    }
}

impl From<crate::DropId> for RankingTask {
    fn from(drop: crate::DropId) -> Self {
        Self::Settle(drop)
    }
}

impl fmt::Display for RankingTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settle(drop) => write!(f, "{drop}"),
            Self::Appeal(drop, side) => write!(f, "{drop}/appeal/{side}"),
        }
    }
}

impl FromStr for RankingTask {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let (drop, side) = match text.split_once("/appeal/") {
            Some((drop, side)) => (drop, Some(side)),
            None => (text, None),
        };
        let drop = drop.parse().map_err(|_| UnknownWord)?;
        Ok(match side {
            Some(side) => Self::Appeal(drop, side.parse()?),
            None => Self::Settle(drop),
        })
    }
}

impl Drop {
    /// Decides on a request for a second opinion. Returns the side that the caller asks for.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the drop is hidden from the caller or ended without a verdict;
    /// [`Error::VerdictNotReady`] before the verdict; [`Error::AppealNotAllowed`] for the winner and for
    /// claimants who did not submit; [`Error::AppealWindowClosed`] when it is too late.
    pub fn appeal(&self, caller: &UserId, now: Timestamp, rules: &Rules) -> Result<Side, Error> {
        self.relation(caller).ok_or(Error::NotFound)?;
        match self.status {
            Status::Completed => {}
            Status::Expired if self.submissions_count() > 0 => {}
            Status::PendingPayment | Status::Open | Status::Ranking => return Err(Error::VerdictNotReady),
            Status::Cancelled | Status::Expired => return Err(Error::NotFound),
        }
        let won = self.outcome.as_ref().is_some_and(|outcome| outcome.winner == *caller);
        let submitted = self.claims.get(caller).is_some_and(|claim| claim.submitted_at.is_some());
        let side = match (*caller == self.sender, submitted && !won) {
            (true, _) => Side::Sender,
            (false, true) => Side::Workers,
            (false, false) => return Err(Error::AppealNotAllowed),
        };
        // A drop that has ended no longer changes, so its last change is its end.
        if after_seconds(self.updated_at, rules.appeal_seconds) < now {
            return Err(Error::AppealWindowClosed);
        }
        Ok(side)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_read_back_from_its_text() {
        let drop = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        for task in [
            RankingTask::Settle(drop),
            RankingTask::Appeal(drop, Side::Sender),
            RankingTask::Appeal(drop, Side::Workers),
        ] {
            assert_eq!(task.to_string().parse(), Ok(task));
        }
        for text in ["", "x", "01ARZ3NDEKTSV4RRFFQ69G5FAV/appeal/", "01ARZ3NDEKTSV4RRFFQ69G5FAV/appeal/judge"]
        {
            assert_eq!(text.parse::<RankingTask>(), Err(UnknownWord), "{text}");
        }
    }
}
