//! `Stripe-Signature`. The first line of the input is the header, and the rest is the body.
//!
//! A header is accepted only if one of its signatures is the HMAC of its time and the body. The input is also
//! signed: then the signature is accepted, and no signature with another byte, body or time is.

use clorp_stripe_api::signature::{Secrets, TOLERANCE_SECONDS};
use jiff::Timestamp;

use crate::support::hmac;
use crate::{Shape, Target, ensure};

/// The secrets. The input is signed with the second.
const SECRETS: [&str; 2] = ["whsec_old", "whsec_new"];
/// The present, in seconds since the epoch.
const NOW: i64 = 1_795_512_600;
/// Longest input of which every byte of the signature is changed.
const SHORT: usize = 300;
const BODY: &str =
    r#"{"id":"evt_1","object":"event","type":"charge.refunded","created":1795512600,"data":{"object":{}}}"#;

pub const TARGET: Target = Target {
    name: "signature",
    subject: "`Stripe-Signature`, with the body of the request",
    valid,
    words: &[
        "t=",
        "t=1795512600",
        ",t=1795512601",
        "v1=",
        ",v1=",
        "v0=",
        ",",
        "\n",
        "0a",
        "+f",
        "ff",
        "t=-1",
        "t=1e9",
    ],
    check,
    shapes: &[
        Shape { name: "signatures", make: |bytes| signatures(bytes, &"a".repeat(64)), most: 1 << 20 },
        Shape { name: "malformed signatures", make: |bytes| signatures(bytes, "zz"), most: 1 << 20 },
        Shape { name: "times", make: |bytes| "t=1,".repeat(bytes / 4).into_bytes(), most: 1 << 20 },
        Shape { name: "commas", make: |bytes| vec![b','; bytes], most: 1 << 20 },
        Shape {
            name: "a long time",
            make: |bytes| format!("t={},v1=00", "1".repeat(bytes)).into_bytes(),
            most: 1 << 20,
        },
        Shape {
            name: "a body",
            make: |bytes| [b"t=1795512600\n".to_vec(), vec![b'{'; bytes]].concat(),
            most: 1 << 20,
        },
    ],
};

/// Signatures as one half of the input, and a body as the other.
fn signatures(bytes: usize, value: &str) -> Vec<u8> {
    let one = format!(",v1={value}");
    format!("t={NOW}{}\n{}", one.repeat(bytes / 2 / one.len()), "x".repeat(bytes / 2)).into_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn signed(secret: &str, time: &str, body: &[u8]) -> String {
    hex(&hmac(secret.as_bytes(), &[time.as_bytes(), b".", body]))
}

fn valid() -> Vec<Vec<u8>> {
    let [old, new] = SECRETS.map(|secret| signed(secret, &NOW.to_string(), BODY.as_bytes()));
    let wrong = "0".repeat(64);
    [
        format!("t={NOW},v1={new}"),
        format!(
            "t={NOW},v1={wrong},v1={old},v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39"
        ),
        format!("t={NOW},v1={old},v1={new}"),
    ]
    .map(|header| format!("{header}\n{BODY}").into_bytes())
    .to_vec()
}

/// True if a header may be accepted: the last time is near, and a signature is right to the last byte.
fn is_genuine(header: &str, body: &[u8]) -> bool {
    let pairs: Vec<(&str, &str)> = header.split(',').filter_map(|pair| pair.trim().split_once('=')).collect();
    let Some((_, time)) = pairs.iter().rfind(|(name, _)| *name == "t") else { return false };
    let is_near = time.parse::<i64>().is_ok_and(|at| NOW.abs_diff(at) <= TOLERANCE_SECONDS.unsigned_abs());
    let right = SECRETS.map(|secret| signed(secret, time, body));
    is_near && pairs.iter().any(|(name, value)| *name == "v1" && right.iter().any(|right| right == value))
}

fn check(input: &[u8]) -> Result<(), String> {
    let secrets = Secrets::parse(&SECRETS.join(",")).ok_or("no secrets")?;
    let now = Timestamp::from_second(NOW).map_err(|error| error.to_string())?;
    let accepts = |header: &str, body: &[u8]| secrets.verify(header, body, now).is_ok();
    let at = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (header, body) = (String::from_utf8_lossy(&input[..at]), input.get(at + 1..).unwrap_or_default());
    ensure(!accepts(&header, body) || is_genuine(&header, body), || {
        "accepted a forged signature".to_owned()
    })?;
    let time = NOW.to_string();
    let right = signed(SECRETS[1], &time, input);
    let good = format!("t={time},v1={right}");
    ensure(accepts(&good, input), || "refused a signature".to_owned())?;
    ensure(!accepts(&format!("t={},v1={right}", NOW + 1), input), || "accepted another time".to_owned())?;
    ensure(!accepts(&good, &[input, b" "].concat()), || "accepted another body".to_owned())?;
    let old = (NOW - TOLERANCE_SECONDS - 1).to_string();
    let stale = format!("t={old},v1={}", signed(SECRETS[1], &old, input));
    ensure(!accepts(&stale, input), || "accepted an old signature".to_owned())?;
    if input.len() > SHORT {
        return Ok(());
    }
    for at in 0..right.len() {
        for byte in [b'+', b' ', b'0', b'f', right.as_bytes()[at].to_ascii_uppercase()] {
            let mut changed = right.clone().into_bytes();
            let same = std::mem::replace(&mut changed[at], byte) == byte;
            let changed = String::from_utf8_lossy(&changed).into_owned();
            let accepted = accepts(&format!("t={time},v1={changed}"), input);
            ensure(same || !accepted, || format!("accepted {changed} for {right}"))?;
        }
    }
    Ok(())
}
