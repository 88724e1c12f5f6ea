//! The claim cooldown: a worker who leaves slots unused must wait before the next claim.
//!
//! A claim lapses when its lease ends without a submission, or at once when the worker releases it. Lapses
//! count per user, across all of the user's keys and agents.

use jiff::Timestamp;

use crate::time::{after_seconds, before_seconds};
use crate::{Error, Rules};

/// Longest configurable cooldown window, in seconds. Lapses are stored for this long.
pub const MAX_WINDOW_SECONDS: u32 = 24 * 60 * 60;

/// The start of the cooldown window: only lapses after it count at `now`.
pub fn counts_after(now: Timestamp, rules: &Rules) -> Timestamp {
    before_seconds(now, rules.cooldown_window_seconds)
}

/// Checks that a user may claim, given the times of their lapses in any order.
///
/// # Errors
/// [`Error::ClaimCooldown`] with the seconds until few enough lapses count.
pub fn require_none(mut lapses: Vec<Timestamp>, now: Timestamp, rules: &Rules) -> Result<(), Error> {
    let counts_after = counts_after(now, rules);
    lapses.retain(|at| *at > counts_after);
    lapses.sort_unstable_by(|a, b| b.cmp(a));
    // The cooldown ends when this lapse leaves the window, because too few then remain.
    let Some(at) = rules.cooldown_lapses.checked_sub(1).and_then(|n| lapses.get(n as usize)) else {
        return Ok(());
    };
    let ends_at = after_seconds(*at, rules.cooldown_window_seconds);
    let millis = ends_at.as_millisecond().saturating_sub(now.as_millisecond());
    let seconds = millis.saturating_add(999) / 1000;
    Err(Error::ClaimCooldown { seconds: u32::try_from(seconds).unwrap_or(u32::MAX) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix_millis;

    const NOW: i64 = 1_795_512_600_000;

    fn at(millis: i64) -> Timestamp {
        from_unix_millis(NOW + millis).unwrap()
    }

    /// Checks the wait, in seconds, after lapses that many milliseconds ago.
    fn check(ago: &[i64], rules: &Rules, expected: Option<u32>) {
        let lapses = ago.iter().map(|ago| at(-ago)).collect();
        let wait = match require_none(lapses, at(0), rules) {
            Ok(()) => None,
            Err(Error::ClaimCooldown { seconds }) => Some(seconds),
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(wait, expected, "{ago:?}");
    }

    #[test]
    fn the_third_lapse_in_ten_minutes_blocks_claims_until_two_are_left() {
        let rules = Rules::default();
        check(&[], &rules, None);
        check(&[0, 1], &rules, None);
        check(&[0, 0, 0], &rules, Some(600));
        check(&[1_000, 2_000, 3_000], &rules, Some(597));
        check(&[3_000, 1_000, 2_000], &rules, Some(597));
        // Seconds are rounded up.
        check(&[0, 0, 1], &rules, Some(600));
        check(&[0, 0, 999], &rules, Some(600));
        check(&[0, 0, 1_000], &rules, Some(599));
        check(&[0, 0, 599_999], &rules, Some(1));
        check(&[0, 0, 600_000], &rules, None);
        check(&[0, 599_999, 600_000], &rules, None);
        // After four lapses, the third most recent one must leave the window.
        check(&[0, 100_000, 200_000, 300_000], &rules, Some(400));
        check(&[0, 0, 0, 599_000], &rules, Some(600));
        // Clocks of instances differ, so a lapse may lie in the future.
        check(&[-2_000, -2_000, -2_000], &rules, Some(602));
    }

    #[test]
    fn the_number_of_lapses_and_the_window_are_configurable() {
        let rules = Rules { cooldown_lapses: 1, cooldown_window_seconds: 10, ..Rules::default() };
        check(&[], &rules, None);
        check(&[4_000], &rules, Some(6));
        check(&[10_000], &rules, None);
    }

    #[test]
    fn a_user_may_claim_after_the_wait_and_not_a_second_earlier() {
        let rules = Rules::default();
        for ago in [[0_i64, 1, 2], [1, 250_001, 599_999], [77, 78, 300_500]] {
            let lapses: Vec<Timestamp> = ago.iter().map(|ago| at(-ago)).collect();
            let Err(Error::ClaimCooldown { seconds }) = require_none(lapses.clone(), at(0), &rules) else {
                panic!("{ago:?}");
            };
            let then = |seconds: u32| require_none(lapses.clone(), at(i64::from(seconds) * 1000), &rules);
            assert_eq!(then(seconds), Ok(()), "{ago:?}");
            assert!(then(seconds - 1).is_err(), "{ago:?}");
        }
    }
}
