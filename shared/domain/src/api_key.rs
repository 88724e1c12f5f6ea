//! API keys. A key is `clorp_`, 30 random base-62 characters (178 bits) and 6 characters of CRC-32 in base
//! 62.
//!
//! The prefix lets secret scanners find a leaked key. The checksum rejects a mistyped key before any lookup.
//! Only the SHA-256 of a key is ever stored.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::time::after_seconds;
use crate::{Cents, FieldError, KeyId, Rights, SpendPolicy, Spent, UserId, text};

/// Prefix of every key.
pub const PREFIX: &str = "clorp_";
const RANDOM_LEN: usize = 30;
const CHECKSUM_LEN: usize = 6;
/// Length of the visible prefix, which tells a key apart from its owner's others: the prefix and six more
/// characters.
const SHOWN_LEN: usize = PREFIX.len() + 6;
/// Longest name of a key, in characters.
const MAX_NAME_CHARS: usize = 100;
/// Precision of a key's last use, in seconds. A coarse one keeps most requests from writing.
const LAST_USED_SECONDS: u32 = 60 * 60;
pub(crate) const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A well-formed API key. Its text is a secret, so `Debug` shows only the prefix and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

/// The SHA-256 of a key, in lower-case hex. Keys are stored and looked up by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHash(String);

/// The error for a text that is no API key: wrong prefix, length, alphabet or checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedKey;

impl ApiKey {
    /// Builds the key from 30 random numbers, one per character. The caller supplies the randomness, which
    /// must be uniform over 0 to 61. Larger numbers wrap.
    pub fn from_random(digits: [u8; RANDOM_LEN]) -> Self {
        let random: String =
            digits.iter().map(|d| char::from(BASE62[usize::from(*d) % BASE62.len()])).collect();
        let checksum = checksum(&random);
        Self(format!("{PREFIX}{random}{checksum}"))
    }

    /// The secret text, to be shown to the owner once.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The first characters of the key. They identify it to its owner and are safe to show.
    pub fn visible_prefix(&self) -> &str {
        &self.0[..SHOWN_LEN]
    }

    /// The hash that is stored in place of the key.
    pub fn hash(&self) -> KeyHash {
        let digest = Sha256::digest(self.0.as_bytes());
        KeyHash(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// The stored record of a key: everything except its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// Id of the key.
    pub id: KeyId,
    /// Hash by which the key is looked up.
    pub hash: KeyHash,
    /// User that the key authenticates.
    pub owner: UserId,
    /// Name given by the owner.
    pub name: String,
    /// Visible prefix of the key.
    pub prefix: String,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time from which the key is rejected; `None` for a key that never expires.
    pub expires_at: Option<Timestamp>,
    /// Time of the last use, or up to an hour before it.
    pub last_used_at: Option<Timestamp>,
    /// Kinds of requests that the key may make. Set at creation, like the limits.
    pub rights: Rights,
    /// Spend limits of the key.
    pub policy: SpendPolicy,
    /// Amount spent so far. Counted only if the policy limits a day.
    pub spent: Spent,
}

impl StoredKey {
    /// The record of a new key without name, expiry or limits, and with the default rights.
    pub fn new(id: KeyId, key: &ApiKey, owner: UserId, now: Timestamp) -> Self {
        Self {
            id,
            hash: key.hash(),
            owner,
            name: String::new(),
            prefix: key.visible_prefix().to_owned(),
            created_at: now,
            expires_at: None,
            last_used_at: None,
            rights: Rights::OF_A_KEY,
            policy: SpendPolicy::default(),
            spent: Spent::default(),
        }
    }

    /// True if the key is accepted at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expires_at| now < expires_at)
    }

    /// True if a use at `now` is worth recording, because the recorded one is an hour old.
    pub fn is_use_news(&self, now: Timestamp) -> bool {
        self.last_used_at.is_none_or(|recorded| after_seconds(recorded, LAST_USED_SECONDS) <= now)
    }
}

/// Checks the name of a key: 1 to 100 visible characters, as [`text::checked_name`] says.
///
/// # Errors
/// [`FieldError`] at `/name`.
pub fn checked_name(name: Option<&str>) -> Result<String, FieldError> {
    text::checked_name(name, MAX_NAME_CHARS)
}

/// Checks an expiry, which must lie after `now`.
///
/// # Errors
/// [`FieldError`] at `/expires_at`.
pub fn checked_expiry(text: Option<&str>, now: Timestamp) -> Result<Option<Timestamp>, FieldError> {
    let Some(text) = text else { return Ok(None) };
    let invalid = |message| FieldError::new("/expires_at", "invalid_expiry", message);
    let at = text.parse().map_err(|_| invalid("Expiry must be an RFC 3339 time"))?;
    let at = crate::time::to_millis(at);
    if at > now { Ok(Some(at)) } else { Err(invalid("Expiry must lie in the future")) }
}

/// Checks one of a key's spend limits, which must not be negative.
///
/// # Errors
/// [`FieldError`] at `field`.
pub fn checked_limit(field: &str, cents: Option<i64>) -> Result<Option<Cents>, FieldError> {
    match cents {
        Some(cents) if cents < 0 => {
            Err(FieldError::new(field, "invalid_limit", "A spend limit cannot be negative"))
        }
        cents => Ok(cents.map(Cents::new)),
    }
}

impl KeyHash {
    /// The hash as 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyHash {
    type Err = MalformedKey;

    fn from_str(text: &str) -> Result<Self, MalformedKey> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 64 && text.bytes().all(hex) { Ok(Self(text.to_owned())) } else { Err(MalformedKey) }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({PREFIX}…)")
    }
}

impl FromStr for ApiKey {
    type Err = MalformedKey;

    fn from_str(text: &str) -> Result<Self, MalformedKey> {
        let body = text.strip_prefix(PREFIX).ok_or(MalformedKey)?;
        if body.len() != RANDOM_LEN + CHECKSUM_LEN || !body.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(MalformedKey);
        }
        let (random, given) = body.split_at(RANDOM_LEN);
        if checksum(random) == given { Ok(Self(text.to_owned())) } else { Err(MalformedKey) }
    }
}

fn checksum(random: &str) -> String {
    let mut rest = crc32fast::hash(random.as_bytes());
    let mut digits = [b'0'; CHECKSUM_LEN];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    digits.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_parses_back_and_any_single_wrong_character_is_rejected() {
        let key = ApiKey::from_random(std::array::from_fn(|i| (i * 7 % 62) as u8));
        let text = key.expose().to_owned();
        assert_eq!(text.parse::<ApiKey>().unwrap(), key);
        for i in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[i] = if bytes[i] == b'x' { b'y' } else { b'x' };
            assert_eq!(String::from_utf8(bytes).unwrap().parse::<ApiKey>(), Err(MalformedKey), "at {i}");
        }
        for bad in ["", "clorp_", &text[..text.len() - 1], &format!("{text}0"), &text.to_uppercase()] {
            assert_eq!(bad.parse::<ApiKey>(), Err(MalformedKey), "{bad}");
        }
    }

    #[test]
    fn the_first_use_is_recorded_and_then_one_an_hour() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let id = KeyId::new(ulid::Ulid::from_parts(1, 2));
        let key = ApiKey::from_random([7; 30]);
        let mut stored = StoredKey::new(id, &key, "ada".parse().unwrap(), at(0));
        assert!(stored.is_use_news(at(0)));
        stored.last_used_at = Some(at(10));
        assert!(!stored.is_use_news(at(3609)));
        assert!(stored.is_use_news(at(3610)));
    }

    #[test]
    fn a_key_is_valid_until_it_expires() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let id = KeyId::new(ulid::Ulid::from_parts(1, 2));
        let key = ApiKey::from_random([7; 30]);
        let mut stored = StoredKey::new(id, &key, "ada".parse().unwrap(), at(0));
        assert!(stored.is_valid(at(1_000_000)));
        stored.expires_at = Some(at(100));
        assert!(stored.is_valid(at(99)) && !stored.is_valid(at(100)));
        assert_eq!(checked_expiry(Some("1970-01-01T00:01:40Z"), at(99)).unwrap(), Some(at(100)));
        for bad in ["1970-01-01T00:01:39Z", "tomorrow", "", "1970-01-01", "1970-01-01T00:01:40"] {
            assert_eq!(checked_expiry(Some(bad), at(99)).unwrap_err().field, "/expires_at", "{bad}");
        }
    }

    #[test]
    fn the_secret_appears_neither_in_debug_output_nor_in_the_hash() {
        let key = ApiKey::from_random([5; 30]);
        assert!(!format!("{key:?}").contains("5555"));
        assert_eq!(key.visible_prefix(), "clorp_555555");
        assert_eq!(key.hash().as_str().parse(), Ok(key.hash()));
        assert_eq!(key.hash().as_str().len(), 64);
    }
}
