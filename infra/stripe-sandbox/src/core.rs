//! The shared core of the sandbox: the state behind its lock, its persistence, and the tasks in the
//! background.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context, Result};
use clorp_stand_in::files;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::change::{Cause, Change};
use crate::checkout;
use crate::mirror::Mirror;
use crate::options::Options;
use crate::state::{Delivery, State};
use crate::sync::locked;

/// Interval between two checks for expired Checkout sessions.
const SWEEP: Duration = Duration::from_secs(1);

/// Everything that the parts of the sandbox share.
#[derive(Debug)]
pub struct Core {
    /// The sandbox's base URL.
    pub url: String,
    /// The configuration of the sandbox.
    pub options: Options,
    /// A client of `stripe-mock`, which checks accepted requests too.
    pub mirror: Option<Mirror>,
    /// Idempotency keys of running requests.
    pub running_keys: Mutex<HashSet<String>>,
    /// The secret API key that callers must send. A restart forgets a rolled one.
    pub secret_key: Mutex<String>,
    /// Number of calls of each endpoint.
    pub calls: Mutex<BTreeMap<String, usize>>,
    state: Mutex<State>,
    endpoints: RwLock<Vec<String>>,
    changes: watch::Sender<u64>,
    couriers: Mutex<JoinSet<()>>,
    tasks: Mutex<JoinSet<()>>,
}

impl Core {
    /// Creates the core with the state from its file, if there is one, and creates the file's folder.
    pub fn open(url: String, options: Options) -> Result<Arc<Self>> {
        if let Some(folder) = options.state_path.as_deref().and_then(Path::parent) {
            std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        }
        let mut state = match &options.state_path {
            Some(path) => load(path)?,
            None => None,
        }
        .unwrap_or_else(|| State { available_cents: options.starting_balance_cents, ..State::default() });
        if state.configured_secret != options.webhook_secret {
            state.configured_secret.clone_from(&options.webhook_secret);
            state.secrets = vec![options.webhook_secret.clone()];
        }
        let mirror = options.mirror.clone().map(Mirror::new).transpose()?;
        let core = Self {
            url,
            mirror,
            running_keys: Mutex::default(),
            secret_key: Mutex::new(options.secret_key.clone()),
            calls: Mutex::default(),
            state: Mutex::new(state),
            endpoints: RwLock::default(),
            changes: watch::Sender::default(),
            couriers: Mutex::default(),
            tasks: Mutex::default(),
            options,
        };
        Ok(Arc::new(core))
    }

    /// Starts the background tasks: webhook delivery, open bank debits, and expiry of sessions.
    pub fn start(self: &Arc<Self>) {
        let core = Arc::clone(self);
        let debits: Vec<_> = self.look(|state| state.debits.keys().cloned().collect());
        for session in debits {
            self.end_debit_later(session, Duration::ZERO);
        }
        self.spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                core.expire_overdue();
            }
        });
    }

    /// Stops all background tasks.
    pub async fn stop(&self) {
        let (mut couriers, mut tasks) =
            (std::mem::take(&mut *locked(&self.couriers)), std::mem::take(&mut *locked(&self.tasks)));
        couriers.shutdown().await;
        tasks.shutdown().await;
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        locked(&self.tasks).spawn(task);
    }

    /// Reads the state.
    pub fn look<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&locked(&self.state))
    }

    /// Changes the state, saves it to its file, and wakes the watchers.
    pub fn change<T>(&self, cause: Option<Cause>, act: impl FnOnce(&mut Change<'_>) -> T) -> T {
        let mut state = locked(&self.state);
        let endpoints = self.endpoints().len();
        let now = self.now();
        let mut change = Change { state: &mut state, now, url: &self.url, endpoints, cause };
        checkout::expire_overdue(&mut change);
        let outcome = act(&mut change);
        // Saving under the lock keeps an older state from replacing a newer one, and comes before any watcher
        // learns of the change. The state is small enough for that.
        if let Some(path) = &self.options.state_path
            && let Err(error) = files::write_json(path, &*state)
        {
            eprintln!("the Stripe sandbox could not save its last change: {error:#}");
        }
        drop(state);
        self.notify();
        outcome
    }

    /// Changes the state without saving it: for used faults and deliveries in progress, which a restart may
    /// forget.
    pub fn touch<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut locked(&self.state))
    }

    /// The current time: the configured clock plus the configured shift.
    pub fn now(&self) -> Timestamp {
        let shift = SignedDuration::from_millis(self.options.clock_shift_millis.load(Ordering::Relaxed));
        self.options.clock.now().saturating_add(shift).unwrap_or(Timestamp::MAX)
    }

    fn notify(&self) {
        self.changes.send_modify(|number| *number += 1);
    }

    /// Subscribes to changes of the state.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Expires the sessions that were not paid in time.
    pub fn expire_overdue(&self) {
        let now = self.now().as_second();
        if self.look(|state| checkout::any_overdue(state, now)) {
            self.change(None, |_| ());
        }
    }

    /// Ends the bank debit of a session after `delay`.
    pub fn end_debit_later(self: &Arc<Self>, session: String, delay: Duration) {
        let core = Arc::clone(self);
        self.spawn(async move {
            tokio::time::sleep(delay).await;
            core.change(None, |change| checkout::end_debit(change, &session));
        });
    }

    /// The URLs of the webhook endpoints.
    pub fn endpoints(&self) -> Vec<String> {
        self.endpoints.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the webhook endpoints and their couriers. Events that wait for the n-th old endpoint go to
    /// the n-th new one.
    pub fn set_endpoints(&self, urls: Vec<String>, couriers: JoinSet<()>) {
        *self.endpoints.write().unwrap_or_else(PoisonError::into_inner) = urls;
        // Dropping the old couriers aborts their sends, which are then repeated. Endpoints must tolerate
        // duplicates.
        drop(std::mem::replace(&mut *locked(&self.couriers), couriers));
        self.touch(|state| state.deliveries.iter_mut().for_each(|delivery| delivery.sending = false));
        self.notify();
    }

    /// Waits until every event is delivered, except held ones, and every bank debit has ended.
    pub async fn settled(&self) {
        let mut changes = self.watch();
        while !self.look(|state| is_settled(state, self.endpoints().len())) {
            // This value owns the sender, so the channel cannot close.
            let _ = changes.changed().await;
        }
    }
}

/// True if nothing is in flight. A delivery to an endpoint that is not configured since a restart does not
/// count.
fn is_settled(state: &State, endpoints: usize) -> bool {
    let waiting =
        |delivery: &Delivery| delivery.endpoint < endpoints && (delivery.sending || !state.webhooks.paused);
    state.debits.is_empty() && !state.deliveries.iter().any(waiting)
}

fn load(path: &Path) -> Result<Option<State>> {
    let text = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.with_context(|| format!("reading {}", files::display(path)))?,
    };
    let state = serde_json::from_slice(&text);
    state
        .map(Some)
        .with_context(|| format!("{} is not a state file of the Stripe sandbox", files::display(path)))
}
