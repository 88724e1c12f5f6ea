//! Time: instants with millisecond resolution, and their single written form.

use jiff::{SignedDuration, Timestamp};

/// Truncates `at` to whole milliseconds, the resolution of all stored and displayed times.
pub fn to_millis(at: Timestamp) -> Timestamp {
    from_unix_millis(at.as_millisecond()).unwrap_or(at)
}

/// The instant `millis` milliseconds after the Unix epoch; `None` outside the years -9999 to 9999.
pub fn from_unix_millis(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis).ok()
}

/// Adds whole seconds to `at`. Saturates at the latest representable instant.
pub fn after_seconds(at: Timestamp, seconds: u32) -> Timestamp {
    at.saturating_add(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(Timestamp::MAX)
}

/// Subtracts whole seconds from `at`. Saturates at the earliest representable instant.
pub fn before_seconds(at: Timestamp, seconds: u32) -> Timestamp {
    at.saturating_sub(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(Timestamp::MIN)
}

/// Formats `at` as RFC 3339 in UTC with milliseconds: `2026-11-24T09:30:00.000Z`.
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
