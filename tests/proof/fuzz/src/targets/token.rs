//! Access tokens. The input is read as a token, as the claims of one, as the header of one, and as a name in
//! the claims.
//!
//! A token is accepted only if it was issued, byte for byte. Signed claims are accepted only if they are of a
//! signed-in user of this project, and a signed header only if it names the one algorithm without extensions.

use clorp_domain::Error;
use clorp_sessions::Identity;
use serde_json::{Value, json};

use crate::support::{HS256, PROJECT, PUBLISHED, SHARED, USER, block_on, claims, sign};
use crate::{Shape, Target, ensure};

pub const TARGET: Target = Target {
    name: "token",
    subject: "access tokens: JWTs by a shared secret and by a published key",
    valid,
    words: &[
        ".",
        "..",
        "eyJhbGciOiJub25lIn0",
        "eyJhbGciOiJIUzI1NiJ9",
        "eyJhbGciOiJFUzI1NiIsImtpZCI6ImtleS0xIn0",
        "e30",
        "{\"alg\":\"HS256\"",
        "\"alg\":\"none\"",
        ",\"crit\":[\"exp\"]",
        ",\"crit\":null",
        ",\"kid\":\"key-1\"",
        ",\"jwk\":{}",
        "\"sub\":",
        "\"exp\":4102444800",
        "\"exp\":1e400",
        "\"nbf\":",
        "\"iat\":",
        "\"aud\":[\"authenticated\"]",
        "\"role\":\"authenticated\"",
        "\"is_anonymous\":true",
        "\"user_metadata\":{\"full_name\":",
        "\"client_id\":7",
    ],
    check,
    shapes: &[
        Shape {
            name: "a long header",
            make: |bytes| [vec![b'e'; bytes], b".e30.x".to_vec()].concat(),
            most: 1 << 20,
        },
        Shape { name: "dots", make: |bytes| vec![b'.'; bytes], most: 1 << 20 },
        Shape {
            name: "brackets",
            make: |bytes| [b"{\"a\":".repeat(bytes / 5), vec![b'1']].concat(),
            most: 1 << 20,
        },
        Shape {
            name: "members of a header",
            make: |bytes| {
                let members: String = (0..bytes / 12).map(|at| format!(",\"m{at}\":1")).collect();
                format!("{{\"alg\":\"HS256\"{members}}}").into_bytes()
            },
            most: 1 << 20,
        },
        Shape {
            name: "a name of blanks",
            make: |bytes| "\u{3000}".repeat(bytes / 3).into_bytes(),
            most: 1 << 20,
        },
        Shape {
            name: "a hidden name",
            make: |bytes| "\u{200b}".repeat(bytes / 3).into_bytes(),
            most: 1 << 20,
        },
    ],
};

fn valid() -> Vec<Vec<u8>> {
    let program = json!({ "client_id": "b1c2", "aal": "aal2", "exp": 4_102_444_800.5, "aud": ["other", "authenticated"] });
    let mut others = claims(PROJECT);
    for (name, value) in program.as_object().into_iter().flatten() {
        others[name] = value.clone();
    }
    let issued = SHARED.issued.iter().chain(&PUBLISHED.issued).map(|token| token.clone().into_bytes());
    let texts = [
        claims(PROJECT).to_string(),
        others.to_string(),
        r#"{"alg":"HS256","typ":"JWT","kid":"k"}"#.to_owned(),
    ];
    issued.chain(texts.map(String::into_bytes)).collect()
}

/// The identity of an accepted token; `None` for a refused one.
fn read(token: &str) -> Result<Option<Identity>, String> {
    match block_on(SHARED.sessions.by_token(token)) {
        Ok(identity) => Ok(Some(identity)),
        Err(Error::Unauthenticated | Error::Unavailable(_)) => Ok(None),
        Err(error) => Err(format!("unexpected: {error:?}")),
    }
}

fn check(input: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(input);
    for project in [&*SHARED, &*PUBLISHED] {
        if block_on(project.sessions.by_token(&text)).is_ok() {
            ensure(project.issued.iter().any(|token| *token == text), || {
                "accepted a forged token".to_owned()
            })?;
        }
    }
    check_claims(input)?;
    check_header(input)?;
    let mut named = claims(PROJECT);
    named["user_metadata"]["full_name"] = json!(text);
    let token = sign(HS256, named.to_string().as_bytes());
    // A token beyond the limit is refused whatever it holds.
    if token.len() <= 8 * 1024 {
        let identity = read(&token)?.ok_or("refused a valid token")?;
        check_identity(&identity)?;
    }
    Ok(())
}

/// Reads the input as signed claims.
fn check_claims(input: &[u8]) -> Result<(), String> {
    let Some(identity) = read(&sign(HS256, input))? else { return Ok(()) };
    check_identity(&identity)?;
    // Unknown claims are skipped, and need not be sound.
    let Ok(claims) = serde_json::from_slice::<Value>(input) else { return Ok(()) };
    let is_for_users = match &claims["aud"] {
        Value::Array(all) => all.iter().any(|one| one == "authenticated"),
        one => one == "authenticated",
    };
    let issuer = format!("{PROJECT}/auth/v1");
    let is_of_project = match &claims["iss"] {
        Value::Array(all) => all.iter().any(|one| *one == issuer),
        one => *one == issuer,
    };
    ensure(is_for_users && is_of_project, || "accepted another project's claims".to_owned())?;
    let is_person =
        claims["role"] == "authenticated" && [Value::Null, json!(false)].contains(&claims["is_anonymous"]);
    ensure(is_person, || "accepted claims of nobody".to_owned())?;
    ensure(claims["sub"] == identity.id.as_str(), || "accepted another user".to_owned())?;
    ensure(claims["client_id"].is_null() == identity.client_id.is_none(), || {
        "a program passes as a user".to_owned()
    })?;
    ensure(claims["exp"].as_f64().is_some_and(|at| at > 1.7e9), || "accepted expired claims".to_owned())
}

/// Reads the input as a signed header of valid claims.
fn check_header(input: &[u8]) -> Result<(), String> {
    if read(&sign(input, claims(PROJECT).to_string().as_bytes()))?.is_none() {
        return Ok(());
    }
    let Ok(header) = serde_json::from_slice::<Value>(input) else { return Ok(()) };
    ensure(header["alg"] == "HS256" && header["crit"].is_null(), || "accepted another header".to_owned())
}

fn check_identity(identity: &Identity) -> Result<(), String> {
    let name = &identity.name;
    let fits = (1..=50).contains(&name.chars().count()) && name.trim() == name;
    ensure(fits && !name.chars().any(char::is_control), || format!("the name {name:?}"))?;
    let picture = identity.avatar_url.as_deref().unwrap_or("https://");
    ensure(picture.starts_with("https://") && picture.len() <= 500, || format!("the picture {picture:?}"))?;
    ensure(identity.id.as_str() == USER || identity.id.as_str().len() <= 64, || "the id".to_owned())
}
