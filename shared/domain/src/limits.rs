//! How much of what somebody may do: a token bucket for each user and class of requests, and one for each address from
//! which logins are begun.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use crate::error::UnknownWord;
use crate::{Fingerprint, UserId};

/// What kind of thing a request does. Each kind has a bucket of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RateClass {
    /// Makes something, or ends it.
    Create,
    /// Takes or gives up a slot.
    Claim,
    /// Delivers work.
    Submit,
    /// Moves money, or says where it is to go.
    Money,
    /// Makes or withdraws credentials.
    Keys,
    /// Changes nothing.
    Read,
}

impl RateClass {
    /// Every class.
    pub const ALL: [Self; 6] = [Self::Create, Self::Claim, Self::Submit, Self::Money, Self::Keys, Self::Read];

    /// The class's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Claim => "claim",
            Self::Submit => "submit",
            Self::Money => "money",
            Self::Keys => "keys",
            Self::Read => "read",
        }
    }
}

impl fmt::Display for RateClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RateClass {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|class| class.as_str() == text).ok_or(UnknownWord)
    }
}

/// Whose bucket it is, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BucketKey {
    /// A user's, for requests of one class.
    User(UserId, RateClass),
    /// That of everybody at an address who begins a login, by the address's fingerprint.
    Login(Fingerprint),
}

impl BucketKey {
    /// The bucket for logins begun at `address`. Who has one IPv6 address has the 2^64 of its network, so the network
    /// counts. All whose address is not known share one.
    pub fn login(address: Option<IpAddr>) -> Self {
        let network = address.map(|address| match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
            v4 => v4,
        });
        let network = network.map(|network| network.to_string()).unwrap_or_default();
        Self::Login(Fingerprint::of(&[b"login", network.as_bytes()]))
    }
}

/// The size of a bucket: as many requests at once, and as many again over each window, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests.
    pub quota: u32,
    /// Seconds in which an empty bucket fills.
    pub window_seconds: u32,
}

/// A bucket after a request was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// How many more there may be at once.
    pub requests: u32,
    /// Seconds until the bucket is full again, rounded up.
    pub reset_seconds: u32,
}

/// How a bucket meets a request.
///
/// A bucket is one instant, the one at which it will be full again, as in the generic cell rate algorithm: each
/// request puts that off by the same [`RateLimit::cost`], and it may not lie further ahead than a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Let through; the bucket is full again at `full_at`.
    Granted {
        /// The bucket afterwards.
        full_at: Timestamp,
    },
    /// Not now.
    Refused {
        /// Seconds until the next request is let through, at least one.
        retry_after_seconds: u32,
    },
}

impl RateLimit {
    /// How much later each request makes a bucket full, in milliseconds: at least one.
    pub fn cost(&self) -> SignedDuration {
        let window = i64::from(self.window_seconds) * 1000;
        SignedDuration::from_millis((window / i64::from(self.quota.max(1))).max(1))
    }

    /// What a bucket that is full at `full_at` (`None`: always was) does with a request at `now`.
    pub fn admit(&self, full_at: Option<Timestamp>, now: Timestamp) -> Decision {
        let after = later(full_at.map_or(now, |full_at| full_at.max(now)), self.cost());
        let over = after.duration_since(self.horizon(now));
        if over.is_positive() {
            Decision::Refused { retry_after_seconds: seconds_up(over).max(1) }
        } else {
            Decision::Granted { full_at: after }
        }
    }

    /// The latest instant at which a bucket may be full again that takes a request at `now`.
    pub fn horizon(&self, now: Timestamp) -> Timestamp {
        let whole = self.cost().as_millis() * i128::from(self.quota);
        later(now, SignedDuration::from_millis(i64::try_from(whole).unwrap_or(i64::MAX)))
    }

    /// What is left at `now` in a bucket that is full at `full_at`.
    pub fn remaining(&self, full_at: Timestamp, now: Timestamp) -> Remaining {
        let free = self.horizon(now).duration_since(full_at.max(now)).as_millis() / self.cost().as_millis();
        Remaining {
            requests: u32::try_from(free.clamp(0, i128::from(self.quota))).unwrap_or(self.quota),
            reset_seconds: seconds_up(full_at.duration_since(now)),
        }
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

fn seconds_up(duration: SignedDuration) -> u32 {
    let millis = duration.as_millis().max(0);
    u32::try_from((millis + 999) / 1000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN_A_MINUTE: RateLimit = RateLimit { quota: 10, window_seconds: 60 };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000 + millis).unwrap()
    }

    /// Asks at each of `times`; gives how many were let through, and the last answer.
    fn ask(limit: RateLimit, times: impl IntoIterator<Item = i64>) -> (usize, Decision) {
        let (mut granted, mut full_at, mut last) = (0, None, None);
        for time in times {
            let answer = limit.admit(full_at, at(time));
            if let Decision::Granted { full_at: after } = answer {
                full_at = Some(after);
                granted += 1;
            }
            last = Some(answer);
        }
        (granted, last.unwrap())
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let of = |text: &str| BucketKey::login(Some(text.parse().unwrap()));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_ne!(of("0.0.0.0"), BucketKey::login(None));
    }

    #[test]
    fn a_full_bucket_holds_its_quota_and_no_more() {
        let (granted, last) = ask(TEN_A_MINUTE, [0; 25]);
        assert_eq!((granted, last), (10, Decision::Refused { retry_after_seconds: 6 }));
    }

    #[test]
    fn an_empty_bucket_gives_one_each_time_a_part_of_the_window_has_passed() {
        let burst = [0; 10].into_iter();
        assert_eq!(ask(TEN_A_MINUTE, burst.clone().chain([5_999])).0, 10);
        assert_eq!(ask(TEN_A_MINUTE, burst.clone().chain([6_000, 6_000])).0, 11);
        assert_eq!(ask(TEN_A_MINUTE, burst.chain([60_000; 30])).0, 20, "and is full after the window");
    }

    #[test]
    fn over_a_long_time_no_more_than_the_rate_is_let_through() {
        let hour = (0..36_000).map(|tenth| tenth * 100);
        assert_eq!(ask(TEN_A_MINUTE, hour).0, 10 + 600 - 1);
    }

    #[test]
    fn what_remains_counts_down_and_comes_back() {
        let Decision::Granted { full_at } = TEN_A_MINUTE.admit(None, at(0)) else { panic!("refused") };
        assert_eq!(TEN_A_MINUTE.remaining(full_at, at(0)), Remaining { requests: 9, reset_seconds: 6 });
        assert_eq!(TEN_A_MINUTE.remaining(full_at, at(5_500)), Remaining { requests: 9, reset_seconds: 1 });
        assert_eq!(TEN_A_MINUTE.remaining(full_at, at(6_000)), Remaining { requests: 10, reset_seconds: 0 });
    }

    #[test]
    fn a_quota_that_does_not_divide_its_window_is_held_to_all_the_same() {
        for quota in [1, 3, 7, 59, 61, 100_000] {
            let limit = RateLimit { quota, window_seconds: 60 };
            assert_eq!(ask(limit, vec![0; quota as usize + 5]).0, quota as usize, "{quota}");
        }
    }
}
