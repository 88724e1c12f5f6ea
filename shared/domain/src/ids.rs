//! Identifiers. On the wire they are opaque strings; here each kind has its own type.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use ulid::Ulid;

use crate::idempotency::derived_bits;

/// The error for a string that is no identifier of the requested kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedId;

impl fmt::Display for MalformedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed id")
    }
}

impl std::error::Error for MalformedId {}

macro_rules! ulid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Ulid);

        impl $name {
            /// Wraps a ULID.
            pub const fn new(ulid: Ulid) -> Self {
                Self(ulid)
            }

            /// The id's ULID.
            pub const fn ulid(self) -> Ulid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = MalformedId;

            /// Accepts only the canonical form (26 upper-case Crockford characters), so that each id has one
            /// spelling.
            fn from_str(text: &str) -> Result<Self, MalformedId> {
                let ulid = Ulid::from_string(text).map_err(|_| MalformedId)?;
                if ulid.to_string() == text { Ok(Self(ulid)) } else { Err(MalformedId) }
            }
        }
    };
}

ulid_id! {
    /// Id of a drop. Sorts by time of creation.
    DropId
}

ulid_id! {
    /// Id of a posting in the ledger. Sorts by time.
    EntryId
}

ulid_id! {
    /// Id of one worker's submission to one drop.
    SubmissionId
}

ulid_id! {
    /// Id of a top-up. Sorts by start time.
    TopupId
}

ulid_id! {
    /// Id of a withdrawal. Sorts by time of the request.
    WithdrawalId
}

ulid_id! {
    /// Id of a payment method's setup.
    SetupId
}

ulid_id! {
    /// Id of an API key, unrelated to its secret. Sorts by time of creation.
    KeyId
}

ulid_id! {
    /// Id of an upload and of its file. Sorts by time of the announcement.
    UploadId
}

ulid_id! {
    /// Id of a verification. Sorts by time of the request.
    VerificationId
}

ulid_id! {
    /// Id of an agent. Sorts by time of creation.
    AgentId
}

impl DropId {
    /// The lowest id of a drop made at `time`. The ids of later drops are greater.
    pub fn lowest_at(time: Timestamp) -> Self {
        Self(Ulid::from_parts(u64::try_from(time.as_millisecond()).unwrap_or_default(), 0))
    }
}

impl AgentId {
    /// The id of a user's default agent. Its time is 0, so it sorts before all of its owner's other agents.
    pub fn default_of(owner: &UserId) -> Self {
        Self(Ulid::from_parts(0, derived_bits(&[b"default agent", owner.as_str().as_bytes()])))
    }
}

impl SubmissionId {
    /// The id of `worker`'s submission to `drop`. A worker submits at most once, so the pair determines the
    /// id and a retry arrives at the same one.
    pub fn of(drop: DropId, worker: &UserId) -> Self {
        let digest = Sha256::new()
            .chain_update(drop.ulid().to_bytes())
            .chain_update(worker.as_str().as_bytes())
            .finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(Ulid::from_bytes(bytes))
    }
}

/// Id of a user: 1 to 64 characters of `A–Z a–z 0–9 - _`. An account from an identity provider keeps the
/// provider's id, so this is not necessarily a ULID.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(String);

impl UserId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for UserId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedId)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = "01JD4B6Q4N0000000000000000";
        assert_eq!(id.parse::<DropId>().unwrap().to_string(), id);
        for other in [
            "01jd4b6q4n0000000000000000",
            "01JD4B6Q4N000000000000000",
            "",
            "../USER",
            "O1JD4B6Q4N0000000000000000",
        ] {
            assert_eq!(other.parse::<DropId>(), Err(MalformedId), "{other}");
        }
    }

    #[test]
    fn a_user_id_cannot_carry_a_key_separator() {
        for bad in ["", "a#b", "a b", "é", &"x".repeat(65)] {
            assert_eq!(bad.parse::<UserId>(), Err(MalformedId), "{bad}");
        }
        assert!("5f0c2f6e-0d0b-4b53-8d5f-6a3a6a1f2d11".parse::<UserId>().is_ok());
    }

    #[test]
    fn a_default_agents_id_is_determined_by_its_owner_and_older_than_any_other() {
        let (ada, bob): (UserId, UserId) = ("ada".parse().unwrap(), "bob".parse().unwrap());
        assert_eq!(AgentId::default_of(&ada), AgentId::default_of(&ada));
        assert_ne!(AgentId::default_of(&ada), AgentId::default_of(&bob));
        assert!(AgentId::default_of(&ada) < AgentId::new(Ulid::from_parts(1, 0)));
    }

    #[test]
    fn a_submission_id_is_determined_by_drop_and_worker() {
        let drop = DropId::new(Ulid::from_parts(1, 2));
        let (ada, bob): (UserId, UserId) = ("ada".parse().unwrap(), "bob".parse().unwrap());
        assert_eq!(SubmissionId::of(drop, &ada), SubmissionId::of(drop, &ada));
        assert_ne!(SubmissionId::of(drop, &ada), SubmissionId::of(drop, &bob));
    }
}
