//! One seed from its first step to the last check: chaos, then healing, then the books.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::http::Method;
use clorp_dynamo_model::{Database, Item};
use clorp_stripe_sandbox::LocalSandbox;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use crate::client::{Call, Caller};
use crate::faults::{Fault, Point, Weather};
use crate::fleet::Fleet;
use crate::plan::{Plan, Step};
use crate::play::Stage;
use crate::site::{INSTANCES, Message, RecordedCall, State};
use crate::task::Task;
use crate::watch::{MAX_CALLS, Watch};
use crate::{books, poison, setup};

/// First number of the tasks that deliver events.
const EVENT_TASKS: u32 = 100_000;
/// First number of the tasks that deliver messages.
const MESSAGE_TASKS: u32 = 200_000;
/// Number of the task that heals.
const HEALING_TASK: u32 = 300_000;
/// Deliveries of an event that are tried before the healing.
const DELIVERIES: u32 = 4;
/// Time after which the queue delivers a failed message again, in seconds.
const VISIBILITY_SECONDS: u64 = 60;
/// Time within which the healing ends, in seconds: 17 days.
const HEALING_SECONDS: u64 = 17 * 24 * 60 * 60;
/// Shortest pause between two rounds of the healing, in seconds. It grows with the time that has passed.
const SHORTEST_PAUSE_SECONDS: u64 = 16;
/// Longest pause while something is due, in seconds.
const LONGEST_PAUSE_SECONDS: u64 = 4 * 24 * 60 * 60;
/// The seeds of this multiple sweep although nothing is to be done.
const SWEEPING_SEEDS: u64 = 16;
/// Time after the faults by which everything has ended that Stripe does not keep open, in seconds.
const SOON_SECONDS: u64 = 2_000;

/// The functions of one thread with a beginning that all seeds share.
pub struct Ground {
    fleet: Arc<Fleet>,
    users: Arc<Vec<Caller>>,
    table: Database,
    stripe: LocalSandbox,
    begins_at: Timestamp,
    /// The calls of the table that have made the beginning.
    calls: Vec<RecordedCall>,
}

/// What a run keeps in addition.
#[derive(Clone, Copy, Debug, Default)]
struct Keeps {
    /// A line for each event.
    story: bool,
    /// The points at which a fault could have struck.
    points: bool,
    /// The calls of the table.
    calls: bool,
}

/// The outcome of one run.
#[derive(Debug)]
pub struct Outcome {
    /// Rules that were broken, one line each.
    pub violations: Vec<String>,
    /// The faults that struck, in order.
    pub struck: Vec<(Point, Fault)>,
    /// What was observed.
    pub watch: Watch,
    /// A number that two runs have in common if they did the same.
    pub digest: u64,
    /// The points at which a fault could have struck before the healing, if they were listed.
    pub points: Vec<(Point, Vec<Fault>)>,
    /// All items of the table at the end.
    pub items: Vec<Item>,
    /// Number of attached files at the end.
    pub objects: usize,
    /// The calls of the table, if they were recorded.
    pub calls: Vec<RecordedCall>,
}

impl Ground {
    /// Builds the functions, and prepares the beginning.
    ///
    /// # Errors
    /// Fails if the functions cannot be built, or the beginning cannot be prepared.
    pub fn new() -> Result<Self> {
        let fleet = Arc::new(Fleet::new()?);
        let begins_at: Timestamp = "2026-06-01T09:00:00Z".parse().context("a time")?;
        seed_thread(0);
        let stripe = LocalSandbox::new(setup::sandbox_options(&fleet.site))?;
        let table = Database::new(setup::table_shape(&fleet.template)?);
        let mut state = State::new(table, stripe, Weather::calm());
        state.calls = Some(Vec::new());
        let (users, state) = runtime()?.block_on(async {
            fleet.site.begin(state, begins_at);
            let users = setup::users(&fleet).await;
            anyhow::Ok((users?, fleet.site.end()))
        })?;
        let begins_at = fleet.site.now();
        Ok(Self {
            fleet,
            users: Arc::new(users),
            table: state.table,
            stripe: state.stripe,
            begins_at,
            calls: state.calls.unwrap_or_default(),
        })
    }

    /// Runs a plan.
    ///
    /// # Errors
    /// Fails if the run cannot begin.
    pub fn run(&self, plan: &Plan, weather: Weather, telling: bool) -> Result<Outcome> {
        self.run_with(plan, weather, Keeps { story: telling, ..Keeps::default() })
    }

    /// Runs a plan without faults, and lists the points at which one could have struck.
    ///
    /// # Errors
    /// Fails if the run cannot begin.
    pub fn run_listing(&self, plan: &Plan) -> Result<Outcome> {
        let weather = Weather::planned(plan.seed, BTreeMap::new());
        self.run_with(plan, weather, Keeps { points: true, ..Keeps::default() })
    }

    /// Runs a plan without faults. Returns every call of the table from the empty one on.
    ///
    /// # Errors
    /// Fails if the run cannot begin.
    pub fn record(&self, plan: &Plan) -> Result<Vec<RecordedCall>> {
        let keeps = Keeps { calls: true, ..Keeps::default() };
        let outcome = self.run_with(plan, Weather::calm(), keeps)?;
        Ok(self.calls.iter().cloned().chain(outcome.calls).collect())
    }

    /// Does other work from the same beginning, without faults.
    ///
    /// # Errors
    /// Fails if the work cannot begin.
    pub fn play<T>(&self, seed: u64, work: impl AsyncFnOnce(&Stage) -> T) -> Result<T> {
        seed_thread(seed);
        self.fleet.forget();
        let stripe = self.stripe.fork(setup::sandbox_options(&self.fleet.site))?;
        let state = State::new(self.table.clone(), stripe, Weather::calm());
        let plan = Plan { seed, steps: Vec::new(), modelled: false, muted: BTreeSet::new() };
        let stage = Stage::new(Arc::clone(&self.fleet), Arc::clone(&self.users), &plan);
        let done = runtime()?.block_on(async {
            self.fleet.site.begin(state, self.begins_at);
            work(&stage).await
        });
        self.fleet.site.end();
        Ok(done)
    }

    fn run_with(&self, plan: &Plan, weather: Weather, keeps: Keeps) -> Result<Outcome> {
        seed_thread(plan.seed);
        self.fleet.forget();
        let stripe = self.stripe.fork(setup::sandbox_options(&self.fleet.site))?;
        let planned = weather.is_planned();
        let mut state = State::new(self.table.clone(), stripe, weather);
        if keeps.story {
            state.watch = Watch::telling();
        }
        state.points = keeps.points.then(Vec::new);
        state.calls = keeps.calls.then(Vec::new);
        state.events_taken = state.stripe.events_after(0).len();
        let stage = Stage::new(Arc::clone(&self.fleet), Arc::clone(&self.users), plan);
        let runtime = runtime()?;
        runtime.block_on(async {
            self.fleet.site.begin(state, self.begins_at);
            let carrier = tokio::spawn(carry(stage.clone()));
            chaos(&stage, &plan.steps).await;
            let unreadable = poison::plant(&stage, plan.seed);
            heal(&stage, unreadable).await;
            poison::remove(&stage);
            carrier.abort();
            books::check(&stage).await;
        });
        drop(runtime);
        let state = self.fleet.site.end();
        Ok(Outcome {
            violations: state.watch.violations.clone(),
            struck: state.weather.struck().to_vec(),
            digest: state.watch.digest(),
            points: listed(state.points.unwrap_or_default()),
            items: if keeps.points || planned {
                state.table.scan_all().cloned().collect()
            } else {
                Vec::new()
            },
            objects: state.bucket.count("attachments/"),
            calls: state.calls.unwrap_or_default(),
            watch: state.watch,
        })
    }
}

/// The points of all tasks but those of the set-up and of the last check.
fn listed(mut points: Vec<(Point, Vec<Fault>)>) -> Vec<(Point, Vec<Fault>)> {
    points.retain(|(at, _)| at.task > 0 && at.task < books::CHECKING_TASK);
    points
}

/// A runtime of one thread, whose clock runs ahead whenever nothing else is to be done.
fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_time().start_paused(true).build()?)
}

/// Makes all randomness of this thread a function of the seed.
fn seed_thread(seed: u64) {
    clorp_random::seed_thread(seed);
    fastrand::seed(seed);
}

async fn chaos(stage: &Stage, steps: &[Step]) {
    let begun = tokio::time::Instant::now();
    let mut playing = JoinSet::new();
    for step in steps.iter().cloned() {
        let stage = stage.clone();
        playing.spawn(async move {
            sleep_until(begun + Duration::from_millis(step.at_millis)).await;
            stage.play(&step).await;
        });
    }
    while let Some(played) = playing.join_next().await {
        if let Err(error) = played {
            stage.fleet.site.with(|state| state.watch.violation(format!("a step panicked: {error}")));
        }
    }
}

/// Delivers events and messages until the run ends.
async fn carry(stage: Stage) {
    let mut sent = 0;
    loop {
        let (events, messages) = stage.fleet.site.with(|state| {
            let events = state.stripe.events_after(state.events_taken);
            state.events_taken += events.len();
            (events, std::mem::take(&mut state.messages))
        });
        for event in events {
            sent += 1;
            stage.records().events_on_their_way += 1;
            tokio::spawn(deliver_event(stage.clone(), event, EVENT_TASKS + sent));
        }
        for message in messages {
            sent += 1;
            tokio::spawn(deliver_message(stage.clone(), message, MESSAGE_TASKS + sent));
        }
        stage.fleet.site.arrivals.notified().await;
    }
}

async fn deliver_event(stage: Stage, event: Value, number: u32) {
    let task = Task::new(number);
    let at = task.next_point();
    let mut chance = stage.fleet.site.with(|state| state.weather.chance(at));
    let possible = [Fault::WebhookLost, Fault::WebhookDuplicate, Fault::WebhookDelayed];
    let fault = stage.fleet.site.strike(&task, at, &possible);
    let delay = match fault {
        Some(Fault::WebhookDelayed) => chance.u64(2_000..180_000),
        _ => chance.u64(20..600),
    };
    sleep(Duration::from_millis(delay)).await;
    if fault == Some(Fault::WebhookDuplicate) {
        tokio::join!(deliver_repeatedly(&stage, &task, &event), deliver_repeatedly(&stage, &task, &event));
    } else if fault == Some(Fault::WebhookLost) {
        stage.records().undelivered.push(event);
    } else {
        deliver_repeatedly(&stage, &task, &event).await;
    }
    stage.records().events_on_their_way -= 1;
}

/// Delivers an event until it is accepted. After some tries it waits for the healing.
async fn deliver_repeatedly(stage: &Stage, task: &Task, event: &Value) {
    for attempt in 0..DELIVERIES {
        if deliver(stage, task, event).await {
            return;
        }
        sleep(Duration::from_secs(5 << attempt)).await;
    }
    stage.records().undelivered.push(event.clone());
}

async fn deliver(stage: &Stage, task: &Task, event: &Value) -> bool {
    let (body, signature) = stage.fleet.site.with(|state| state.stripe.delivery(event));
    let mut call = Call::new(None, Method::POST, "/api/stripe/webhook", body);
    call.headers.push(("stripe-signature", signature));
    let answer = stage.send(task, &call).await;
    if let Some(answer) = &answer
        && (400..500).contains(&answer.status)
    {
        let line = format!("an event of Stripe's was refused: {} {}", answer.status, answer.text);
        stage.fleet.site.with(|state| state.watch.violation(line));
    }
    answer.is_some_and(|answer| answer.is_success())
}

async fn deliver_message(stage: Stage, message: Message, number: u32) {
    let task = Task::new(number);
    let at = task.next_point();
    let mut chance = stage.fleet.site.with(|state| state.weather.chance(at));
    let possible = [Fault::MessageLost, Fault::MessageDuplicate, Fault::MessageDelayed];
    let fault = stage.fleet.site.strike(&task, at, &possible);
    let late = match fault {
        Some(Fault::MessageLost) => return,
        Some(Fault::MessageDelayed) => chance.u64(1_000..240_000),
        _ => chance.u64(5..300),
    };
    sleep(Duration::from_millis(message.delay_seconds * 1_000 + late)).await;
    let copies = if fault == Some(Fault::MessageDuplicate) { 2 } else { 1 };
    let deliveries = (0..copies).map(|copy| {
        let (stage, task, body) = (&stage, &task, message.body.as_str());
        let instance = chance.usize(..INSTANCES);
        async move {
            for _ in 0..3 {
                let records = json!([{ "messageId": format!("m-{number}-{copy}"), "body": body }]);
                let event = json!({ "Records": records });
                let handled = task.in_process(stage.rank(instance, event)).await.flatten();
                let failures = handled.as_ref().and_then(|answer| answer["batchItemFailures"].as_array());
                if failures.is_some_and(Vec::is_empty) {
                    return;
                }
                sleep(Duration::from_secs(VISIBILITY_SECONDS)).await;
            }
        }
    });
    futures::future::join_all(deliveries).await;
}

/// Ends the faults and lets the schedules run until nothing is left to do. In each sweep at most this many
/// items are `unreadable`.
async fn heal(stage: &Stage, unreadable: u64) {
    let site = &stage.fleet.site;
    site.with(|state| {
        state.weather.clear_up();
        state.skews = [0; INSTANCES];
        let now = state.now();
        state.watch.tell(|| format!("{now} ---- the faults end ----"));
    });
    let task = Task::new(HEALING_TASK);
    task.scope(async {
        stage.settle_open_requests(&task).await;
        let (mut passed, mut round) = (0, 0);
        while passed < HEALING_SECONDS {
            let shortest = SHORTEST_PAUSE_SECONDS.max(passed / 2);
            let pause = books::seconds_until_due(stage).clamp(shortest, LONGEST_PAUSE_SECONDS.max(shortest));
            sleep(Duration::from_secs(pause)).await;
            passed += pause;
            round += 1;
            let settled = sweep(stage, &task, round % INSTANCES, unreadable).await;
            if settled == 0 && books::unfinished(stage).is_empty() && stage.has_delivered_everything() {
                return;
            }
            if passed > SOON_SECONDS && !books::overdue(stage).is_empty() {
                let line = format!("unfinished {passed} s after the faults: {:?}", books::overdue(stage));
                return site.with(|state| state.watch.violation(line));
            }
            if site.with(|state| state.watch.calls) > MAX_CALLS {
                return site.with(|state| state.watch.violation("it does not come to rest".to_owned()));
            }
        }
        let line = format!("unfinished at the end: {:?}", books::unfinished(stage));
        site.with(|state| state.watch.violation(line));
    })
    .await;
}

/// Delivers the events that no instance has accepted, and runs both sweeps, of which each may fail for this
/// many `unreadable` items. Returns how much was settled.
async fn sweep(stage: &Stage, task: &Task, instance: usize, unreadable: u64) -> u64 {
    let undelivered = std::mem::take(&mut stage.records().undelivered);
    for event in &undelivered {
        if !deliver(stage, task, event).await {
            stage.records().undelivered.push(event.clone());
        }
    }
    // A sweep that has nothing to do runs only at the end of some seeds. That of the drops asks twenty
    // partitions.
    let ends = stage.seed.is_multiple_of(SWEEPING_SEEDS) && books::unfinished(stage).is_empty();
    let due = ends || books::has_overdue_drop(stage);
    let swept = if due { task.in_process(stage.sweep_drops(instance)).await } else { None };
    let due = ends || books::has_pending_entry(stage);
    let reconciled = if due { task.in_process(stage.reconcile(instance)).await } else { None };
    // A sweep that ran and told no counts has failed as a whole.
    let swept: Vec<_> = [swept, reconciled].into_iter().flatten().map(Option::unwrap_or_default).collect();
    let fails = |counts: &Value| counts["failed"].as_u64().is_none_or(|failed| failed > unreadable);
    if swept.iter().any(fails) && task.faults() == 0 {
        let line = format!("a sweep fails without a fault: {swept:?}");
        stage.fleet.site.with(|state| state.watch.violation(line));
    }
    swept.iter().filter_map(|counts| counts["settled"].as_u64()).sum()
}
