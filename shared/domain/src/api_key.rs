//! API keys: `clorp_`, 30 random base-62 characters (178 bits), 6 characters of CRC-32 in base 62.
//!
//! The prefix lets secret scanners find a leaked key; the checksum lets a mistyped one be refused before anything
//! is looked up. Only the SHA-256 of a key is ever stored.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// What every key begins with.
pub const PREFIX: &str = "clorp_";
const RANDOM_LEN: usize = 30;
const CHECKSUM_LEN: usize = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A well-formed API key. Its text is a secret: `Debug` shows the prefix only, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

/// The SHA-256 of a key, in lower-case hex: the form in which keys are stored and looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHash(String);

/// A text that is no API key: wrong prefix, length, alphabet or checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedKey;

impl ApiKey {
    /// The key made of 30 random characters, each given as a number; the caller supplies the randomness, uniform
    /// over 0 to 61 (larger numbers wrap).
    pub fn from_random(digits: [u8; RANDOM_LEN]) -> Self {
        let random: String =
            digits.iter().map(|d| char::from(BASE62[usize::from(*d) % BASE62.len()])).collect();
        let checksum = checksum(&random);
        Self(format!("{PREFIX}{random}{checksum}"))
    }

    /// The secret text, to be shown to its owner once.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored in place of the key.
    pub fn hash(&self) -> KeyHash {
        let digest = Sha256::digest(self.0.as_bytes());
        KeyHash(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl KeyHash {
    /// The hash as 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
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
    fn a_key_reads_back_and_any_one_wrong_character_is_refused() {
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
    fn the_secret_is_not_in_its_debug_form_nor_in_its_hash() {
        let key = ApiKey::from_random([5; 30]);
        assert!(!format!("{key:?}").contains("5555"));
        assert_eq!(key.hash().as_str().len(), 64);
    }
}
