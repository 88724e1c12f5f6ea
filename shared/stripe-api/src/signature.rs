//! Signatures of webhooks: HMAC-SHA256 of the time and the raw body, under a secret shared with Stripe.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

/// Tolerated difference between a signature's time and the local clock, in seconds. It bounds the replay of
/// recorded requests.
pub const TOLERANCE_SECONDS: i64 = 300;
/// Signatures of one header that are compared. Stripe sends one for each secret of a rotation.
const MAX_SIGNATURES: usize = 5;
/// Length of a signature in bytes, of which each is two hexadecimal digits in the header.
const SIGNATURE_BYTES: usize = 32;

/// The secrets with which a webhook may be signed. There are several during a rotation, or if two Stripe
/// endpoints (of the platform's account and of connected ones) lead here.
#[derive(Clone)]
pub struct Secrets(Vec<String>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

/// The reason why a request is not accepted as Stripe's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadSignature {
    /// The signature is missing or malformed.
    Malformed,
    /// The signature's time is too old, or in the future.
    Stale,
    /// The signature matches none of the secrets.
    Mismatch,
}

impl Secrets {
    /// Parses a list of secrets separated by commas; `None` if it has none.
    pub fn parse(list: &str) -> Option<Self> {
        let secrets: Vec<String> =
            list.split(',').map(str::trim).filter(|secret| !secret.is_empty()).map(str::to_owned).collect();
        (!secrets.is_empty()).then_some(Self(secrets))
    }

    /// Verifies a `Stripe-Signature` header against the body, byte for byte as received. One valid `v1`
    /// signature under any secret suffices. Comparisons take constant time.
    ///
    /// The work is bounded whatever the header holds: the body is hashed once for each secret, and only the
    /// first five well-formed signatures are compared.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(&self, header: &str, body: &[u8], now: Timestamp) -> Result<(), BadSignature> {
        let (time, signatures) = parse(header).ok_or(BadSignature::Malformed)?;
        let seconds: i64 = time.parse().map_err(|_| BadSignature::Malformed)?;
        if now.as_second().saturating_sub(seconds).unsigned_abs() > TOLERANCE_SECONDS.unsigned_abs() {
            return Err(BadSignature::Stale);
        }
        let fits = |secret: &String| {
            // A copy of the finished MAC compares without hashing the body again.
            mac(secret, time, body).is_some_and(|mac| {
                signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
            })
        };
        if self.0.iter().any(fits) { Ok(()) } else { Err(BadSignature::Mismatch) }
    }
}

/// Parses a header to the time, as written, and its first well-formed `v1` signatures.
fn parse(header: &str) -> Option<(&str, Vec<Vec<u8>>)> {
    let (mut time, mut signatures) = (None, Vec::new());
    for (name, value) in header.split(',').filter_map(|pair| pair.trim().split_once('=')) {
        match name {
            "t" => time = Some(value),
            "v1" if signatures.len() < MAX_SIGNATURES => signatures.extend(unhex(value)),
            _ => {}
        }
    }
    time.filter(|_| !signatures.is_empty()).map(|time| (time, signatures))
}

fn mac(secret: &str, time: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    Some(mac)
}

/// Decodes lower-case hexadecimal digits, as Stripe writes them. Each signature has one spelling.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != SIGNATURE_BYTES || !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"{\"id\": \"evt_1\"}";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn sign(secret: &str, time: &str, body: &[u8]) -> String {
        let bytes = mac(secret, time, body).unwrap().finalize().into_bytes();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn check(header: &str, body: &[u8], now: i64) -> Result<(), BadSignature> {
        Secrets::parse("whsec_old, whsec_new").unwrap().verify(header, body, at(now))
    }

    #[test]
    fn one_valid_signature_under_any_secret_suffices() {
        let (old, new) = (sign("whsec_old", "1000", BODY), sign("whsec_new", "1000", BODY));
        let wrong = sign("whsec_wrong", "1000", BODY);
        for header in [
            format!("t=1000,v1={old}"),
            format!("t=1000,v1={new}"),
            format!("t=1000,v1={wrong},v1={new}"),
            format!("t=1000,v1={new},v1={wrong}"),
            format!("v1={new},t=1000,v0=00"),
            format!("t=1000, v1={new}"),
            format!("t=1000,v1=zz,v1={new}"),
        ] {
            assert_eq!(check(&header, BODY, 1000), Ok(()), "{header}");
        }
        assert_eq!(check(&format!("t=1000,v1={wrong}"), BODY, 1000), Err(BadSignature::Mismatch));
        assert_eq!(check(&format!("t=1000,v0={new}"), BODY, 1000), Err(BadSignature::Malformed));
    }

    #[test]
    fn a_changed_body_or_time_does_not_match() {
        let good = sign("whsec_new", "1000", BODY);
        let mut changed = BODY.to_vec();
        changed[2] ^= 1;
        for body in [&changed, &BODY[..BODY.len() - 1], b"".as_slice()] {
            assert_eq!(check(&format!("t=1000,v1={good}"), body, 1000), Err(BadSignature::Mismatch));
        }
        assert_eq!(check(&format!("t=1001,v1={good}"), BODY, 1000), Err(BadSignature::Mismatch));
        assert_eq!(check(&format!("t=1000,v1={}", &good[..62]), BODY, 1000), Err(BadSignature::Malformed));
    }

    #[test]
    fn a_signature_in_another_spelling_is_no_signature() {
        // The digits of a body whose signature has a byte below 16 and a letter.
        let signed = |n: u32| sign("whsec_new", "1000", n.to_string().as_bytes());
        let n = (0..).find(|n| signed(*n).starts_with('0') && signed(*n).contains('f')).unwrap();
        let (good, body) = (signed(n), n.to_string());
        assert_eq!(check(&format!("t=1000,v1={good}"), body.as_bytes(), 1000), Ok(()));
        for other in [format!("+{}", &good[1..]), format!(" {}", &good[1..]), good.to_uppercase()] {
            let refused = check(&format!("t=1000,v1={other}"), body.as_bytes(), 1000);
            assert_eq!(refused, Err(BadSignature::Malformed), "{other}");
        }
    }

    #[test]
    fn a_signature_is_valid_for_five_minutes() {
        let header = format!("t=1000,v1={}", sign("whsec_new", "1000", BODY));
        for (now, expect) in [
            (1000, Ok(())),
            (1300, Ok(())),
            (700, Ok(())),
            (1301, Err(BadSignature::Stale)),
            (699, Err(BadSignature::Stale)),
        ] {
            assert_eq!(check(&header, BODY, now), expect, "{now}");
        }
    }

    #[test]
    fn only_the_first_five_well_formed_signatures_are_compared() {
        let (good, wrong) = (sign("whsec_new", "1000", BODY), sign("whsec_wrong", "1000", BODY));
        let header =
            |before: &str, times: usize| format!("t=1000{},v1={good}", format!(",v1={before}").repeat(times));
        assert_eq!(check(&header(&wrong, 4), BODY, 1000), Ok(()));
        assert_eq!(check(&header(&wrong, 5), BODY, 1000), Err(BadSignature::Mismatch));
        assert_eq!(check(&header("00", 2000), BODY, 1000), Ok(()), "malformed ones do not count");
    }

    #[test]
    fn a_malformed_signature_is_reported_as_such() {
        let good = sign("whsec_new", "1000", BODY);
        for header in [
            "",
            "t=1000",
            &format!("v1={good}"),
            &format!("t=,v1={good}"),
            &format!("t=x,v1={good}"),
            "t=1,v1=é",
        ] {
            assert_eq!(check(header, BODY, 1000), Err(BadSignature::Malformed), "{header}");
        }
    }

    #[test]
    fn secrets_do_not_appear_in_debug_output() {
        assert!(!format!("{:?}", Secrets::parse("whsec_x").unwrap()).contains("whsec"));
        assert!(Secrets::parse(" , ").is_none());
    }
}
