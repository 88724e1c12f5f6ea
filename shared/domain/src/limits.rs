//! Rate limits: token buckets for the credentials of a user, by class of requests, and for client addresses.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use crate::error::UnknownWord;
use crate::{Fingerprint, KeyId, UserId};

/// The class of a request. Each class has its own bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RateClass {
    /// Creates or ends a resource.
    Create,
    /// Takes or releases a slot.
    Claim,
    /// Submits work.
    Submit,
    /// Moves money, or configures its destination.
    Money,
    /// Sets up a card.
    Setup,
    /// Creates or revokes credentials.
    Keys,
    /// Announces files.
    Upload,
    /// Verifies outputs.
    Verify,
    /// Reads without changing anything.
    Read,
}

impl RateClass {
    /// Every class.
    pub const ALL: [Self; 9] = [
        Self::Create,
        Self::Claim,
        Self::Submit,
        Self::Money,
        Self::Setup,
        Self::Keys,
        Self::Upload,
        Self::Verify,
        Self::Read,
    ];

    /// The class's word, as stored and documented.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Claim => "claim",
            Self::Submit => "submit",
            Self::Money => "money",
            Self::Setup => "setup",
            Self::Keys => "keys",
            Self::Upload => "upload",
            Self::Verify => "verify",
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

/// A program that acts for a user, with a credential of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Program {
    /// The holder of an API key.
    Key(KeyId),
    /// An OAuth client with a session, by its id's fingerprint.
    Client(Fingerprint),
}

/// Key of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BucketKey {
    /// Bucket of a user's own sessions, for requests of one class. No program takes from it, so that a user
    /// can always revoke the key of one.
    Sessions(UserId, RateClass),
    /// Bucket of one program of a user, for requests of one class.
    Program(UserId, RateClass, Program),
    /// Larger bucket of all programs of a user together, for requests of one class.
    Programs(UserId, RateClass),
    /// Bucket of a user, for drops that are posted without a payment.
    Unpaid(UserId),
    /// Bucket of an address that starts logins, by the address's fingerprint.
    Login(Fingerprint),
    /// Bucket of an address that calls public routes, by the address's fingerprint.
    Public(Fingerprint),
    /// Bucket of a user for refreshes of their sessions.
    Refresh(UserId),
}

impl BucketKey {
    /// The bucket for logins started at `address`. IPv6 is limited by /64, because one host usually controls
    /// the whole prefix. All callers with an unknown address share one bucket.
    pub fn login(address: Option<IpAddr>) -> Self {
        let network = address.map(network).unwrap_or_default();
        Self::Login(Fingerprint::of(&[b"login", network.as_bytes()]))
    }

    /// The bucket for public requests from `address`, by network as for logins.
    pub fn public(address: IpAddr) -> Self {
        Self::Public(Fingerprint::of(&[b"public", network(address).as_bytes()]))
    }

    /// The bucket's name in responses: the class of its requests, or the kind of its route.
    pub fn name(&self) -> String {
        match self {
            Self::Sessions(_, class) | Self::Program(_, class, _) => class.to_string(),
            Self::Programs(_, class) => format!("{class}-all-keys"),
            Self::Unpaid(_) => "unpaid".to_owned(),
            Self::Refresh(_) => "refresh".to_owned(),
            Self::Login(_) => "login".to_owned(),
            Self::Public(_) => "public".to_owned(),
        }
    }
}

/// The network of an address that counts as one client.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).to_string(),
        v4 => v4.to_string(),
    }
}

/// Capacity of a bucket. It allows `quota` requests at once, and then `quota` more per window, evenly spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Number of requests.
    pub quota: u32,
    /// Time in which an empty bucket refills, in seconds.
    pub window_seconds: u32,
}

/// The state of a bucket after a granted request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// Number of further requests allowed at once.
    pub requests: u32,
    /// Seconds until the bucket is full again, rounded up.
    pub reset_seconds: u32,
}

/// A bucket's response to a request.
///
/// A bucket is stored as one instant: the time at which it is full again, as in the generic cell rate
/// algorithm. Each request postpones that time by [`RateLimit::cost`]. It may lie at most one window ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The request is allowed.
    Granted {
        /// Time at which the bucket is full again.
        full_at: Timestamp,
    },
    /// The request is rejected.
    Refused {
        /// Seconds until the next request is allowed, at least 1.
        retry_after_seconds: u32,
    },
}

impl RateLimit {
    /// The time by which each request postpones a full bucket: at least 1 ms.
    pub fn cost(&self) -> SignedDuration {
        let window = i64::from(self.window_seconds) * 1000;
        SignedDuration::from_millis((window / i64::from(self.quota.max(1))).max(1))
    }

    /// Decides on a request at `now`, given the time at which the bucket is full (`None`: it was never used).
    pub fn admit(&self, full_at: Option<Timestamp>, now: Timestamp) -> Decision {
        let after = later(full_at.map_or(now, |full_at| full_at.max(now)), self.cost());
        let over = after.duration_since(self.horizon(now));
        if over.is_positive() {
            Decision::Refused { retry_after_seconds: seconds_up(over).max(1) }
        } else {
            Decision::Granted { full_at: after }
        }
    }

    /// The latest full time that a bucket may have after it granted a request at `now`.
    pub fn horizon(&self, now: Timestamp) -> Timestamp {
        let whole = self.cost().as_millis() * i128::from(self.quota);
        later(now, SignedDuration::from_millis(i64::try_from(whole).unwrap_or(i64::MAX)))
    }

    /// The state at `now` of a bucket that is full at `full_at`.
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

    /// Sends a request at each of `times`. Returns the number granted, and the last decision.
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
    fn addresses_of_one_ipv6_network_share_a_bucket() {
        let of = |text: &str| BucketKey::login(Some(text.parse().unwrap()));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_ne!(of("0.0.0.0"), BucketKey::login(None));
        let public = |text: &str| BucketKey::public(text.parse().unwrap());
        assert_eq!(public("2001:db8:1:2::1"), public("2001:db8:1:2:ffff::9"));
        assert_ne!(public("192.0.2.1"), public("192.0.2.2"));
    }

    #[test]
    fn a_full_bucket_grants_exactly_its_quota() {
        let (granted, last) = ask(TEN_A_MINUTE, [0; 25]);
        assert_eq!((granted, last), (10, Decision::Refused { retry_after_seconds: 6 }));
    }

    #[test]
    fn an_empty_bucket_refills_evenly_over_the_window() {
        let burst = [0; 10].into_iter();
        assert_eq!(ask(TEN_A_MINUTE, burst.clone().chain([5_999])).0, 10);
        assert_eq!(ask(TEN_A_MINUTE, burst.clone().chain([6_000, 6_000])).0, 11);
        assert_eq!(ask(TEN_A_MINUTE, burst.chain([60_000; 30])).0, 20, "not full after the window");
    }

    #[test]
    fn the_long_term_rate_does_not_exceed_the_limit() {
        let hour = (0..36_000).map(|tenth| tenth * 100);
        assert_eq!(ask(TEN_A_MINUTE, hour).0, 10 + 600 - 1);
    }

    #[test]
    fn remaining_requests_count_down_and_recover() {
        let Decision::Granted { full_at } = TEN_A_MINUTE.admit(None, at(0)) else { panic!("refused") };
        assert_eq!(TEN_A_MINUTE.remaining(full_at, at(0)), Remaining { requests: 9, reset_seconds: 6 });
        assert_eq!(TEN_A_MINUTE.remaining(full_at, at(5_500)), Remaining { requests: 9, reset_seconds: 1 });
        assert_eq!(TEN_A_MINUTE.remaining(full_at, at(6_000)), Remaining { requests: 10, reset_seconds: 0 });
    }

    #[test]
    fn a_quota_that_does_not_divide_its_window_is_still_enforced() {
        for quota in [1, 3, 7, 59, 61, 100_000] {
            let limit = RateLimit { quota, window_seconds: 60 };
            assert_eq!(ask(limit, vec![0; quota as usize + 5]).0, quota as usize, "{quota}");
        }
    }
}
