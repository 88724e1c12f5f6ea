//! The keys that a project signs its tokens with, as it publishes them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use clorp_context::Clock;
use clorp_domain::Error;
use http_body_util::Full;
use hyper::{Request, StatusCode};
use jiff::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::http::{Http, Silence};

/// How long a set of keys is good, in seconds; Supabase lets caches keep it for as long.
const FRESH: i64 = 10 * 60;
/// How long one is used when no newer one can be had, in seconds.
const STALE: i64 = 60 * 60;
/// An unknown key makes us look again, but no sooner than this after the last time, in seconds.
const PAUSE: i64 = 30;
/// As [`PAUSE`], where the last time was in vain.
const PAUSE_AFTER_FAILURE: i64 = 5;
/// Fewest bytes of an RSA key's modulus.
const MIN_RSA_BYTES: usize = 2048 / 8;

/// A key, and the one algorithm it is for.
#[derive(Debug)]
pub(crate) struct Key {
    pub algorithm: Algorithm,
    pub decoding: DecodingKey,
}

/// The published keys, fetched when they are needed.
#[derive(Debug)]
pub(crate) struct Keys {
    url: String,
    http: Http,
    clock: Clock,
    known: RwLock<Known>,
    fetching: Mutex<()>,
}

/// What is known of the published keys.
#[derive(Debug, Default)]
struct Known {
    keys: HashMap<String, Arc<Key>>,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
    failed: bool,
}

/// What is to be done about a key that a token names.
#[derive(Debug)]
enum Found {
    Key(Arc<Key>),
    Unknown,
    /// Nobody can tell now.
    Unavailable,
    /// The keys have to be fetched to tell.
    Fetch,
}

impl Keys {
    pub(crate) fn new(auth_url: &str, http: Http, clock: Clock) -> Self {
        let url = format!("{auth_url}/.well-known/jwks.json");
        Self { url, http, clock, known: RwLock::default(), fetching: Mutex::default() }
    }

    /// The key of this name; `None` if the project publishes none. Asks the project only if it must, and of any number
    /// of callers at once only one does.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the keys cannot be had.
    pub(crate) async fn get(&self, id: &str) -> Result<Option<Arc<Key>>, Error> {
        let mut found = self.look(id);
        if matches!(found, Found::Fetch) {
            let _turn = self.fetching.lock().await;
            // Whoever had the turn before may have fetched what this one came for.
            found = self.look(id);
            if matches!(found, Found::Fetch) {
                self.fetch().await;
                found = self.look(id);
            }
        }
        match found {
            Found::Key(key) => Ok(Some(key)),
            Found::Unknown => Ok(None),
            Found::Unavailable | Found::Fetch => Err(Error::unavailable("Supabase's keys cannot be had")),
        }
    }

    fn look(&self, id: &str) -> Found {
        self.known.read().unwrap_or_else(PoisonError::into_inner).look(id, self.clock.now())
    }

    async fn fetch(&self) {
        let fetched = self.ask().await;
        let now = self.clock.now();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.tried_at = Some(now);
        known.failed = fetched.is_err();
        match fetched {
            Ok(keys) => {
                known.keys = keys;
                known.fetched_at = Some(now);
            }
            Err(why) => tracing::warn!(why, "Supabase's keys cannot be fetched"),
        }
    }

    async fn ask(&self) -> Result<HashMap<String, Arc<Key>>, Silence> {
        let request = Request::get(&self.url).body(Full::default()).map_err(|error| error.to_string())?;
        let (status, body) = self.http.send(request).await?;
        if status != StatusCode::OK {
            return Err(format!("status {status}"));
        }
        parse(&body).ok_or_else(|| "no set of keys".to_owned())
    }
}

impl Known {
    fn look(&self, id: &str, now: Timestamp) -> Found {
        let since = |at: Option<Timestamp>| at.map(|at| now.as_second().saturating_sub(at.as_second()));
        let within = |at: Option<Timestamp>, seconds: i64| since(at).is_some_and(|age| age < seconds);
        let key = self.keys.get(id);
        if let Some(key) = key.filter(|_| within(self.fetched_at, FRESH)) {
            return Found::Key(Arc::clone(key));
        }
        if !within(self.tried_at, if self.failed { PAUSE_AFTER_FAILURE } else { PAUSE }) {
            return Found::Fetch;
        }
        match key.filter(|_| within(self.fetched_at, STALE)) {
            Some(key) => Found::Key(Arc::clone(key)),
            // Only a set that is up to date can say that there is no such key.
            None if self.failed => Found::Unavailable,
            None => Found::Unknown,
        }
    }
}

/// The usable keys of a published set, by name. Others are left out; `None` if it is no set at all.
fn parse(body: &[u8]) -> Option<HashMap<String, Arc<Key>>> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let set: Set = serde_json::from_slice(body).ok()?;
    Some(set.keys.into_iter().filter_map(usable).collect())
}

/// A key that tokens may be signed with. What it is for follows from its type, and must not contradict what it says.
fn usable(key: Value) -> Option<(String, Arc<Key>)> {
    let jwk: Jwk = serde_json::from_value(key).ok()?;
    let (algorithm, said) = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::RSA(rsa) if bytes(&rsa.n) >= MIN_RSA_BYTES => {
            (Algorithm::RS256, KeyAlgorithm::RS256)
        }
        _ => return None,
    };
    let for_signing = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    if !for_signing || jwk.common.key_algorithm.is_some_and(|algorithm| algorithm != said) {
        return None;
    }
    let decoding = DecodingKey::from_jwk(&jwk).ok()?;
    Some((jwk.common.key_id?, Arc::new(Key { algorithm, decoding })))
}

/// How many bytes a number in base64url has.
const fn bytes(base64url: &str) -> usize {
    base64url.len() * 6 / 8
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

    fn names(keys: Value) -> Vec<String> {
        let body = json!({ "keys": keys }).to_string();
        let mut names: Vec<String> = parse(body.as_bytes()).unwrap().into_keys().collect();
        names.sort();
        names
    }

    #[test]
    fn only_public_keys_for_signatures_are_taken() {
        let ec = json!({ "kty": "EC", "crv": "P-256", "x": X, "y": Y, "kid": "ec" });
        let with = |field: &str, value: Value| {
            let mut key = ec.clone();
            key["kid"] = json!(format!("ec with {field} {value}"));
            key[field] = value;
            key
        };
        let nameless = json!({ "kty": "EC", "crv": "P-256", "x": X, "y": Y });
        let rsa = |kid: &str, length: usize| json!({ "kty": "RSA", "n": format!("{}w", "u".repeat(length - 1)), "e": "AQAB", "kid": kid });
        let oct = json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "oct", "alg": "HS256" });
        let okp = json!({ "kty": "OKP", "crv": "Ed25519", "x": X, "kid": "okp" });
        let keys = json!([
            ec, with("alg", json!("ES256")), with("use", json!("sig")), with("alg", json!("HS256")),
            with("alg", json!("RS256")), with("use", json!("enc")), with("crv", json!("P-384")), nameless, oct, okp,
            rsa("rsa", 342), rsa("weak rsa", 171), { "kty": "new" }, 7,
        ]);
        assert_eq!(names(keys), ["ec", "ec with alg \"ES256\"", "ec with use \"sig\"", "rsa"]);
    }

    #[test]
    fn what_is_no_set_of_keys_is_none() {
        for body in ["", "{}", "[]", "{\"keys\": 1}", "<html>"] {
            assert!(parse(body.as_bytes()).is_none(), "{body}");
        }
        assert!(parse(b"{\"keys\": []}").unwrap().is_empty());
    }

    #[test]
    fn how_old_keys_are_decides_what_is_asked() {
        let at = |seconds| Timestamp::from_second(1_000_000 + seconds).unwrap();
        let key = json!({ "kty": "EC", "crv": "P-256", "x": X, "y": Y, "kid": "k" });
        let keys = || HashMap::from([usable(key.clone()).unwrap()]);
        let fetched = |failed_at: Option<i64>| Known {
            keys: keys(),
            fetched_at: Some(at(0)),
            tried_at: Some(at(failed_at.unwrap_or(0))),
            failed: failed_at.is_some(),
        };
        let failed = Known { tried_at: Some(at(0)), failed: true, ..Known::default() };
        let word = |known: &Known, id: &str, seconds: i64| match known.look(id, at(seconds)) {
            Found::Key(_) => "key",
            Found::Unknown => "unknown",
            Found::Unavailable => "unavailable",
            Found::Fetch => "fetch",
        };
        for (known, id, seconds, expect) in [
            (Known::default(), "k", 0, "fetch"),
            (failed, "k", 4, "unavailable"),
            (fetched(None), "k", 599, "key"),
            (fetched(None), "k", 600, "fetch"),
            (fetched(None), "other", 29, "unknown"),
            (fetched(None), "other", 30, "fetch"),
            (fetched(Some(700)), "k", 704, "key"),
            (fetched(Some(700)), "k", 705, "fetch"),
            (fetched(Some(700)), "other", 704, "unavailable"),
            (fetched(Some(3599)), "k", 3599, "key"),
            (fetched(Some(3599)), "k", 3600, "unavailable"),
        ] {
            assert_eq!(word(&known, id, seconds), expect, "{known:?} {id} after {seconds} s");
        }
    }
}
