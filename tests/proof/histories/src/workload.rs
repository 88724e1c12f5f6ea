//! The clients of a run, which choose by the seed what they do.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clorp_domain::idempotency::LEASE_SECONDS;
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::{Instant, sleep};

use crate::client::Request;
use crate::history::{Action, Answer, Recorder, Step};
use crate::stack::{Person, Stack};

/// Users that post drops. All others work.
pub const SENDERS: usize = 3;
/// Balances of the users at the start, in cents. One sender is short of money.
pub const BALANCES: [i64; 11] =
    [2_500, 60_000, 60_000, 3_000, 3_000, 3_000, 3_000, 3_000, 3_000, 3_000, 3_000];
/// Shortest and longest window of a drop, in seconds.
const WINDOW: (i64, i64) = (2, 6);
/// Newest drops among which workers choose, so that they meet.
const FRONT: usize = 2;
/// Probability that a change carries an `Idempotency-Key`.
const KEYED: f64 = 0.7;
/// Probability that a client repeats such a change if it knows no outcome.
const REPEATED: f64 = 0.75;
/// Pause between two rushes for a drop.
const RUSH_PAUSE: Duration = Duration::from_secs(1);
/// Pause before the first repetition.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Pause between later repetitions.
const LATER_PAUSE: Duration = Duration::from_secs(1);

/// The extent of a load.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// The time at which the load ends, if it has reached what it needs.
    pub until: Instant,
    /// The time at which it ends in any case.
    pub at_last: Instant,
    /// Fewest operations.
    pub least: u64,
    /// Most operations.
    pub most: u64,
    /// True if a lost update must have been planted.
    pub awaits_plant: bool,
    /// Mean pause between two requests of a client.
    pub pause: Duration,
}

impl Extent {
    fn goes_on(&self, recorder: &Recorder) -> bool {
        let (now, operations) = (Instant::now(), recorder.operations());
        let lacks = operations < self.least || self.awaits_plant && !recorder.has_planted();
        now < self.at_last && operations < self.most && (now < self.until || lacks)
    }
}

/// A drop that a client knows.
#[derive(Clone, Debug)]
pub struct Known {
    /// The sender.
    pub sender: Person,
    id: String,
}

/// A request whose outcome is unknown, and that is repeated.
#[derive(Clone, Debug)]
struct Doubt {
    request: Request,
    not_before: Instant,
    /// The time at which the lease of the first try has ended for sure.
    lapses_at: Instant,
}

/// The load of a run.
#[derive(Debug)]
pub struct Load {
    stack: Arc<Stack>,
    recorder: Arc<Recorder>,
    /// Number of the next price, which no other drop of the run has.
    prices: AtomicI64,
    amounts: AtomicI64,
    keys: AtomicI64,
    seed: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Open drops, oldest first.
    board: Vec<Known>,
    /// Every drop that was posted, by id.
    known: BTreeMap<String, Person>,
    unpaid: Vec<(Person, String, i64)>,
    claims: Vec<(Person, String)>,
    sessions: Vec<(Person, String, i64)>,
    doubts: Vec<Doubt>,
    /// Repetitions that run.
    repeating: usize,
}

impl Load {
    /// The load of a run with this seed.
    pub fn new(stack: Arc<Stack>, recorder: Arc<Recorder>, seed: u64) -> Self {
        Self {
            stack,
            recorder,
            prices: AtomicI64::new(101),
            amounts: AtomicI64::new(500),
            keys: AtomicI64::new(0),
            seed,
            state: Mutex::default(),
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Every drop that was posted, with its sender.
    pub fn drops(&self) -> BTreeMap<String, Person> {
        self.change(|state| state.known.clone())
    }

    /// Number of requests that wait for a repetition, or are being repeated.
    pub fn doubts(&self) -> usize {
        self.change(|state| state.doubts.len() + state.repeating)
    }

    /// Gives up all repetitions that have not begun.
    pub fn give_up(&self) {
        self.change(|state| state.doubts.clear());
    }

    /// Sends requests of one client until the end.
    pub async fn client(self: Arc<Self>, client: usize, extent: Extent) {
        let mut rng = StdRng::seed_from_u64(self.seed.wrapping_mul(1_000_003).wrapping_add(client as u64));
        // Two clients of three work.
        let people = &self.stack.people;
        let person = match client % 3 {
            0 => people[(client / 3) % SENDERS].clone(),
            part => people[SENDERS + (client / 3 * 2 + part - 1) % (people.len() - SENDERS)].clone(),
        };
        let sends = client.is_multiple_of(3);
        while extent.goes_on(&self.recorder) {
            let action = if sends { self.send(&person, &mut rng) } else { self.work(&person, &mut rng) };
            self.perform(client, action, &mut rng).await;
            let millis = u64::try_from(extent.pause.as_millis()).unwrap_or(0);
            sleep(Duration::from_millis(rng.random_range(0..=2 * millis))).await;
        }
    }

    /// Lets all workers claim the same new drop at once, and then submit at once. No slot is given back, so
    /// exactly five claims may succeed. Goes on until the end.
    pub async fn rushes(self: Arc<Self>, client: usize, extent: Extent) {
        let people = &self.stack.people;
        let request = |client: usize, person: &Person, action: Action| {
            let op = self.recorder.invoke(client, Some(&person.id), false, action.clone());
            Request { op, person: person.clone(), action, key: None, seconds: WINDOW.1 }
        };
        while extent.goes_on(&self.recorder) {
            let sender = &people[SENDERS - 1];
            let price_cents = self.prices.fetch_add(1, Ordering::Relaxed);
            let post = request(client, sender, Action::Post { price_cents });
            let step = post.send(&self.stack).await;
            self.recorder.step(post.op, step.clone());
            if let Step::Ok { answer: Answer::Paid { drop } } = step {
                self.change(|state| state.known.insert(drop.clone(), sender.clone()));
                for action in [Action::Claim { drop: drop.clone() }, Action::Submit { drop }] {
                    let all = people[SENDERS..].iter().enumerate().map(async |(number, worker)| {
                        let one = request(client + number, worker, action.clone());
                        let step = one.send(&self.stack).await;
                        self.recorder.step(one.op, step);
                    });
                    join_all(all).await;
                }
            }
            sleep(RUSH_PAUSE).await;
        }
    }

    /// The next action of a sender.
    fn send(&self, person: &Person, rng: &mut StdRng) -> (Person, Action) {
        let mine = |state: &State| state.board.iter().rev().find(|drop| drop.sender.id == person.id).cloned();
        let action = match rng.random_range(0..100) {
            0..30 => Some(Action::Post { price_cents: self.prices.fetch_add(1, Ordering::Relaxed) }),
            30..37 => self.change(|state| mine(state).map(|drop| Action::Cancel { drop: drop.id })),
            37..57 => self.change(|state| mine(state).map(|drop| Action::See { drop: drop.id })),
            57..63 => Some(Action::TopUp { amount_cents: self.amounts.fetch_add(1, Ordering::Relaxed) }),
            63..70 => {
                if let Some((owner, session, amount_cents)) = self.change(|state| state.sessions.pop()) {
                    return (owner, Action::PayIn { session, amount_cents });
                }
                None
            }
            70..75 => {
                if let Some((owner, drop, price_cents)) = self.change(|state| state.unpaid.pop()) {
                    return (owner, Action::Pay { drop, price_cents });
                }
                None
            }
            _ => None,
        };
        (person.clone(), action.unwrap_or(Action::Read))
    }

    /// The next action of a worker.
    fn work(&self, person: &Person, rng: &mut StdRng) -> (Person, Action) {
        let front = self.change(|state| {
            let newest = state.board.iter().rev().take(FRONT);
            newest.map(|drop| drop.id.clone()).collect::<Vec<_>>()
        });
        if front.is_empty() {
            return (person.clone(), Action::Read);
        }
        let drop = front[rng.random_range(0..front.len())].clone();
        let held = self.change(|state| {
            let place = state.claims.iter().rposition(|(owner, _)| owner.id == person.id);
            place.map(|place| state.claims[place].clone())
        });
        let action = match (rng.random_range(0..100), held) {
            (0..48, _) => Action::Claim { drop },
            (48..58, Some((_, drop))) => Action::Release { drop },
            (58..74, Some((_, drop))) => Action::Submit { drop },
            (48..74, None) => Action::Claim { drop },
            (74..86, Some((_, drop))) => Action::See { drop },
            (74..94, _) => Action::Read,
            _ => Action::Withdraw { amount_cents: self.amounts.fetch_add(1, Ordering::Relaxed) },
        };
        (person.clone(), action)
    }

    async fn perform(&self, client: usize, (person, action): (Person, Action), rng: &mut StdRng) {
        let changes = !matches!(action, Action::Read | Action::See { .. } | Action::PayIn { .. });
        let number = self.keys.fetch_add(1, Ordering::Relaxed);
        let key = (changes && rng.random_bool(KEYED)).then(|| format!("histories-{}-{number}", self.seed));
        let op = self.recorder.invoke(client, Some(&person.id), key.is_some(), action.clone());
        let seconds = rng.random_range(WINDOW.0..=WINDOW.1);
        let repeats = key.is_some() && rng.random_bool(REPEATED);
        let request = Request { op, person, action, key, seconds };
        let began = Instant::now();
        let step = request.send(&self.stack).await;
        let is_unknown = matches!(step, Step::Unknown { .. });
        self.record(&request, step);
        if is_unknown && repeats {
            let lease = Duration::from_secs(u64::from(LEASE_SECONDS));
            let not_before = Instant::now() + FIRST_PAUSE;
            let doubt = Doubt { request, not_before, lapses_at: began.max(Instant::now()) + lease };
            self.change(|state| state.doubts.push(doubt));
        }
    }

    /// Records a step, and remembers what later requests are about.
    fn record(&self, request: &Request, step: Step) {
        self.change(|state| state.follow(request, &step));
        self.recorder.step(request.op, step);
    }

    /// Repeats requests with unknown outcomes until the task is aborted.
    pub async fn repeat(self: Arc<Self>) {
        loop {
            let now = Instant::now();
            let due = self.change(|state| {
                let place = state.doubts.iter().position(|doubt| doubt.not_before <= now);
                let doubt = place.map(|place| state.doubts.swap_remove(place));
                state.repeating += usize::from(doubt.is_some());
                doubt
            });
            let Some(mut doubt) = due else {
                sleep(Duration::from_millis(50)).await;
                continue;
            };
            self.recorder.step(doubt.request.op, Step::Again);
            let step = doubt.request.send(&self.stack).await;
            let is_unknown = matches!(step, Step::Unknown { .. });
            self.record(&doubt.request, step);
            if is_unknown {
                doubt.not_before = doubt.lapses_at.max(Instant::now() + LATER_PAUSE);
            }
            self.change(|state| {
                state.repeating -= 1;
                if is_unknown {
                    state.doubts.push(doubt);
                }
            });
        }
    }
}

impl State {
    fn follow(&mut self, request: &Request, step: &Step) {
        let person = &request.person;
        match (&request.action, step) {
            (Action::Post { .. } | Action::Pay { .. }, Step::Ok { answer: Answer::Paid { drop } }) => {
                self.board.push(Known { sender: person.clone(), id: drop.clone() });
                self.known.insert(drop.clone(), person.clone());
            }
            (Action::Post { price_cents }, Step::Fail { drop: Some(drop), .. }) => {
                self.known.insert(drop.clone(), person.clone());
                self.unpaid.push((person.clone(), drop.clone(), *price_cents));
            }
            (Action::Pay { drop, price_cents }, Step::Fail { code, .. })
                if code == "insufficient_balance" =>
            {
                self.unpaid.push((person.clone(), drop.clone(), *price_cents));
            }
            (Action::Claim { drop }, Step::Ok { answer: Answer::Claimed { new: true } }) => {
                self.claims.push((person.clone(), drop.clone()));
            }
            // A drop that refuses requests is left alone.
            (Action::Claim { drop } | Action::Cancel { drop }, Step::Fail { code, .. })
                if code == "window_closed" || code == "drop_not_open" =>
            {
                self.board.retain(|known| known.id != *drop);
            }
            (Action::Cancel { drop }, Step::Ok { .. }) => self.board.retain(|known| known.id != *drop),
            (Action::Release { drop } | Action::Submit { drop }, Step::Ok { .. } | Step::Fail { .. }) => {
                self.claims.retain(|(owner, claimed)| owner.id != person.id || claimed != drop);
            }
            (Action::TopUp { amount_cents }, Step::Ok { answer: Answer::Session { id } }) => {
                self.sessions.push((person.clone(), id.clone(), *amount_cents));
            }
            _ => {}
        }
    }
}
