//! Spend limits of an API key: one per drop and one per day. They are set when the key is created and never
//! change, so a holder of the key cannot raise them.

use jiff::Timestamp;

use crate::{Cents, Error, Overflow};

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// A day in UTC, as the number of days since 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(i64);

impl Day {
    /// The day with this number.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The day's number.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The day that contains an instant.
    pub fn of(at: Timestamp) -> Self {
        Self(at.as_second().div_euclid(SECONDS_PER_DAY))
    }
}

/// A key's spend limits. `None` means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpendPolicy {
    /// Highest price of one drop.
    pub per_drop: Option<Cents>,
    /// Highest sum of the prices of one day's drops. Refunds do not count back.
    pub per_day: Option<Cents>,
}

/// The spending of a key on the last day on which it spent anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Last day with spending.
    pub day: Day,
    /// Sum spent on that day.
    pub amount: Cents,
}

impl Spent {
    /// The amount spent on `day`.
    pub fn on(&self, day: Day) -> Cents {
        if self.day == day { self.amount } else { Cents::ZERO }
    }
}

impl SpendPolicy {
    /// True if the policy has any limit.
    pub const fn is_limited(&self) -> bool {
        self.per_drop.is_some() || self.per_day.is_some()
    }

    /// Checks that the key may pay for a drop of this price at `now`, given its earlier spending.
    ///
    /// # Errors
    /// [`Error::SpendLimitPerDrop`], [`Error::SpendLimitPerDay`].
    pub fn check(&self, price: Cents, spent: &Spent, now: Timestamp) -> Result<(), Error> {
        if let Some(limit) = self.per_drop.filter(|limit| price > *limit) {
            return Err(Error::SpendLimitPerDrop { limit });
        }
        if let Some(limit) = self.per_day {
            let spent = spent.on(Day::of(now));
            if spent.plus(price).map_err(|Overflow| Error::SpendLimitPerDay { limit, spent })? > limit {
                return Err(Error::SpendLimitPerDay { limit, spent });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_applies_independently_and_a_day_ends_at_midnight_utc() {
        let check = |per_drop: Option<i64>, per_day: Option<i64>, price, spent, millis| {
            let policy = SpendPolicy { per_drop: per_drop.map(Cents::new), per_day: per_day.map(Cents::new) };
            let spent = Spent { day: Day::new(1), amount: Cents::new(spent) };
            policy.check(Cents::new(price), &spent, Timestamp::from_millisecond(millis).unwrap())
        };
        let (noon, last, next) = (129_600_000, 172_799_999, 172_800_000);
        let (drop_limit, day_limit) = (
            Err(Error::SpendLimitPerDrop { limit: Cents::new(500) }),
            Err(Error::SpendLimitPerDay { limit: Cents::new(900), spent: Cents::new(400) }),
        );
        assert_eq!(check(None, None, i64::MAX, i64::MAX, noon), Ok(()));
        assert_eq!(check(Some(500), None, 500, 9_999, noon), Ok(()));
        assert_eq!(check(Some(500), None, 501, 0, noon), drop_limit);
        assert_eq!(check(None, Some(900), 500, 400, noon), Ok(()));
        assert_eq!(check(None, Some(900), 501, 400, noon), day_limit);
        assert_eq!(check(None, Some(900), 501, 400, last), day_limit);
        assert_eq!(check(None, Some(900), 501, 400, next), Ok(()));
        assert!(check(None, Some(900), 901, 400, next).is_err());
        assert_eq!(check(None, Some(900), i64::MAX, 400, noon), day_limit);
        assert_eq!(check(Some(500), Some(900), 501, 400, noon), drop_limit);
    }
}
