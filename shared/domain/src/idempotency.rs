//! Idempotency keys: what a caller names a request with, so that sending it again does not do it again.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// How long a key stands for the request it came with, in seconds; afterwards it is as good as new.
pub const KEPT_SECONDS: u32 = 24 * 60 * 60;
/// How long a request that was begun counts as still running, in seconds: longer than any function may run, so
/// that whoever finds the lease lapsed knows that the one who held it is gone.
pub const LEASE_SECONDS: u32 = 30;

const MAX_LEN: usize = 255;

/// A caller's name for one request: 1 to 255 visible ASCII characters. It means something to that caller only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// A text that is no idempotency key: empty, too long, or with other characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedIdempotencyKey;

impl IdempotencyKey {
    /// The SHA-256 of the key, in lower-case hex: what it is stored under.
    pub fn hash(&self) -> String {
        hex(&[self.0.as_bytes()])
    }
}

impl FromStr for IdempotencyKey {
    type Err = MalformedIdempotencyKey;

    fn from_str(text: &str) -> Result<Self, MalformedIdempotencyKey> {
        if (1..=MAX_LEN).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedIdempotencyKey)
        }
    }
}

impl fmt::Display for MalformedIdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an idempotency key is 1 to {MAX_LEN} visible ASCII characters")
    }
}

impl std::error::Error for MalformedIdempotencyKey {}

/// What tells one request from another: the SHA-256 of all its parts, in lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a request made of `parts`, in this order.
    pub fn of(parts: &[&[u8]]) -> Self {
        Self(hex(parts))
    }

    /// The fingerprint as 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The random part of an id that is derived instead of drawn: 80 bits that `parts` determine.
pub fn derived_bits(parts: &[&[u8]]) -> u128 {
    let digest = digest(parts);
    digest.iter().take(10).fold(0, |bits, byte| bits << 8 | u128::from(*byte))
}

fn hex(parts: &[&[u8]]) -> String {
    digest(parts).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Each part goes in with its length before it, so that no two lists of parts are one text.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_1_to_255_visible_ascii_characters() {
        for good in ["k", "8e03978e-40d5-43e8-bc93-6894a57f9324", "\"quoted\"", &"x".repeat(255)] {
            assert!(good.parse::<IdempotencyKey>().is_ok(), "{good}");
        }
        for bad in ["", " ", "a b", "a\tb", "é", "a\u{7f}", &"x".repeat(256)] {
            assert_eq!(bad.parse::<IdempotencyKey>(), Err(MalformedIdempotencyKey), "{bad:?}");
        }
    }

    #[test]
    fn what_moves_from_one_part_to_the_next_makes_another_request() {
        let one = Fingerprint::of(&[b"POST", b"/api/jobs/run", b"{}"]);
        assert_eq!(one, Fingerprint::of(&[b"POST", b"/api/jobs/run", b"{}"]));
        assert_ne!(one, Fingerprint::of(&[b"POST", b"/api/jobs/run{", b"}"]));
        assert_ne!(one, Fingerprint::of(&[b"POST", b"/api/jobs/run", b"{}", b""]));
        assert_eq!(one.as_str().len(), 64);
    }

    #[test]
    fn derived_bits_fit_an_id_and_follow_their_parts() {
        let bits = derived_bits(&[b"ada", b"drop"]);
        assert_eq!(bits, derived_bits(&[b"ada", b"drop"]));
        assert_ne!(bits, derived_bits(&[b"ada", b"payment"]));
        assert_ne!(bits, 0);
        assert_eq!(bits >> 80, 0);
    }
}
