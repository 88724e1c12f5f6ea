//! API keys. A text is a key only if another computation of its checksum agrees.

use clorp_domain::{ApiKey, KeyHash};
use sha2::{Digest, Sha256};

use crate::{Shape, Target, ensure};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub const TARGET: Target = Target {
    name: "api_key",
    subject: "API keys and their hashes",
    valid,
    words: &["clorp_", "CLORP_", "0123456789ABCDEFGHIJKLMNOPQRST", "uvwxyz", "000000"],
    check,
    shapes: &[
        Shape {
            name: "digits",
            make: |bytes| [b"clorp_".to_vec(), vec![b'7'; bytes]].concat(),
            most: 1 << 20,
        },
        Shape { name: "prefixes", make: |bytes| b"clorp_".repeat(bytes / 6), most: 1 << 20 },
    ],
};

fn valid() -> Vec<Vec<u8>> {
    let keys =
        [[0; 30], [61; 30], std::array::from_fn(|at| at as u8), std::array::from_fn(|at| (at * 7) as u8)];
    let keys = keys.map(ApiKey::from_random);
    let texts = keys.iter().map(|key| key.expose().as_bytes().to_vec());
    texts.chain([keys[0].hash().as_str().as_bytes().to_vec()]).collect()
}

/// The CRC-32 of Ethernet, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

/// The key with these 30 characters.
fn key_of(random: &str) -> String {
    let crc = u64::from(crc32(random.as_bytes()));
    let digit = |place: u32| char::from(DIGITS[(crc / 62_u64.pow(place) % 62) as usize]);
    format!("clorp_{random}{}", (0..6).rev().map(digit).collect::<String>())
}

fn check(input: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(input);
    if let Ok(key) = text.parse::<ApiKey>() {
        let random = text.get(6..36).ok_or("accepted a short key")?;
        ensure(random.bytes().all(|b| DIGITS.contains(&b)), || "accepted other characters".to_owned())?;
        ensure(key_of(random) == text, || "accepted a wrong checksum".to_owned())?;
        ensure(key.expose() == text && text.starts_with(key.visible_prefix()), || {
            "changed a key".to_owned()
        })?;
        let digest: String =
            Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        ensure(key.hash().as_str() == digest, || "another hash".to_owned())?;
        ensure(!format!("{key:?}").contains(random), || "showed a secret".to_owned())?;
    }
    if let Ok(hash) = text.parse::<KeyHash>() {
        ensure(hash.as_str() == text, || "changed a hash".to_owned())?;
    }
    // The first characters of any input make a key, of which no other byte may be accepted.
    let random: String = input.iter().take(30).map(|b| char::from(DIGITS[usize::from(*b) % 62])).collect();
    if random.len() == 30 {
        let key = key_of(&random);
        ensure(key.parse::<ApiKey>().is_ok(), || format!("refused {key}"))?;
        for at in 0..key.len() {
            let other = input[at % input.len()];
            let mut changed = key.clone().into_bytes();
            changed[at] = if changed[at] == other { other.wrapping_add(1) } else { other };
            let changed = String::from_utf8_lossy(&changed).into_owned();
            ensure(changed.parse::<ApiKey>().is_err(), || format!("accepted {changed} for {key}"))?;
        }
    }
    Ok(())
}
