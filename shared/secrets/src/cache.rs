//! The fields of a secret, read again when they are old or refused.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use clorp_clock::Clock;
use clorp_deadline::wait_until;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use tokio::time::timeout_at;

use crate::Secret;

/// Age at which a value that is used is read again, in minutes. It bounds the time for which a function still
/// accepts signatures under a secret that has leaked and was rolled.
pub const LIFETIME_MINUTES: i64 = 5;
/// Least time between two readings, in seconds. The reading at the start does not count.
pub const PAUSE_SECONDS: i64 = 15;
/// Longest wait of a request for a reading.
const WAIT_TIMEOUT: Duration = Duration::from_secs(2);

/// The fields of a secret, by name.
pub type Fields = BTreeMap<String, Secret>;
/// The fields, or the reason for which they cannot be read, for the log.
pub type Reading = Pin<Box<dyn Future<Output = Result<Fields, String>> + Send>>;
/// Reads the fields.
pub type Read = dyn Fn() -> Reading + Send + Sync;

/// A cache of the fields.
pub(crate) struct Cache {
    read: Box<Read>,
    clock: Clock,
    known: RwLock<Known>,
    reading: Mutex<()>,
}

struct Known {
    fields: Fields,
    read_at: Timestamp,
    /// Start of the last reading after the first.
    tried_at: Option<Timestamp>,
}

impl Cache {
    /// Keeps `fields`, which `read` has just given.
    pub(crate) fn new(fields: Fields, read: Box<Read>, clock: Clock) -> Self {
        let known = Known { fields, read_at: clock.now(), tried_at: None };
        Self { read, clock, known: RwLock::new(known), reading: Mutex::default() }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.known_fields().fields.contains_key(name)
    }

    /// The last known value of a field. No field is ever removed, so one that was there has a value.
    pub(crate) fn known(&self, name: &str) -> Secret {
        self.known_fields().fields.get(name).cloned().unwrap_or_default()
    }

    pub(crate) async fn read_if_old(&self) {
        self.read_if(|known, now| !is_within(known.read_at, LIFETIME_MINUTES * 60, now)).await;
    }

    /// Reads the fields again if a field still has the value that was refused.
    pub(crate) async fn read_unless_changed(&self, name: &str, refused: &Secret) {
        self.read_if(|known, _| known.fields.get(name) == Some(refused)).await;
    }

    /// Reads the fields again if they are `due` and the last reading is long enough ago. Concurrent callers
    /// share one reading.
    async fn read_if(&self, due: impl Fn(&Known, Timestamp) -> bool) {
        let is_due = || due(&self.known_fields(), self.clock.now());
        if !is_due() {
            return;
        }
        let _reading = self.reading.lock().await;
        // The previous holder of the lock may have read them.
        if !is_due() || self.has_just_tried() {
            return;
        }
        // Before the call, because a request that gives up drops it.
        self.change().tried_at = Some(self.clock.now());
        let read = timeout_at(wait_until(WAIT_TIMEOUT), (self.read)()).await;
        match read.unwrap_or_else(|_| Err("no answer in time".to_owned())) {
            Ok(fields) => self.replace(fields),
            Err(why) => tracing::warn!(why, "the secret cannot be read again; its last values stay in use"),
        }
    }

    fn has_just_tried(&self) -> bool {
        self.known_fields().tried_at.is_some_and(|at| is_within(at, PAUSE_SECONDS, self.clock.now()))
    }

    fn replace(&self, fields: Fields) {
        let mut known = self.change();
        for name in known.fields.keys().filter(|name| !fields.contains_key(*name)) {
            tracing::warn!(name, "the secret has lost a field, whose last value stays in use");
        }
        for (name, _) in fields.iter().filter(|(name, value)| known.fields.get(*name) != Some(value)) {
            tracing::info!(name, "the secret has a new value");
        }
        known.fields.extend(fields);
        known.read_at = self.clock.now();
    }

    fn known_fields(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// True if `at` is less than `seconds` ago. A time to come is not: the clock was set back.
fn is_within(at: Timestamp, seconds: i64, now: Timestamp) -> bool {
    let age = now.duration_since(at);
    !age.is_negative() && age < SignedDuration::from_secs(seconds)
}
