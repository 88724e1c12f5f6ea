//! Winnings: the part of a wallet that its owner may withdraw, once it has matured.
//!
//! Money from a card is spent and not withdrawn, because the card's owner may still reclaim it. A payout
//! matures after a hold, within which most such claims arrive.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::{Cents, DropId, Rules, UserId};

/// Number of steps into which the hold is divided. Payouts of one step mature together, so that a wallet
/// waits for few releases: with a hold of seven days, for one each day at midnight (UTC).
const STEPS: i64 = 7;

/// A user's winnings that were not withdrawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Winnings {
    /// Winnings whose release was recorded, less withdrawals.
    pub released: Cents,
    /// Other winnings, by the time at which they mature. A withdrawal records the release of those that have.
    pub held: BTreeMap<Timestamp, Cents>,
    /// Winnings that wait for the end of a dispute about the sender's payment.
    pub contested: Cents,
}

/// An amount that matures at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// Time at which it matures.
    pub at: Timestamp,
    /// The amount.
    pub amount: Cents,
}

/// A winner's payout that waits for the end of a dispute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldWinnings {
    /// The disputing payer's drop that was won.
    pub drop: DropId,
    /// The winner.
    pub winner: UserId,
    /// The payout, and the time at which it would have matured.
    pub release: Release,
    /// True once the dispute has ended and the payout matures again.
    pub ended: bool,
}

impl Winnings {
    /// The winnings that have matured at `now` and were not withdrawn.
    pub fn matured(&self, now: Timestamp) -> Cents {
        let due = self.due(now).map(|release| release.amount.get()).sum::<i64>();
        Cents::new(self.released.get().saturating_add(due))
    }

    /// The releases that are due at `now` and not recorded, earliest first.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = Release> {
        self.held.range(..=now).map(|(at, amount)| Release { at: *at, amount: *amount })
    }

    /// The next release after `now`, if winnings are still held.
    pub fn next_release(&self, now: Timestamp) -> Option<Release> {
        let mut later = self.held.iter().filter(|(at, amount)| **at > now && **amount > Cents::ZERO);
        later.next().map(|(at, amount)| Release { at: *at, amount: *amount })
    }
}

impl Rules {
    /// The time at which a payout made at `now` matures; `None` without a hold. Never earlier than the hold,
    /// and at most a seventh of it later.
    pub fn matures_at(&self, now: Timestamp) -> Option<Timestamp> {
        let hold = i64::from(self.payout_hold_seconds);
        if hold == 0 {
            return None;
        }
        let step = (hold / STEPS).max(1);
        let end = now.saturating_add(SignedDuration::from_secs(hold)).unwrap_or(Timestamp::MAX);
        let seconds = end.as_second() + i64::from(end.subsec_nanosecond() > 0);
        let rounded = seconds.div_euclid(step).saturating_mul(step);
        let next = if rounded < seconds { rounded.saturating_add(step) } else { rounded };
        Some(Timestamp::from_second(next).unwrap_or(Timestamp::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_payout_matures_at_the_midnight_after_seven_days() {
        let rules = Rules { payout_hold_seconds: 7 * 86_400, ..Rules::default() };
        for (paid, matures) in [
            ("2026-11-20T00:00:00Z", "2026-11-27T00:00:00Z"),
            ("2026-11-20T00:00:00.001Z", "2026-11-28T00:00:00Z"),
            ("2026-11-20T23:59:59Z", "2026-11-28T00:00:00Z"),
        ] {
            assert_eq!(rules.matures_at(at(paid)), Some(at(matures)), "{paid}");
        }
        let none = Rules { payout_hold_seconds: 0, ..rules.clone() };
        assert_eq!(none.matures_at(at("2026-11-20T00:00:00Z")), None);
        let short = Rules { payout_hold_seconds: 1, ..rules };
        assert_eq!(short.matures_at(at("2026-11-20T00:00:00.5Z")), Some(at("2026-11-20T00:00:02Z")));
    }

    #[test]
    fn only_matured_winnings_that_the_wallet_holds_may_be_withdrawn() {
        let now = at("2026-11-20T00:00:00Z");
        let mut user = crate::User::new("ada".parse().unwrap(), "Ada", None, now);
        user.balance = Cents::new(1000);
        user.winnings.released = Cents::new(100);
        user.winnings.held = [("2026-11-19T00:00:00Z", 200), ("2026-11-21T00:00:00Z", 400)]
            .map(|(matures, cents)| (at(matures), Cents::new(cents)))
            .into();
        assert_eq!(user.withdrawable(now), Cents::new(300));
        let next = user.winnings.next_release(now).unwrap();
        assert_eq!((next.at, next.amount), (at("2026-11-21T00:00:00Z"), Cents::new(400)));
        assert_eq!(user.withdrawable(next.at), Cents::new(700));
        assert_eq!(user.winnings.next_release(next.at), None);
        user.balance = Cents::new(50);
        assert_eq!(user.withdrawable(now), Cents::new(50));
        user.balance = Cents::new(-50);
        assert_eq!(user.withdrawable(now), Cents::ZERO);
        user.balance = Cents::new(1000);
        user.freeze.by_disputes.insert("dp_1".to_owned());
        assert_eq!(user.withdrawable(now), Cents::ZERO);
    }
}
