//! Money, time and lengths in words.

use jiff::Timestamp;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Formats cents as dollars: `$12.30`, `-$0.05`.
pub fn dollars(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}${}.{:02}", cents / 100, cents % 100)
}

/// A number with its noun: `1 drop`, `2 drops`.
pub fn plural(count: i64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A length of time with two units at most: `45 s`, `4 m 10 s`, `3 h 5 m`, `2 d 1 h`.
fn length(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let parts = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let first = parts.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(3);
    let (unit, name) = parts[first];
    let head = format!("{} {name}", seconds / unit);
    match parts.get(first + 1) {
        Some((next, name)) if seconds % unit >= *next => format!("{head} {} {name}", seconds % unit / next),
        _ => head,
    }
}

/// The time from `now` to a later one, or `over`.
pub fn left(until: Timestamp, now: Timestamp) -> String {
    let seconds = until.duration_since(now).as_secs();
    if seconds > 0 { length(seconds) } else { "over".to_owned() }
}

/// The time since an earlier one.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs();
    if seconds > 0 { format!("{} ago", length(seconds)) } else { "just now".to_owned() }
}

/// A line, cut with an ellipsis if it is wider than this many columns.
pub fn fit(line: &str, columns: usize) -> String {
    if line.width() <= columns {
        return line.to_owned();
    }
    let (mut kept, mut width) = (String::new(), 1);
    for c in line.chars() {
        width += c.width().unwrap_or(0);
        if width > columns {
            break;
        }
        kept.push(c);
    }
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_formatted_in_dollars() {
        for (cents, text) in [(0, "$0.00"), (5, "$0.05"), (1230, "$12.30"), (-5, "-$0.05"), (-250, "-$2.50")]
        {
            assert_eq!(dollars(cents), text);
        }
    }

    #[test]
    fn lengths_of_time_have_two_units_at_most() {
        for (seconds, text) in [
            (-3, "0 s"),
            (0, "0 s"),
            (45, "45 s"),
            (60, "1 m"),
            (250, "4 m 10 s"),
            (3600, "1 h"),
            (3659, "1 h"),
            (11_100, "3 h 5 m"),
            (176_400, "2 d 1 h"),
        ] {
            assert_eq!(length(seconds), text);
        }
    }

    #[test]
    fn wide_lines_are_cut_by_columns() {
        assert_eq!(fit("short", 5), "short");
        assert_eq!(fit("longer", 5), "long…");
        assert_eq!(fit("漢字漢字", 5), "漢字…");
        assert_eq!(fit("one two", 5), "one…");
    }
}
