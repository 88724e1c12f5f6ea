//! Session cookies. The input is the values of `Cookie` headers, one in each line.
//!
//! A session is accepted only if it has a token that was issued. The input is also put into a real session as
//! a field of its JSON; that session must be read back from its cookies, in either encoding, in any order of
//! the chunks, and spread over several headers.

use clorp_domain::Error;
use clorp_sessions::{Browser, cookie};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::support::{SHARED, USER, block_on};
use crate::{Shape, Target, ensure};

const BROWSER: Browser = Browser { secure: true, address: None };

pub const TARGET: Target = Target {
    name: "cookie",
    subject: "session cookies: chunks, base64url, URI encoding",
    valid,
    words: &[
        "sb-127-auth-token",
        "sb-127-auth-token=",
        "sb-127-auth-token.0=",
        "sb-127-auth-token.1=",
        "sb-127-auth-token.01=",
        "sb-127-auth-token.-1=",
        "sb-127-auth-token.99999999999999999999=",
        "base64-",
        "base64-e30",
        "; ",
        "%7B%22access_token%22%3A%22",
        "%22%7D",
        "{\"access_token\":\"",
        "\"refresh_token\":",
    ],
    check,
    shapes: &[
        Shape {
            name: "chunks",
            make: |bytes| many(bytes, |at| format!("{}.{at}=x; ", name())),
            most: 512 * 1024,
        },
        Shape {
            name: "chunks from the last",
            make: |bytes| {
                let count = bytes / 24;
                (0..count).rev().map(|at| format!("{}.{at}=x; ", name())).collect::<String>().into_bytes()
            },
            most: 512 * 1024,
        },
        Shape {
            name: "the same chunk",
            make: |bytes| many(bytes, |_| format!("{}.0=x; ", name())),
            most: 1 << 20,
        },
        Shape { name: "per cent signs", make: |bytes| one(bytes, "%"), most: 1 << 20 },
        Shape { name: "escaped bytes", make: |bytes| one(bytes, "%41"), most: 1 << 20 },
        Shape { name: "padding", make: |bytes| one(bytes, "="), most: 1 << 20 },
        Shape { name: "other cookies", make: |bytes| many(bytes, |at| format!("c{at}=x; ")), most: 1 << 20 },
        Shape { name: "semicolons", make: |bytes| ";".repeat(bytes).into_bytes(), most: 1 << 20 },
        Shape { name: "brackets", make: |bytes| one(bytes, "["), most: 1 << 20 },
    ],
};

fn name() -> &'static str {
    &SHARED.cookie
}

fn one(bytes: usize, piece: &str) -> Vec<u8> {
    format!("{}={}", name(), piece.repeat(bytes / piece.len())).into_bytes()
}

fn many(bytes: usize, piece: impl Fn(usize) -> String) -> Vec<u8> {
    let mut text = String::new();
    for at in 0.. {
        if text.len() >= bytes {
            break;
        }
        text.push_str(&piece(at));
    }
    text.into_bytes()
}

/// The JSON of a session with an issued token, and another field with this text.
fn session(extra: &str) -> String {
    json!({
        "access_token": SHARED.issued[0], "token_type": "bearer", "expires_in": 3600, "expires_at": 4_102_444_800_i64,
        "refresh_token": "kz5eqgd3gxsy", "user": { "id": USER, "email": extra },
    })
    .to_string()
}

fn header(cookies: &[(String, String)]) -> String {
    cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

fn valid() -> Vec<Vec<u8>> {
    let plain = session("ada@example.com");
    let long = session(&"x".repeat(4000));
    let encoded = utf8_percent_encode(&plain, NON_ALPHANUMERIC).to_string();
    vec![
        header(&cookie::encode(name(), &plain)).into_bytes(),
        header(&cookie::encode(name(), &long)).into_bytes(),
        format!("theme=dark; {}={encoded}; lang=en", name()).into_bytes(),
        cookie::encode(name(), &long)
            .iter()
            .map(|(name, value)| format!("{name}={value}\n"))
            .collect::<String>()
            .into(),
    ]
}

fn read(headers: &[&str]) -> Result<bool, String> {
    let found = block_on(SHARED.sessions.by_cookies(headers.iter().copied(), BROWSER));
    match found {
        Ok(Some(session)) => {
            ensure(session.identity.id.as_str() == USER, || format!("accepted {:?}", session.identity))?;
            ensure(session.set_cookies.is_empty(), || "refreshed a session that lasts".to_owned())?;
            Ok(true)
        }
        Ok(None) | Err(Error::Unauthenticated | Error::Unavailable(_)) => Ok(false),
        Err(error) => Err(format!("unexpected: {error:?}")),
    }
}

fn check(input: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(input);
    let lines: Vec<&str> = text.split('\n').collect();
    let accepted = read(&lines)?;
    let shown = SHARED.sessions.is_shown(lines.iter().copied());
    ensure(shown || !accepted, || "accepted cookies that show no session".to_owned())?;
    let json = session(&text);
    let mut cookies = cookie::encode(name(), &json);
    ensure(read(&[&header(&cookies)])?, || "a session is lost in its cookies".to_owned())?;
    cookies.reverse();
    let each: Vec<String> =
        cookies.iter().map(|(name, value)| format!(" other=1 ;\t{name}={value} ")).collect();
    let each: Vec<&str> = each.iter().map(String::as_str).collect();
    ensure(read(&each)?, || "a session is lost in the order of its cookies".to_owned())?;
    let escaped = format!("{}={}", name(), utf8_percent_encode(&json, NON_ALPHANUMERIC));
    ensure(read(&[&escaped])?, || "a session is lost in its escaped cookie".to_owned())
}
