//! The public keys that a project publishes for its tokens' signatures.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use clorp_context::Clock;
use clorp_domain::limits::Decision;
use clorp_domain::{Error, RateLimit};
use clorp_outbound::{Https, NoResponse};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use jiff::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::LIMITS;

/// Age up to which a set of keys is fresh, in seconds. Supabase permits caches the same.
const FRESH_SECONDS: i64 = 10 * 60;
/// Age up to which a set of keys is used if a newer one is unavailable, in seconds.
const STALE_SECONDS: i64 = 60 * 60;
/// Limit of the fetches for unknown keys: a few at once, and one every 30 seconds after that. Anyone can name
/// an unknown key, in a token that is not genuine.
const UNKNOWN_KEY_LIMIT: RateLimit = RateLimit { quota: 5, window_seconds: 150 };
/// Minimum time before the next fetch after a failed one, in seconds.
const RETRY_SECONDS: i64 = 5;
/// Smallest modulus of an RSA key, in bytes.
const MIN_RSA_BYTES: usize = 2048 / 8;

/// A key and the only algorithm it may be used with.
#[derive(Debug)]
pub(crate) struct Key {
    pub algorithm: Algorithm,
    pub decoding: DecodingKey,
}

/// A cache of the published keys, fetched on demand.
#[derive(Debug)]
pub(crate) struct Keys {
    url: String,
    https: Https,
    clock: Clock,
    known: RwLock<Known>,
    fetching: Mutex<()>,
}

/// The cached keys, and the state of fetching them.
#[derive(Debug, Default)]
struct Known {
    keys: HashMap<String, Arc<Key>>,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
    /// Number of fetches that have begun.
    fetches: u64,
    /// Number of the fetch that yielded the keys, counted from 1.
    keys_from: u64,
    failed: bool,
    /// Time at which all fetches for unknown keys are available again.
    looks_full_at: Option<Timestamp>,
}

/// The result of looking up a token's key in the cache.
#[derive(Debug)]
enum Lookup {
    Key(Arc<Key>),
    /// The project does not publish the key: it was absent from a set that was fetched after the request had
    /// come.
    Unknown,
    /// The cache is too old to decide, and a fetch has just failed.
    Unavailable,
    /// The keys must be fetched to decide.
    Fetch,
    /// The same, but the known keys are fresh, so the fetch counts against the limit for unknown keys.
    FetchUnknown,
}

impl Keys {
    pub(crate) fn new(auth_url: &str, https: Https, clock: Clock) -> Self {
        let url = format!("{auth_url}/.well-known/jwks.json");
        Self { url, https, clock, known: RwLock::default(), fetching: Mutex::default() }
    }

    /// Returns the key with this id, or `None` if the project does not publish one. Fetches the keys only if
    /// necessary, and once for all concurrent callers.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the keys cannot be fetched.
    pub(crate) async fn get(&self, id: &str) -> Result<Option<Arc<Key>>, Error> {
        let seen = self.known.read().unwrap_or_else(PoisonError::into_inner).fetches;
        let mut found = self.look(id, seen);
        if found.requires_fetch() {
            let _guard = self.fetching.lock().await;
            // The previous holder of the lock may have fetched the keys already.
            found = self.look(id, seen);
            if found.requires_fetch() && self.may_fetch(&found) {
                self.fetch().await;
                found = self.look(id, seen);
            }
        }
        match found {
            Lookup::Key(key) => Ok(Some(key)),
            Lookup::Unknown => Ok(None),
            // The key may be a new one, so the token may be good.
            Lookup::FetchUnknown => {
                Err(Error::unavailable("too many fetches of Supabase's keys for unknown ones"))
            }
            Lookup::Unavailable | Lookup::Fetch => {
                Err(Error::unavailable("Supabase's signing keys are unavailable"))
            }
        }
    }

    fn look(&self, id: &str, seen: u64) -> Lookup {
        self.known.read().unwrap_or_else(PoisonError::into_inner).look(id, seen, self.clock.now())
    }

    /// Counts a fetch for an unknown key. False if there were too many.
    fn may_fetch(&self, found: &Lookup) -> bool {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        !matches!(found, Lookup::FetchUnknown) || known.take_look(self.clock.now())
    }

    async fn fetch(&self) {
        let number = self.known.write().unwrap_or_else(PoisonError::into_inner).begin_fetch();
        let fetched = self.request_keys().await;
        let now = self.clock.now();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.tried_at = Some(now);
        known.failed = fetched.is_err();
        match fetched {
            Ok(keys) => {
                known.keys = keys;
                known.keys_from = number;
                known.fetched_at = Some(now);
            }
            Err(why) => tracing::warn!(why, "Supabase's signing keys cannot be fetched"),
        }
    }

    async fn request_keys(&self) -> Result<HashMap<String, Arc<Key>>, NoResponse> {
        let request = Request::get(&self.url).body(Bytes::new()).map_err(|error| error.to_string())?;
        let response = self.https.send(request, LIMITS).await?;
        if response.status() != StatusCode::OK {
            return Err(format!("status {}", response.status()));
        }
        parse(response.body()).ok_or_else(|| "no set of keys".to_owned())
    }
}

impl Lookup {
    const fn requires_fetch(&self) -> bool {
        matches!(self, Self::Fetch | Self::FetchUnknown)
    }
}

impl Known {
    /// Counts a fetch, and returns its number.
    fn begin_fetch(&mut self) -> u64 {
        self.fetches += 1;
        self.fetches
    }

    /// Looks up a key for a request that came when `seen` fetches had begun.
    fn look(&self, id: &str, seen: u64, now: Timestamp) -> Lookup {
        let since = |at: Option<Timestamp>| at.map(|at| now.as_second().saturating_sub(at.as_second()));
        let within = |at: Option<Timestamp>, seconds: i64| since(at).is_some_and(|age| age < seconds);
        let key = self.keys.get(id).map(Arc::clone);
        let is_fresh = within(self.fetched_at, FRESH_SECONDS);
        match key {
            Some(key) if is_fresh => Lookup::Key(key),
            key if self.failed && within(self.tried_at, RETRY_SECONDS) => {
                let key = key.filter(|_| within(self.fetched_at, STALE_SECONDS));
                key.map_or(Lookup::Unavailable, Lookup::Key)
            }
            // A set of keys proves that a key did not exist when the set was made, but not later.
            None if self.keys_from > seen => Lookup::Unknown,
            None if is_fresh => Lookup::FetchUnknown,
            _ => Lookup::Fetch,
        }
    }

    /// Takes a fetch from the limit for unknown keys; false if none is left.
    fn take_look(&mut self, now: Timestamp) -> bool {
        match UNKNOWN_KEY_LIMIT.admit(self.looks_full_at, now) {
            Decision::Granted { full_at } => {
                self.looks_full_at = Some(full_at);
                true
            }
            Decision::Refused { .. } => false,
        }
    }
}

/// Parses a published set to its usable keys, by id. Other keys are skipped. `None` if the body is no set of
/// keys.
fn parse(body: &[u8]) -> Option<HashMap<String, Arc<Key>>> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let set: Set = serde_json::from_slice(body).ok()?;
    Some(set.keys.into_iter().filter_map(parse_key).collect())
}

/// Parses a key that may verify tokens. Its type determines the algorithm, and its declared use must not
/// contradict it.
fn parse_key(key: Value) -> Option<(String, Arc<Key>)> {
    let jwk: Jwk = serde_json::from_value(key).ok()?;
    let (algorithm, declared) = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::RSA(rsa) if bytes(&rsa.n) >= MIN_RSA_BYTES => {
            (Algorithm::RS256, KeyAlgorithm::RS256)
        }
        _ => return None,
    };
    let for_signing = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    if !for_signing || jwk.common.key_algorithm.is_some_and(|algorithm| algorithm != declared) {
        return None;
    }
    let decoding = DecodingKey::from_jwk(&jwk).ok()?;
    Some((jwk.common.key_id?, Arc::new(Key { algorithm, decoding })))
}

/// The number of bytes encoded in a base64url number.
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
    fn only_public_signature_keys_are_accepted() {
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
    fn a_body_without_a_set_of_keys_is_rejected() {
        for body in ["", "{}", "[]", "{\"keys\": 1}", "<html>"] {
            assert!(parse(body.as_bytes()).is_none(), "{body}");
        }
        assert!(parse(b"{\"keys\": []}").unwrap().is_empty());
    }

    #[test]
    fn the_age_of_the_keys_decides_on_a_fetch() {
        let at = |seconds| Timestamp::from_second(1_000_000 + seconds).unwrap();
        let key = json!({ "kty": "EC", "crv": "P-256", "x": X, "y": Y, "kid": "k" });
        let keys = || HashMap::from([parse_key(key.clone()).unwrap()]);
        let fetched = |failed_at: Option<i64>| Known {
            keys: keys(),
            fetched_at: Some(at(0)),
            tried_at: Some(at(failed_at.unwrap_or(0))),
            failed: failed_at.is_some(),
            fetches: 1,
            keys_from: 1,
            looks_full_at: None,
        };
        let failed = Known { tried_at: Some(at(0)), failed: true, ..Known::default() };
        let word = |known: &Known, id: &str, seconds: i64| match known.look(id, 1, at(seconds)) {
            Lookup::Key(_) => "key",
            Lookup::Unknown => "unknown",
            Lookup::Unavailable => "unavailable",
            Lookup::Fetch => "fetch",
            Lookup::FetchUnknown => "fetch of an unknown key",
        };
        for (known, id, seconds, expect) in [
            (Known::default(), "k", 0, "fetch"),
            (failed, "k", 4, "unavailable"),
            (fetched(None), "k", 599, "key"),
            (fetched(None), "k", 600, "fetch"),
            (fetched(None), "other", 0, "fetch of an unknown key"),
            (fetched(None), "other", 599, "fetch of an unknown key"),
            (fetched(None), "other", 600, "fetch"),
            (fetched(Some(700)), "k", 704, "key"),
            (fetched(Some(700)), "k", 705, "fetch"),
            (fetched(Some(700)), "other", 704, "unavailable"),
            (fetched(Some(3599)), "k", 3599, "key"),
            (fetched(Some(3599)), "k", 3600, "unavailable"),
        ] {
            assert_eq!(word(&known, id, seconds), expect, "{known:?} {id} after {seconds} s");
        }
    }

    #[test]
    fn only_a_fetch_that_begins_after_the_request_proves_a_key_unknown() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let mut known = Known { fetched_at: Some(now), tried_at: Some(now), ..Known::default() };
        known.keys_from = known.begin_fetch();
        assert!(matches!(known.look("k", 1, now), Lookup::FetchUnknown));
        assert!(matches!(known.look("k", 0, now), Lookup::Unknown));
    }

    #[test]
    fn fetches_for_unknown_keys_are_bounded() {
        let at = |seconds: i64| Timestamp::from_second(1_000_000 + seconds).unwrap();
        let mut known = Known::default();
        let mut taken = |seconds: i64| (0..100).filter(|_| known.take_look(at(seconds))).count();
        assert_eq!((taken(0), taken(29), taken(30), taken(31), taken(3600)), (5, 0, 1, 0, 5));
    }
}
