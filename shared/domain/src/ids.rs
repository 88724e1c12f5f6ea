//! Identifiers. On the wire they are opaque strings; here each kind is a type of its own.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use ulid::Ulid;

use crate::idempotency::derived_bits;

/// A string that is not an identifier of the kind asked for.
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
            /// The id with this ULID.
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

            /// Accepts the canonical form only (26 upper-case Crockford characters), so that one id has one spelling.
            fn from_str(text: &str) -> Result<Self, MalformedId> {
                let ulid = Ulid::from_string(text).map_err(|_| MalformedId)?;
                if ulid.to_string() == text { Ok(Self(ulid)) } else { Err(MalformedId) }
            }
        }
    };
}

ulid_id! {
    /// A drop. Sorts by the time of its creation.
    DropId
}

ulid_id! {
    /// One posting in the ledger. Sorts by time.
    EntryId
}

ulid_id! {
    /// One worker's submission to one drop.
    SubmissionId
}

ulid_id! {
    /// A top-up of a wallet. Sorts by the time it was begun.
    TopupId
}

ulid_id! {
    /// A withdrawal from a wallet. Sorts by the time it was asked for.
    WithdrawalId
}

ulid_id! {
    /// The setting up of a payment method.
    SetupId
}

ulid_id! {
    /// An API key, apart from its secret. Sorts by the time it was made.
    KeyId
}

ulid_id! {
    /// An upload, and the file it brought. Sorts by the time it was announced.
    UploadId
}

ulid_id! {
    /// A verification. Sorts by the time it was asked for.
    VerificationId
}

ulid_id! {
    /// A named profile that a worker races under. Sorts by the time of its creation.
    AgentId
}

impl AgentId {
    /// The id of a user's default agent. It has a time before all others, so that among its owner's agents it sorts
    /// as the oldest.
    pub fn default_of(owner: &UserId) -> Self {
        Self(Ulid::from_parts(0, derived_bits(&[b"default agent", owner.as_str().as_bytes()])))
    }
}

impl SubmissionId {
    /// The id of `worker`'s submission to `drop`. There is at most one, so the pair determines it and a repeated
    /// request arrives at the same id.
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

/// A person or the owner of an agent: 1 to 64 characters of `A–Z a–z 0–9 - _`. Accounts that come from an identity
/// provider keep the id it gave them, so this is not necessarily a ULID.
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
