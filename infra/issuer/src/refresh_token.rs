//! Refresh tokens, of the two kinds that Supabase issues.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde::{Deserialize, Serialize};

/// Time after its last use in which a refresh token may be used again, in seconds.
const REUSE_INTERVAL: i64 = 10;
/// Length of a short token, in characters.
const SHORT: usize = 12;
/// Alphabet of short tokens.
const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
/// First byte of a long token.
const VERSION: u8 = 0;
const ID_LEN: usize = 16;
const SIGNATURE_LEN: usize = 16;
const CHECKSUM_LEN: usize = 4;

/// A rejected refresh token: Supabase's error code and message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub &'static str, pub &'static str);

pub const NOT_FOUND: Refused =
    Refused("refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found");
const ALREADY_USED: Refused = Refused("refresh_token_already_used", "Invalid Refresh Token: Already Used");
const NOT_VALID: Refused = Refused("validation_failed", "Refresh token is not valid");
const NOT_ISSUED: Refused = Refused("validation_failed", "Invalid Refresh Token: Not Issued By This Server");

/// The kind of a session's refresh tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// Twelve random characters, stored. Late reuse revokes the session's tokens; a token that was unused
    /// until then still works for ten seconds.
    #[default]
    Short,
    /// About 51 characters, signed, with a counter. Late reuse deletes the session.
    Long,
}

/// A refresh token's text, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    Short(String),
    Long { session: u128, counter: u64, signed: Vec<u8>, signature: Vec<u8> },
}

/// The refresh tokens of a session.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Tokens {
    Long {
        /// Key of the signatures, in base64url.
        key: String,
        /// Counter of the current token.
        counter: u64,
    },
    /// The tokens by their text.
    Short(BTreeMap<String, Stored>),
}

/// A short token.
#[derive(Debug, Serialize, Deserialize)]
pub struct Stored {
    /// Position in the order of creation.
    #[serde(default)]
    number: usize,
    /// The token that was exchanged for this one.
    parent: Option<String>,
    /// The time of the last use or of the revocation, in seconds since the epoch. `None` if the token is
    /// active.
    used_at: Option<i64>,
}

/// The outcome of using a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Used {
    /// The session's current token.
    Exchanged(String),
    /// The token is refused, and the session stays.
    Refused(Refused),
    /// The token is refused, and the session ends.
    Ended(Refused),
}

impl Parsed {
    /// Parses a token, without looking for its session.
    pub fn of(text: &str) -> Result<Self, Refused> {
        if text.len() == SHORT {
            let is_plain = text.bytes().all(|b| ALPHABET.contains(&b));
            return if is_plain { Ok(Self::Short(text.to_owned())) } else { Err(NOT_VALID) };
        }
        Self::long(text).ok_or(NOT_VALID)
    }

    fn long(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM_LEN)?)?;
        if &digest(&SHA256, body).as_ref()[..CHECKSUM_LEN] != checksum {
            return None;
        }
        let (signed, signature) = body.split_at_checked(body.len().checked_sub(SIGNATURE_LEN)?)?;
        let (id, counter) = signed.strip_prefix(&[VERSION])?.split_at_checked(ID_LEN)?;
        Some(Self::Long {
            session: u128::from_be_bytes(id.try_into().ok()?),
            counter: read_varint(counter)?,
            signed: signed.to_vec(),
            signature: signature.to_vec(),
        })
    }
}

impl Tokens {
    /// The tokens of a new session, and the first one.
    pub fn new(kind: TokenKind, session: u128) -> (Self, String) {
        match kind {
            TokenKind::Short => {
                let first = random_short();
                let stored = Stored { number: 0, parent: None, used_at: None };
                (Self::Short(BTreeMap::from([(first.clone(), stored)])), first)
            }
            TokenKind::Long => {
                let key = rand::random::<[u8; 32]>();
                let first = encode_long(session, 0, &key);
                (Self::Long { key: BASE64_URL_SAFE_NO_PAD.encode(key), counter: 0 }, first)
            }
        }
    }

    /// True if one of a session's tokens has this text.
    pub fn contains(&self, session: u128, token: &Parsed) -> bool {
        match (self, token) {
            (Self::Short(tokens), Parsed::Short(text)) => tokens.contains_key(text),
            (Self::Long { key, .. }, Parsed::Long { session: id, signed, signature, .. }) => {
                let key = BASE64_URL_SAFE_NO_PAD.decode(key).unwrap_or_default();
                *id == session && sign(&key, signed) == *signature
            }
            _ => false,
        }
    }

    /// Uses a token of the session, which was refreshed last at `refreshed_at`.
    pub fn exchange(&mut self, session: u128, token: &Parsed, refreshed_at: i64, now: i64) -> Used {
        match (self, token) {
            (Self::Short(tokens), Parsed::Short(text)) => exchange_short(tokens, text, now),
            (Self::Long { key, counter: current }, Parsed::Long { counter, .. }) => {
                match current.checked_sub(*counter) {
                    None => return Used::Refused(NOT_ISSUED),
                    Some(0) => *current += 1,
                    // The response with the current token may have been lost.
                    Some(1) => {}
                    Some(_) if now.abs_diff(refreshed_at) < REUSE_INTERVAL.unsigned_abs() => {}
                    Some(_) => return Used::Ended(ALREADY_USED),
                }
                let key = BASE64_URL_SAFE_NO_PAD.decode(&*key).unwrap_or_default();
                Used::Exchanged(encode_long(session, *current, &key))
            }
            _ => Used::Refused(NOT_FOUND),
        }
    }
}

fn exchange_short(tokens: &mut BTreeMap<String, Stored>, text: &str, now: i64) -> Used {
    let Some(used_at) = tokens.get(text).map(|stored| stored.used_at) else {
        return Used::Refused(NOT_FOUND);
    };
    if let Some(used_at) = used_at {
        let active = tokens.iter().filter(|(_, stored)| stored.used_at.is_none());
        let active = active.max_by_key(|(_, stored)| stored.number);
        // The response with the active token may have been lost.
        if let Some((active, _)) = active.filter(|(_, stored)| stored.parent.as_deref() == Some(text)) {
            return Used::Exchanged(active.clone());
        }
        if now > used_at + REUSE_INTERVAL {
            for stored in tokens.values_mut() {
                stored.used_at.get_or_insert(now);
            }
            return Used::Refused(ALREADY_USED);
        }
    }
    if let Some(stored) = tokens.get_mut(text) {
        stored.used_at = Some(now);
    }
    let next = random_short();
    let stored = Stored { number: tokens.len(), parent: Some(text.to_owned()), used_at: None };
    tokens.insert(next.clone(), stored);
    Used::Exchanged(next)
}

fn random_short() -> String {
    (0..SHORT).map(|_| char::from(ALPHABET[rand::random_range(0..ALPHABET.len())])).collect()
}

fn encode_long(session: u128, counter: u64, key: &[u8]) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend(session.to_be_bytes());
    write_varint(&mut bytes, counter);
    bytes.extend(sign(key, &bytes));
    let checksum = digest(&SHA256, &bytes);
    bytes.extend(&checksum.as_ref()[..CHECKSUM_LEN]);
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn sign(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), bytes).as_ref()[..SIGNATURE_LEN].to_vec()
}

/// Writes a number seven bits at a time, lowest first; the top bit of a byte says that another follows.
fn write_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn read_varint(bytes: &[u8]) -> Option<u64> {
    let (last, rest) = bytes.split_last()?;
    if bytes.len() > 9 || last & 0x80 != 0 || rest.iter().any(|byte| byte & 0x80 == 0) {
        return None;
    }
    Some(bytes.iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f)))
}
