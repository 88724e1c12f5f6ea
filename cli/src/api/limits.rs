//! Headers about time and rate limits.

use std::time::Duration;

use jiff::Timestamp;

/// The pause until the rate limit has room for one more request; `None` if it has room now.
///
/// `RateLimit` is `"name";r=<left>;t=<seconds>`, and `RateLimit-Policy` is `"name";q=<quota>;w=<seconds>`.
/// The quota refills steadily, so the next request has room after `w / q` seconds.
pub fn pause(limit: Option<&str>, policy: Option<&str>) -> Option<Duration> {
    let left = parameter(limit?, "r")?;
    let (quota, window) = (parameter(policy?, "q")?, parameter(policy?, "w")?);
    (left == 0 && quota > 0).then(|| Duration::from_millis((window * 1000).div_ceil(quota)))
}

/// A parameter of a structured field, if it is a number.
fn parameter(field: &str, name: &str) -> Option<u64> {
    let parameters = field.split(';').skip(1).filter_map(|parameter| parameter.trim().split_once('='));
    let mut named = parameters.filter(|(key, _)| *key == name);
    named.next().and_then(|(_, value)| value.parse().ok())
}

/// The seconds by which the server's clock is ahead of this one, by its `Date`. A second or two are the age
/// of the response.
pub fn clock_offset(date: &str) -> Option<i64> {
    let date = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    let offset = date.duration_since(Timestamp::now()).as_secs();
    Some(if offset.abs() <= 2 { 0 } else { offset })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exhausted_limit_pauses_for_one_request() {
        let policy = Some("\"claim\";q=30;w=60");
        assert_eq!(pause(Some("\"claim\";r=0;t=60"), policy), Some(Duration::from_secs(2)));
        assert_eq!(pause(Some("\"claim\";r=1;t=58"), policy), None);
        for (limit, policy) in [
            (None, policy),
            (Some("\"claim\""), policy),
            (Some("\"a\";r=0;t=1"), None),
            (Some(""), Some("\"a\";q=0;w=1")),
        ] {
            assert_eq!(pause(limit, policy), None);
        }
    }

    #[test]
    fn the_servers_clock_is_read_from_its_date() {
        let offset = clock_offset("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(Timestamp::now().as_second() + offset, 784_111_777);
        assert_eq!(clock_offset("yesterday"), None);
    }
}
