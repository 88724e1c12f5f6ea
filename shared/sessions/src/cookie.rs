//! The session cookie, in the format of `@supabase/ssr` for browsers and servers.
//!
//! Its value is the session's JSON in base64url behind a prefix or, from older clients, the plain JSON. A
//! value too long for one cookie is split over several, numbered from 0. If both forms are present, the
//! single cookie wins.

use std::collections::BTreeMap;
use std::fmt;

use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use clorp_secrets::Secret;
use serde_json::{Map, Value};

/// Longest value of one cookie, in characters.
const CHUNK: usize = 3180;
/// Longest lifetime of a cookie that browsers permit: 400 days.
const MAX_AGE_SECONDS: u32 = 400 * 24 * 60 * 60;
const PREFIX: &str = "base64-";

/// Decoder that accepts everything a browser's decoder accepts.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The value of a `Set-Cookie` header. It is a secret, so `Debug` shows only the cookie's name.
#[derive(Clone, PartialEq, Eq)]
pub struct SetCookie(String);

impl SetCookie {
    /// The header's value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetCookie({}=…)", self.0.split('=').next().unwrap_or_default())
    }
}

/// The requests to which a browser attaches a cookie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    /// Domain that receives the cookie, with its subdomains; `None` for the host that set it.
    pub domain: Option<&'a str>,
    /// True if the cookie is sent over HTTPS only.
    pub secure: bool,
}

/// A session as a browser sent it, not verified.
#[derive(Debug)]
pub(crate) struct SentSession {
    /// Token that identifies the user.
    pub access_token: Secret,
    /// Token that obtains a new session.
    pub refresh_token: Option<Secret>,
    /// Names of the cookies that held the session, and of leftovers from earlier ones.
    names: Vec<String>,
}

/// Reads the session from a request's `Cookie` headers, under the cookie's name. Returns `None` if it is
/// missing or unreadable.
pub(crate) fn read<'a>(headers: impl IntoIterator<Item = &'a str>, name: &str) -> Option<SentSession> {
    let mut values = BTreeMap::new();
    let pairs = headers.into_iter().flat_map(|header| header.split(';')).filter_map(|p| p.split_once('='));
    for (key, value) in pairs {
        let key = key.trim_matches([' ', '\t']);
        if is_part_of(name, key) {
            // Browsers send the cookie with the more specific path first.
            values
                .entry(key.to_owned())
                .or_insert_with(|| decode_uri_component(value.trim_matches([' ', '\t'])));
        }
    }
    let value = join_parts(&values, name)?;
    let json = match value.strip_prefix(PREFIX) {
        Some(encoded) => decode(encoded)?,
        None => value.into_bytes(),
    };
    let session: Map<String, Value> = serde_json::from_slice(&json).ok()?;
    let text = |field: &str| session.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    Some(SentSession {
        access_token: Secret::new(text("access_token")?),
        refresh_token: text("refresh_token").map(Secret::new),
        names: values.into_keys().collect(),
    })
}

/// Encodes a session's JSON as cookies, each with name and value.
pub fn encode(name: &str, session: &str) -> Vec<(String, String)> {
    let mut rest = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(session));
    if rest.len() <= CHUNK {
        return vec![(name.to_owned(), rest)];
    }
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        // Every character is one byte and needs no escaping.
        let next = rest.split_off(rest.len().min(CHUNK));
        chunks.push((format!("{name}.{}", chunks.len()), std::mem::replace(&mut rest, next)));
    }
    chunks
}

/// Replaces the session that was sent with the one in this JSON, and removes cookies that would be left over.
pub(crate) fn replace(sent: &SentSession, name: &str, session: &str, scope: Scope<'_>) -> Vec<SetCookie> {
    let new = encode(name, session);
    let stale = sent.names.iter().filter(|old| !new.iter().any(|(name, _)| name == *old));
    let removed = stale.map(|old| set(old, "", 0, scope));
    let written = new.iter().map(|(name, value)| set(name, value, MAX_AGE_SECONDS, scope));
    removed.chain(written).collect()
}

fn set(name: &str, value: &str, max_age_seconds: u32, scope: Scope<'_>) -> SetCookie {
    let domain = scope.domain.map(|domain| format!("; Domain={domain}")).unwrap_or_default();
    let secure = if scope.secure { "; Secure" } else { "" };
    SetCookie(format!("{name}={value}; Max-Age={max_age_seconds}{domain}; Path=/{secure}; SameSite=Lax"))
}

/// True if `key` is the cookie `name`, or one of its parts.
fn is_part_of(name: &str, key: &str) -> bool {
    match key.strip_prefix(name) {
        None => false,
        Some("") => true,
        Some(rest) => rest.strip_prefix('.').is_some_and(|number| {
            number == "0"
                || (number.bytes().all(|b| b.is_ascii_digit())
                    && !number.is_empty()
                    && !number.starts_with('0'))
        }),
    }
}

fn join_parts(values: &BTreeMap<String, String>, name: &str) -> Option<String> {
    if let Some(whole) = values.get(name).filter(|value| !value.is_empty()) {
        return Some(whole.clone());
    }
    let chunks = (0..).map_while(|i| values.get(&format!("{name}.{i}")).filter(|value| !value.is_empty()));
    let joined: String = chunks.map(String::as_str).collect();
    if joined.is_empty() { None } else { Some(joined) }
}

fn decode(encoded: &str) -> Option<Vec<u8>> {
    let significant: String = encoded.chars().filter(|c| !" \t\n\r=".contains(*c)).collect();
    LENIENT.decode(significant).ok()
}

/// Decodes like JavaScript's `decodeURIComponent`. Text that it rejects stays unchanged.
fn decode_uri_component(text: &str) -> String {
    let decode = || {
        let mut bytes = Vec::with_capacity(text.len());
        let mut parts = text.split('%');
        bytes.extend_from_slice(parts.next()?.as_bytes());
        for part in parts {
            let digits = part.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            bytes.extend_from_slice(&part.as_bytes()[2..]);
        }
        String::from_utf8(bytes).ok()
    };
    decode().unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
    use serde_json::json;

    use super::*;

    const NAME: &str = "sb-abc-auth-token";
    const SCOPE: Scope<'_> = Scope { domain: None, secure: false };
    /// Output of the real `@supabase/ssr`, produced by `tests/vectors.mjs`.
    const VECTORS: &str = include_str!("../tests/vectors.json");

    /// The name and value that a browser stores for a `Set-Cookie` header; `None` if the header removes the
    /// cookie.
    fn stored_pair(set_cookie: &str) -> Option<&str> {
        let (pair, attributes) = set_cookie.split_once(';').unwrap();
        (!attributes.contains("Max-Age=0")).then_some(pair)
    }

    fn header<'a>(set_cookies: impl IntoIterator<Item = &'a str>) -> String {
        set_cookies.into_iter().filter_map(stored_pair).collect::<Vec<_>>().join("; ")
    }

    fn texts(value: &Value) -> Vec<&str> {
        value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
    }

    fn session(access: &str, refresh: &str) -> String {
        json!({ "access_token": access, "refresh_token": refresh, "expires_at": 1 }).to_string()
    }

    fn tokens(sent: &SentSession) -> (&str, &str) {
        (sent.access_token.expose(), sent.refresh_token.as_ref().unwrap().expose())
    }

    #[track_caller]
    fn reads(header: &str, access: Option<&str>) {
        let sent = read([header], NAME);
        assert_eq!(sent.as_ref().map(|sent| sent.access_token.expose()), access, "{header}");
    }

    #[test]
    fn cookies_written_by_supabase_are_read() {
        for vector in serde_json::from_str::<Vec<Value>>(VECTORS).unwrap() {
            let session: Value = serde_json::from_str(vector["session"].as_str().unwrap()).unwrap();
            let sent = read([header(texts(&vector["set"])).as_str()], NAME).unwrap();
            let expect =
                (session["access_token"].as_str().unwrap(), session["refresh_token"].as_str().unwrap());
            assert_eq!(tokens(&sent), expect, "{}", vector["what"]);
        }
    }

    #[test]
    fn written_cookies_equal_those_of_supabase() {
        let mut compared = 0;
        for vector in serde_json::from_str::<Vec<Value>>(VECTORS).unwrap() {
            if vector["encoding"] == "base64url" {
                let existing = texts(&vector["existing"]).into_iter().map(str::to_owned);
                let sent = SentSession {
                    access_token: Secret::new(""),
                    refresh_token: None,
                    names: existing.filter(|key| is_part_of(NAME, key)).collect(),
                };
                let ours = replace(&sent, NAME, vector["session"].as_str().unwrap(), SCOPE);
                let ours: Vec<&str> = ours.iter().map(SetCookie::as_str).collect();
                assert_eq!(ours, texts(&vector["set"]), "{}", vector["what"]);
                compared += 1;
            }
        }
        assert!(compared >= 4);
    }

    #[test]
    fn a_cookie_has_the_scope_of_its_site() {
        let sent = read([format!("{NAME}={}", session("a", "r")).as_str()], NAME).unwrap();
        let scope = Scope { domain: Some("clorp.example"), secure: true };
        let set = replace(&sent, NAME, "{}", scope);
        let expect = "; Max-Age=34560000; Domain=clorp.example; Path=/; Secure; SameSite=Lax";
        assert_eq!(set.len(), 1);
        assert!(set[0].as_str().ends_with(expect), "{}", set[0].as_str());
    }

    #[test]
    fn a_whole_cookie_beats_parts_and_the_first_of_a_name_wins() {
        let of = |access: &str| encode(NAME, &session(access, "r")).remove(0).1;
        reads(&format!("{NAME}.0={}; {NAME}={}", of("part"), of("whole")), Some("whole"));
        reads(&format!("{NAME}=; {NAME}.0={}", of("part")), Some("part"));
        reads(&format!("{NAME}={}; {NAME}={}", of("first"), of("second")), Some("first"));
        let headers = [format!("theme=dark; {NAME}={}", of("a")), "other=1".to_owned()];
        let sent = read(headers.iter().map(String::as_str), NAME).unwrap();
        assert_eq!(tokens(&sent), ("a", "r"));
    }

    #[test]
    fn an_unreadable_session_is_absent() {
        let whole = encode(NAME, &session("a", "r")).remove(0).1;
        for value in
            ["", "base64-", "base64-!", "base64-bnVsbA", "null", "{}", "%7B", "[\"a\",\"r\"]", "plain"]
        {
            reads(&format!("{NAME}={value}"), None);
        }
        reads(&format!("{NAME}={}", &whole[..whole.len() - 4]), None);
        reads(&format!("{NAME}={{\"access_token\":7}}"), None);
        reads(&format!("{NAME}={}", session("", "r")), None);
        reads(&format!("{NAME}.1={whole}"), None);
        reads(&format!("{NAME}.00={whole}"), None);
        reads(&format!("{NAME}x={whole}"), None);
        reads(&format!("x{NAME}={whole}"), None);
        reads("", None);
        reads(&format!(" \t{NAME} = {whole} ;"), Some("a"));
        reads(&format!("{NAME}={whole}="), Some("a"));
    }

    #[test]
    fn debug_output_contains_no_token() {
        let sent = read([format!("{NAME}={}", session("acc355", "r3fr35h")).as_str()], NAME).unwrap();
        let set = replace(&sent, NAME, &session("acc355", "r3fr35h"), SCOPE);
        let shown = format!("{sent:?} {set:?}");
        assert!(
            !shown.contains("acc355") && !shown.contains("r3fr35h") && !shown.contains("base64-"),
            "{shown}"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn a_session_round_trips_and_fully_replaces_the_old_one(
            access in "[ -~é🎉]{1,4000}", refresh in "[a-z0-9]{1,40}", before in 1_usize..9000,
        ) {
            let old = encode(NAME, &session(&"x".repeat(before), "old"));
            let old: Vec<String> = old.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let sent = read([old.join("; ").as_str()], NAME).unwrap();
            let set = replace(&sent, NAME, &session(&access, &refresh), SCOPE);
            // A browser keeps new cookies, and old ones that are neither replaced nor removed.
            let replaced = |pair: &&String| {
                let name = pair.split('=').next().unwrap();
                set.iter().any(|cookie| cookie.as_str().starts_with(&format!("{name}=")))
            };
            prop_assert_eq!(old.iter().filter(|pair| !replaced(pair)).count(), 0);
            let header = header(set.iter().map(SetCookie::as_str));
            let back = read([header.as_str()], NAME).unwrap();
            prop_assert_eq!(tokens(&back), (access.as_str(), refresh.as_str()));
        }

        #[test]
        fn any_header_is_read_without_a_panic(bytes in any::<String>()) {
            let _ = read([bytes.as_str()], NAME);
            let _ = read([format!("{NAME}={bytes}").as_str()], NAME);
        }
    }
}
