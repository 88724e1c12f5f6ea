//! Idempotency keys. A caller names a request with one, so that a retry does not repeat the effect.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// Lifetime of an idempotency key, in seconds. Afterwards it can name a new request.
pub const KEPT_SECONDS: u32 = 24 * 60 * 60;
/// Time for which a started request counts as running, in seconds. It is longer than any function may run, so
/// a lapsed lease means that its holder is gone.
pub const LEASE_SECONDS: u32 = 30;

const MAX_LEN: usize = 255;

/// A caller's name for one request: 1 to 255 visible ASCII characters, scoped to the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// The error for a text that is no idempotency key: empty, too long, or with other characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedIdempotencyKey;

impl IdempotencyKey {
    /// The SHA-256 of the key in lower-case hex, under which it is stored.
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

/// Identity of a request's content: the SHA-256 of all its parts, in lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Computes the fingerprint of a request from its `parts`, in this order.
    pub fn of(parts: &[&[u8]]) -> Self {
        Self(hex(parts))
    }

    /// The fingerprint as 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The random part of a derived id: 80 bits that `parts` determine.
pub fn derived_bits(parts: &[&[u8]]) -> u128 {
    let digest = digest(parts);
    digest.iter().take(10).fold(0, |bits, byte| bits << 8 | u128::from(*byte))
}

fn hex(parts: &[&[u8]]) -> String {
    digest(parts).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hashes each part after its length, so that different lists of parts never hash the same input.
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
    fn bytes_moved_between_parts_change_the_fingerprint() {
        let one = Fingerprint::of(&[b"POST", b"/api/jobs/run", b"{}"]);
        assert_eq!(one, Fingerprint::of(&[b"POST", b"/api/jobs/run", b"{}"]));
        assert_ne!(one, Fingerprint::of(&[b"POST", b"/api/jobs/run{", b"}"]));
        assert_ne!(one, Fingerprint::of(&[b"POST", b"/api/jobs/run", b"{}", b""]));
        assert_eq!(one.as_str().len(), 64);
    }

    #[test]
    fn derived_bits_fit_an_id_and_depend_on_their_parts() {
        let bits = derived_bits(&[b"ada", b"drop"]);
        assert_eq!(bits, derived_bits(&[b"ada", b"drop"]));
        assert_ne!(bits, derived_bits(&[b"ada", b"payment"]));
        assert_ne!(bits, 0);
        assert_eq!(bits >> 80, 0);
    }
}
