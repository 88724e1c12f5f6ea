//! The simulated outside of the functions: table, queue, Stripe, the model, and the time. One site serves one
//! thread; each seed gets a new state.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clorp_clock::Clock;
use clorp_dynamo_model::Database;
use clorp_stripe_sandbox::LocalSandbox;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::faults::{Fault, Point, Weather};
use crate::s3::Bucket;
use crate::task::Task;
use crate::watch::Watch;

/// Number of instances of each function.
pub const INSTANCES: usize = 2;
/// Largest deviation of an instance's clock, in milliseconds.
const MAX_SKEW_MILLIS: i64 = 900;

/// A call of the table: the operation, and the request.
pub type RecordedCall = (String, Value);

/// A message in the queue.
#[derive(Clone, Debug)]
pub struct Message {
    /// The body.
    pub body: String,
    /// The delay that the sender asked for, in seconds.
    pub delay_seconds: u64,
    /// The point at which it was sent.
    pub sent_at: Point,
}

/// The state of a site.
#[derive(Debug)]
pub struct State {
    /// The table.
    pub table: Database,
    /// Stripe.
    pub stripe: LocalSandbox,
    /// The faults.
    pub weather: Weather,
    /// What was observed.
    pub watch: Watch,
    /// The objects of the bucket.
    pub bucket: Bucket,
    /// The points at which a fault could have struck, if they are to be listed.
    pub points: Option<Vec<(Point, Vec<Fault>)>>,
    /// The calls that the table has carried out, if they are to be recorded.
    pub calls: Option<Vec<RecordedCall>>,
    /// Messages that nobody has taken.
    pub messages: Vec<Message>,
    /// Number of Stripe's events that were taken.
    pub events_taken: usize,
    /// The deviation of each instance's clock, in milliseconds.
    pub skews: [i64; INSTANCES],
    time: Arc<Time>,
}

/// The true time, which passes with the runtime's clock. It has a lock of its own, because Stripe asks for it
/// while the state is in use.
#[derive(Debug, Default)]
struct Time(Mutex<(Timestamp, Option<Instant>)>);

impl Time {
    fn now(&self) -> Timestamp {
        let (start, began) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = began.map(|began| began.elapsed()).unwrap_or_default();
        let passed = SignedDuration::try_from(passed).unwrap_or_default();
        start.saturating_add(passed).unwrap_or(start)
    }

    fn set(&self, now: Timestamp, began: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (now, began);
    }
}

impl State {
    /// The state at the beginning of a run.
    pub fn new(table: Database, stripe: LocalSandbox, weather: Weather) -> Self {
        let mut state = Self {
            table,
            stripe,
            weather,
            watch: Watch::default(),
            bucket: Bucket::default(),
            points: None,
            calls: None,
            messages: Vec::new(),
            events_taken: 0,
            skews: [0; INSTANCES],
            time: Arc::default(),
        };
        if state.weather.has(Fault::ClockSkew) {
            state.weather.count(Fault::ClockSkew);
            for (number, skew) in state.skews.iter_mut().enumerate() {
                let at = Point { task: u32::MAX, call: u32::try_from(number).unwrap_or_default() };
                *skew = state.weather.chance(at).i64(-MAX_SKEW_MILLIS..=MAX_SKEW_MILLIS);
            }
        }
        state
    }

    /// The true time.
    pub fn now(&self) -> Timestamp {
        self.time.now()
    }
}

/// The outside of the functions of one thread.
#[derive(Debug)]
pub struct Site {
    state: Mutex<Option<State>>,
    time: Arc<Time>,
    /// Tells that Stripe has events, or the queue messages.
    pub arrivals: Notify,
}

impl Site {
    /// A site without a state.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(None), time: Arc::default(), arrivals: Notify::new() })
    }

    /// Begins with this state at `now`. The time passes with the runtime's clock from here on.
    pub fn begin(&self, mut state: State, now: Timestamp) {
        self.time.set(now, Some(Instant::now()));
        state.time = Arc::clone(&self.time);
        *self.lock() = Some(state);
    }

    /// Takes the state away at the end.
    ///
    /// # Panics
    /// Without a state.
    pub fn end(&self) -> State {
        self.time.set(self.time.now(), None);
        self.lock().take().expect("the site has begun")
    }

    /// Works with the state.
    ///
    /// # Panics
    /// Without a state.
    pub fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(self.lock().as_mut().expect("the site has begun"))
    }

    /// The fault at a point of a task, if one strikes.
    pub fn strike(&self, task: &Task, at: Point, possible: &[Fault]) -> Option<Fault> {
        let fault = self.with(|state| {
            if let Some(points) = &mut state.points {
                points.push((at, possible.to_vec()));
            }
            state.weather.strike(at, possible)
        })?;
        task.count_fault();
        Some(fault)
    }

    /// The clock of an instance.
    pub fn clock(self: &Arc<Self>, instance: usize) -> Clock {
        let site = Arc::clone(self);
        Clock::simulated(move || {
            site.with(|state| {
                let skew = SignedDuration::from_millis(state.skews[instance]);
                state.now().saturating_add(skew).unwrap_or(Timestamp::MAX)
            })
        })
    }

    /// The true time.
    pub fn now(&self) -> Timestamp {
        self.time.now()
    }

    fn lock(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
