//! Time: instants with millisecond resolution, and their one written form.

use jiff::{SignedDuration, Timestamp};

/// `at` cut to whole milliseconds, the resolution of everything stored and shown.
pub fn to_millis(at: Timestamp) -> Timestamp {
    from_unix_millis(at.as_millisecond()).unwrap_or(at)
}

/// The instant that many milliseconds after the epoch; `None` outside the years -9999 to 9999.
pub fn from_unix_millis(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis).ok()
}

/// `at` plus whole seconds, stopping at the end of time rather than overflowing.
pub fn after_seconds(at: Timestamp, seconds: u32) -> Timestamp {
    at.saturating_add(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(Timestamp::MAX)
}

/// `at` less whole seconds, stopping at the beginning of time rather than overflowing.
pub fn before_seconds(at: Timestamp, seconds: u32) -> Timestamp {
    at.saturating_sub(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(Timestamp::MIN)
}

/// RFC 3339 in UTC with milliseconds: `2026-11-24T09:30:00.000Z`.
pub fn rfc3339(at: Timestamp) -> String {
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_with_exactly_three_decimals() {
        for (millis, text) in
            [(0, "1970-01-01T00:00:00.000Z"), (1_795_512_600_007, "2026-11-24T09:30:00.007Z")]
        {
            assert_eq!(rfc3339(from_unix_millis(millis).unwrap()), text);
        }
    }
}
