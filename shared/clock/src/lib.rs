//! Source of the time: the system's clock, or what a simulation puts in its place.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// Source of the time. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl Clock {
    /// The system clock.
    pub fn system() -> Self {
        Self::simulated(Timestamp::now)
    }

    /// The system clock plus a shift in milliseconds, which may change at any time. For tests.
    pub fn shifted(shift_millis: Arc<AtomicI64>) -> Self {
        Self::simulated(move || {
            let shift = SignedDuration::from_millis(shift_millis.load(Ordering::Relaxed));
            Timestamp::now().saturating_add(shift).unwrap_or(Timestamp::MAX)
        })
    }

    /// A clock that shows what `now` returns. For simulations.
    pub fn simulated(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Current time, in whole milliseconds.
    pub fn now(&self) -> Timestamp {
        let now = (self.0)();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}
