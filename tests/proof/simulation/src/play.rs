//! The steps of a plan as they are carried out: by clients that repeat what got no answer, banks and
//! schedules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::Method;
use clorp_stripe_sandbox::Kind;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::client::{Answer, Call, Caller};
use crate::fleet::Fleet;
use crate::plan::{Action, BankMove, Payer, Plan, Step};
use crate::task::Task;
use crate::watch::text;

/// The beginning of the words that mark a text as sealed, before the numbers of step and user.
pub const SEALED: &str = "sealed-";
/// Tries of a request whose outcome its client does not know. They take longer than the lease of a request
/// that died.
const TRIES: u32 = 8;
/// Age of a signature that is too old for the webhook, in seconds.
const MAX_AGE_SECONDS: i64 = 1_000;

/// An operation that must take effect at most once if it carries a key, and exactly once if it was
/// acknowledged.
#[derive(Clone, Debug, Default)]
pub struct Operation {
    /// The user.
    pub user: usize,
    /// The amount, in cents.
    pub cents: i64,
    /// True if every request carried the same key.
    pub keyed: bool,
    /// Number of requests.
    pub requests: u32,
    /// The id in the acknowledgement.
    pub acknowledged: Option<String>,
    /// The status of a refusal.
    pub refused: Option<u16>,
}

/// A claim that was acknowledged.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The drop's id.
    pub drop: String,
    /// The user.
    pub user: usize,
    /// The end of the lease.
    pub lease_expires_at: Timestamp,
}

/// What the clients were told.
#[derive(Clone, Debug, Default)]
pub struct Records {
    /// Drops that were posted, by step.
    pub posts: BTreeMap<u32, Operation>,
    /// Withdrawals, by step.
    pub withdrawals: BTreeMap<u32, Operation>,
    /// Top-ups, by step.
    pub topups: BTreeMap<u32, Operation>,
    /// Claims that were acknowledged and not given up.
    pub claims: Vec<Claimed>,
    /// The ids in the answers to other requests, by step.
    pub answers: BTreeMap<u32, String>,
    /// Acknowledged submissions: drop and user.
    pub submissions: Vec<(String, usize)>,
    /// Requests without a known outcome.
    pub open: Vec<(Step, Pending)>,
    /// Webhook events that no instance has accepted.
    pub undelivered: Vec<Value>,
    /// Number of webhook events on their way.
    pub events_on_their_way: usize,
}

impl Records {
    /// The end of a user's acknowledged lease on a slot of a drop.
    fn lease(&self, drop: &str, user: usize) -> Option<Timestamp> {
        let claim = self.claims.iter().find(|claim| claim.drop == drop && claim.user == user)?;
        Some(claim.lease_expires_at)
    }
}

/// A request without a known outcome.
#[derive(Clone, Debug)]
pub struct Pending {
    method: Method,
    path: String,
    body: String,
    key: Option<String>,
}

/// The stage: the functions, the users, and what was said.
#[derive(Clone)]
pub struct Stage {
    /// The functions.
    pub fleet: Arc<Fleet>,
    /// The users.
    pub users: Arc<Vec<Caller>>,
    /// The seed.
    pub seed: u64,
    /// True if a model judges.
    pub modelled: bool,
    /// The users who act.
    pub acting: Arc<BTreeSet<usize>>,
    records: Arc<Mutex<Records>>,
}

impl Stage {
    /// A stage on which nothing has happened.
    pub fn new(fleet: Arc<Fleet>, users: Arc<Vec<Caller>>, plan: &Plan) -> Self {
        let acting = plan.steps.iter().map(|step| step.user).collect();
        let Plan { seed, modelled, .. } = *plan;
        Self { fleet, users, seed, modelled, acting: Arc::new(acting), records: Arc::default() }
    }

    /// The records.
    pub fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if every webhook event was accepted.
    pub fn has_delivered_everything(&self) -> bool {
        let records = self.records();
        records.undelivered.is_empty() && records.events_on_their_way == 0
    }

    /// Carries out a step.
    pub async fn play(&self, step: &Step) {
        let task = Task::new(step.number);
        task.scope(self.act(&task, step)).await;
    }

    async fn act(&self, task: &Task, step: &Step) {
        match &step.action {
            Action::Post { price_cents, seconds, keyed } => {
                self.post(task, step, *price_cents, *seconds, *keyed).await;
            }
            Action::Pay { drop } => drop_call(self, task, step, *drop, "pay", &json!({})).await,
            Action::Cancel { drop } => drop_call(self, task, step, *drop, "cancel", &json!({})).await,
            Action::Claim { drop } => self.claim(task, step, *drop).await,
            Action::Release { drop, as_failed } => self.release(task, step, *drop, *as_failed).await,
            Action::Submit { drop, quality } => self.submit(task, step, *drop, *quality).await,
            Action::Appeal { drop } => {
                let body = json!({ "reason": "A second look, please" });
                drop_call(self, task, step, *drop, "appeal", &body).await;
            }
            Action::Look { drop } => self.look(task, step, *drop).await,
            Action::LookAtWallet => {
                self.ask(task, &Call::get(self.user(step), "/api/wallet/balance")).await;
            }
            Action::TopUp { cents, payer, keyed } => self.top_up(task, step, *cents, *payer, *keyed).await,
            Action::AutoTopUps { enabled, cents, threshold_cents } => {
                let body = json!({
                    "enabled": enabled, "amount_cents": cents, "threshold_cents": threshold_cents,
                });
                self.ask(task, &Call::post(self.user(step), "/api/wallet/auto-topup", &body)).await;
            }
            Action::SetCard { card } => self.set_cards(card).await,
            Action::Withdraw { cents, keyed } => self.withdraw(task, step, *cents, *keyed).await,
            Action::Refund { payment, cents, fails_after_millis } => {
                self.refund(*payment, *cents, *fails_after_millis).await;
            }
            Action::Dispute { payment, cents, inquiry, course } => {
                self.dispute(*payment, *cents, *inquiry, course).await;
            }
            Action::ReverseTransfer { transfer, cents } => self.reverse_transfer(*transfer, *cents).await,
            Action::Forge { old } => self.forge(task, *old).await,
            Action::Call { method, path, body } => self.call(task, step, method, path, body).await,
            Action::Upload { announced } => {
                let id = self.records().answers.get(announced).cloned().unwrap_or_default();
                self.fleet.site.with(|state| state.bucket.put(&format!("uploads/{id}")));
            }
            Action::SweepDrops { instance } => {
                task.in_process(self.sweep_drops(*instance)).await;
            }
            Action::Reconcile { instance } => {
                task.in_process(self.reconcile(*instance)).await;
            }
        }
    }

    fn user(&self, step: &Step) -> &Caller {
        &self.users[step.user]
    }

    /// Sends a request, and again where the outcome is unknown and a repetition is harmless.
    async fn ask(&self, task: &Task, call: &Call<'_>) -> Option<Answer> {
        let repeatable =
            call.method != Method::POST || !call.headers.is_empty() || is_decided_by_state(&call.path);
        for attempt in 1.. {
            let answer = self.send(task, call).await;
            let again = repeatable && attempt < TRIES && answer.as_ref().is_none_or(may_be_repeated);
            if !again {
                return answer;
            }
            sleep(Duration::from_millis(700 * u64::from(attempt * attempt))).await;
        }
        None
    }

    /// Sends a request once, and checks the answer.
    pub async fn send(&self, task: &Task, call: &Call<'_>) -> Option<Answer> {
        let answer = self.fleet.send(task, call).await?;
        self.check(task, call, &answer);
        Some(answer)
    }

    /// Checks what holds for every answer.
    fn check(&self, task: &Task, call: &Call<'_>, answer: &Answer) {
        let what = || format!("{} {} -> {} {}", call.method, call.path, answer.status, answer.text);
        if answer.status >= 500 && task.faults() == 0 {
            self.violation(format!("a server error without a fault: {}", what()));
        }
        if answer.status >= 400 && (answer.code().is_empty() || !answer.body["error"].is_string()) {
            self.violation(format!("an error without its form: {}", what()));
        }
        if answer.status >= 400 && !clorp_http::error_codes::ERROR_CODES.contains(&answer.code()) {
            self.violation(format!("an undeclared error: {}", what()));
        }
        for marked in answer.text.split(SEALED).skip(1) {
            let mut numbers = marked.split('-');
            let (step, user) = (numbers.next(), numbers.next());
            let own = user.and_then(|user| user.parse::<usize>().ok());
            let own = own.and_then(|user| self.users.get(user)).map(|user| &user.id);
            let open = step.and_then(|step| step.parse().ok()).is_some_and(|step| self.is_sealed(step));
            if open && own != call.caller.map(|caller| &caller.id) {
                self.violation(format!("a sealed text has left: {}", what()));
            }
        }
    }

    /// True if the drop that a step posted has not ended.
    fn is_sealed(&self, step: u32) -> bool {
        self.fleet.site.with(|state| {
            let ids = state.watch.drops.get(&step).cloned().unwrap_or_default();
            ids.iter().any(|id| {
                let item = state.table.item(&format!("DROP#{id}"), "DROP");
                item.is_some_and(|item| matches!(text(item, "status"), "open" | "ranking"))
            })
        })
    }

    fn violation(&self, line: String) {
        self.fleet.site.with(|state| state.watch.violation(line));
    }

    /// The id of the drop that a step posted, once it is in the table.
    fn drop_id(&self, step: u32) -> Option<String> {
        self.fleet.site.with(|state| state.watch.drops.get(&step)?.first().cloned())
    }

    fn keep_open(&self, step: &Step, call: &Call<'_>) {
        let key = call.headers.first().map(|(_, key)| key.clone());
        let pending =
            Pending { method: call.method.clone(), path: call.path.clone(), body: call.body.clone(), key };
        self.records().open.push((step.clone(), pending));
    }

    /// Sends the requests without a known outcome once more, if they may be repeated.
    pub async fn settle_open_requests(&self, task: &Task) {
        let open = std::mem::take(&mut self.records().open);
        for (step, pending) in open {
            let Pending { method, path, body, key } = pending;
            let mut call = Call::new(Some(&self.users[step.user]), method, path, body);
            if let Some(key) = &key {
                call = call.keyed(key);
            }
            let answer = self.ask(task, &call).await;
            self.note(&step, answer.as_ref(), 1);
        }
    }

    /// Records what a client was told about an operation that moves money.
    fn note(&self, step: &Step, answer: Option<&Answer>, requests: u32) {
        let mut records = self.records();
        let (operation, id) = match &step.action {
            Action::Post { .. } => (records.posts.get_mut(&step.number), "id"),
            Action::Withdraw { .. } => (records.withdrawals.get_mut(&step.number), "id"),
            Action::TopUp { .. } => (records.topups.get_mut(&step.number), "url"),
            _ => return,
        };
        let Some(operation) = operation else { return };
        operation.requests += requests;
        let Some(answer) = answer else { return };
        if answer.is_success() {
            operation.acknowledged = answer.body[id].as_str().map(str::to_owned);
        } else if answer.status < 500 {
            operation.refused = Some(answer.status);
        }
    }

    /// Makes a request of an operation, and records it.
    async fn operate(&self, task: &Task, step: &Step, call: Call<'_>) -> Option<Answer> {
        let answer = self.ask(task, &call).await;
        self.note(step, answer.as_ref(), 1);
        if answer.as_ref().is_none_or(may_be_repeated) && !call.headers.is_empty() {
            self.keep_open(step, &call);
        }
        answer
    }

    async fn post(&self, task: &Task, step: &Step, price_cents: i64, seconds: u32, keyed: bool) {
        let operation = Operation { user: step.user, cents: price_cents, keyed, ..Operation::default() };
        self.records().posts.insert(step.number, operation);
        let prompt = format!("Step {}: write a tagline about lighthouses in fog", step.number);
        let body = json!({
            "prompt": prompt, "price_cents": price_cents, "time_limit_seconds": seconds, "confirmed": true,
        });
        let call = keyed_if(keyed, step, Call::post(self.user(step), "/api/jobs/run", &body));
        self.operate(task, step, call).await;
    }

    async fn call(&self, task: &Task, step: &Step, method: &str, path: &str, body: &Value) {
        let (path, body) = (self.fill_in(path), self.fill_in(&body.to_string()));
        let Ok(method) = method.parse() else { return };
        let body = if body == "null" { String::new() } else { body };
        let mut call = Call::new(Some(self.user(step)), method, path, body);
        if call.method == Method::POST {
            call = call.keyed(&format!("step-{}", step.number));
        }
        let answer = self.ask(task, &call).await;
        if answer.as_ref().is_none_or(may_be_repeated) {
            self.keep_open(step, &call);
        }
        if let Some(id) = answer.as_ref().and_then(|answer| answer.body["id"].as_str()) {
            self.records().answers.insert(step.number, id.to_owned());
        }
    }

    /// Puts ids in the place of `{drop:N}` and `{id:N}`.
    fn fill_in(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        while let Some(begin) = filled.find("{drop:").or_else(|| filled.find("{id:")) {
            let Some(end) = filled[begin..].find('}').map(|end| begin + end) else { return filled };
            let (kind, number) = filled[begin + 1..end].split_once(':').unwrap_or_default();
            let number = number.parse().unwrap_or_default();
            let id = match kind {
                "drop" => self.drop_id(number),
                _ => self.records().answers.get(&number).cloned(),
            };
            filled.replace_range(begin..=end, &id.unwrap_or_default());
        }
        filled
    }

    async fn claim(&self, task: &Task, step: &Step, drop: u32) {
        let Some(id) = self.drop_id(drop) else { return };
        let call = Call::post(self.user(step), format!("/api/jobs/{id}/claim"), &json!({}));
        let Some(answer) = self.ask(task, &call).await.filter(Answer::is_success) else { return };
        let claim = &answer.body["your_claim"];
        let lease = claim["lease_expires_at"].as_str().and_then(|time| time.parse().ok());
        let Some(lease_expires_at) = lease else {
            return self.violation(format!("a claim without a lease: {}", answer.text));
        };
        self.records().claims.push(Claimed { drop: id, user: step.user, lease_expires_at });
    }

    async fn release(&self, task: &Task, step: &Step, drop: u32, as_failed: bool) {
        let Some(id) = self.drop_id(drop) else { return };
        self.records().claims.retain(|claim| claim.drop != id || claim.user != step.user);
        let verb = if as_failed { "fail" } else { "release" };
        let call = Call::post(self.user(step), format!("/api/jobs/{id}/{verb}"), &Value::Null);
        self.ask(task, &call).await;
    }

    async fn submit(&self, task: &Task, step: &Step, drop: u32, quality: u8) {
        let Some(id) = self.drop_id(drop) else { return };
        let text = output(drop, step, quality);
        let lease_ends = self.records().lease(&id, step.user);
        let body = json!({ "output_text": text });
        let call = Call::post(self.user(step), format!("/api/jobs/{id}/submit"), &body);
        let Some(answer) = self.ask(task, &call).await else { return };
        if answer.is_success() {
            self.records().submissions.push((id, step.user));
            return;
        }
        // A lease is a promise: until it ends, nobody else gets the slot.
        let later = self.fleet.site.now() + Duration::from_secs(2);
        if answer.status == 403 && lease_ends.is_some_and(|ends| later < ends) {
            self.violation(format!("a claim was lost within its lease: {id} {}", answer.text));
        }
    }

    async fn look(&self, task: &Task, step: &Step, drop: u32) {
        let Some(id) = self.drop_id(drop) else { return };
        for path in ["", "/submissions", "/logs", "/verdict"] {
            self.ask(task, &Call::get(self.user(step), format!("/api/jobs/{id}{path}"))).await;
        }
        for path in ["/api/board", "/api/feed"] {
            self.ask(task, &Call::new(None, Method::GET, path, String::new())).await;
        }
    }

    async fn top_up(&self, task: &Task, step: &Step, cents: i64, payer: Payer, keyed: bool) {
        // The amount names the step, so that a payment can be attributed.
        let operation = Operation { user: step.user, cents, keyed, ..Operation::default() };
        self.records().topups.insert(step.number, operation);
        let body = json!({ "amount_cents": cents });
        let call = keyed_if(keyed, step, Call::post(self.user(step), "/api/wallet/topup", &body));
        let Some(answer) = self.operate(task, step, call).await.filter(Answer::is_success) else { return };
        let Some(session) = answer.body["url"].as_str().and_then(|url| url.rsplit('/').next()) else {
            return;
        };
        sleep(Duration::from_millis(800)).await;
        let body = match payer {
            Payer::Pays => json!({ "outcome": "paid" }),
            Payer::PaysLater | Payer::FailsLater => json!({ "outcome": "async_pending" }),
            Payer::Leaves => return,
        };
        let path = format!("checkout/sessions/{session}/complete");
        let Some(paid) = self.control(&path, &body).await else { return };
        if matches!(payer, Payer::PaysLater | Payer::FailsLater) {
            sleep(Duration::from_secs(30)).await;
            let outcome = if payer == Payer::PaysLater { "paid" } else { "failed" };
            let intent = paid["payment_intent"].as_str().unwrap_or_default();
            self.control(&format!("payment_intents/{intent}/settle"), &json!({ "outcome": outcome })).await;
        }
    }

    async fn withdraw(&self, task: &Task, step: &Step, cents: i64, keyed: bool) {
        let operation = Operation { user: step.user, cents, keyed, ..Operation::default() };
        self.records().withdrawals.insert(step.number, operation);
        let body = json!({ "amount_cents": cents });
        let call = keyed_if(keyed, step, Call::post(self.user(step), "/api/wallet/withdraw", &body));
        self.operate(task, step, call).await;
    }

    /// Makes a control call of the sandbox. `None` if the bank cannot do that now.
    async fn control(&self, path: &str, body: &Value) -> Option<Value> {
        let stripe = self.fleet.site.with(|state| state.stripe.clone());
        let done = stripe.control(path, body).await;
        self.fleet.site.with(|state| {
            let now = state.now();
            state.watch.tell(|| format!("{now} bank: {path} {body} -> {}", done.is_ok()));
        });
        self.fleet.site.arrivals.notify_one();
        done.ok()
    }

    fn objects(&self, kind: Kind) -> Vec<Value> {
        self.fleet.site.with(|state| state.stripe.objects(kind))
    }

    async fn set_cards(&self, card: &str) {
        for method in self.objects(Kind::PaymentMethod) {
            let id = method["id"].as_str().unwrap_or_default();
            self.control(&format!("payment_methods/{id}"), &json!({ "card": card })).await;
        }
    }

    /// The charge of a succeeded payment.
    fn charge(&self, payment: u8) -> Option<String> {
        let mut charges = self.objects(Kind::Charge);
        charges.retain(|charge| charge["status"] == "succeeded");
        let place = usize::from(payment).checked_rem(charges.len())?;
        charges[place]["id"].as_str().map(str::to_owned)
    }

    async fn refund(&self, payment: u8, cents: Option<i64>, fails_after_millis: Option<u64>) {
        let Some(charge) = self.charge(payment) else { return };
        let made = self.control(&format!("charges/{charge}/refund"), &amount(cents)).await;
        let (Some(made), Some(fails_after)) = (made, fails_after_millis) else { return };
        sleep(Duration::from_millis(fails_after)).await;
        let refund = made["id"].as_str().unwrap_or_default();
        self.control(&format!("refunds/{refund}/fail"), &json!({})).await;
    }

    async fn dispute(&self, payment: u8, cents: Option<i64>, inquiry: bool, course: &[BankMove]) {
        let Some(charge) = self.charge(payment) else { return };
        let mut body = amount(cents);
        body["inquiry"] = json!(inquiry);
        let Some(opened) = self.control(&format!("charges/{charge}/dispute"), &body).await else { return };
        let id = opened["id"].as_str().unwrap_or_default();
        for step in course {
            sleep(Duration::from_millis(step.after_millis)).await;
            self.control(&format!("disputes/{id}/{}", step.call), &step.body).await;
        }
    }

    async fn reverse_transfer(&self, transfer: u8, cents: Option<i64>) {
        let transfers = self.objects(Kind::Transfer);
        let Some(place) = usize::from(transfer).checked_rem(transfers.len()) else { return };
        let id = transfers[place]["id"].as_str().unwrap_or_default();
        self.control(&format!("transfers/{id}/reverse"), &amount(cents)).await;
    }

    /// Sends an event about a payment that nobody made, or one whose signature is too old. It must be
    /// refused.
    async fn forge(&self, task: &Task, old: bool) {
        let mut topups = self.objects(Kind::CheckoutSession);
        let unpaid = topups.iter().position(|session| session["payment_status"] == "unpaid");
        if topups.is_empty() {
            return;
        }
        let mut session = topups.swap_remove(unpaid.unwrap_or(0));
        session["payment_status"] = json!("paid");
        session["status"] = json!("complete");
        session["payment_intent"] = json!("pi_forged");
        let event = json!({
            "id": "evt_forged", "object": "event", "type": "checkout.session.completed",
            "created": self.fleet.site.now().as_second(), "livemode": false, "api_version": "2026-09-30.endive",
            "data": { "object": session },
        });
        let seconds = self.fleet.site.now().as_second();
        let (body, signature) =
            self.fleet.site.with(|state| state.stripe.delivery_at(&event, seconds - MAX_AGE_SECONDS));
        let signature = if old { signature } else { format!("t={seconds},v1={}", "0".repeat(64)) };
        let mut call = Call::new(None, Method::POST, "/api/stripe/webhook", body);
        call.headers.push(("stripe-signature", signature));
        if let Some(answer) = self.ask(task, &call).await
            && answer.is_success()
        {
            self.violation("a forged event was accepted".to_owned());
        }
    }

    /// Runs the ranking's schedule once.
    pub async fn sweep_drops(&self, instance: usize) -> Option<Value> {
        let event = json!({ "source": "aws.events" });
        self.rank(instance, event).await
    }

    /// Passes an event to an instance of the ranking.
    pub async fn rank(&self, instance: usize, event: Value) -> Option<Value> {
        let fleet = &self.fleet;
        let rankings = if self.modelled { &fleet.modelled_rankings } else { &fleet.rankings };
        let event = serde_json::from_value(event).ok()?;
        let done = clorp_deadline::scope(
            tokio::time::Instant::now() + Duration::from_secs(55),
            clorp_ranking::event::handle(&rankings[instance], event),
        );
        done.await.ok()
    }

    /// Runs the reconciler's schedule once.
    pub async fn reconcile(&self, instance: usize) -> Option<Value> {
        let event = clorp_reconciler::Event { source: "aws.events".to_owned() };
        let done = clorp_deadline::scope(
            tokio::time::Instant::now() + Duration::from_secs(55),
            clorp_reconciler::handle(&self.fleet.reconcilers[instance], event),
        );
        done.await.ok()
    }
}

async fn drop_call(stage: &Stage, task: &Task, step: &Step, drop: u32, verb: &str, body: &Value) {
    let Some(id) = stage.drop_id(drop) else { return };
    stage.ask(task, &Call::post(stage.user(step), format!("/api/jobs/{id}/{verb}"), body)).await;
}

/// The text that a step submits.
fn output(drop: u32, step: &Step, quality: u8) -> String {
    const WORDS: [&str; 16] = [
        "harbour", "lantern", "gulls", "brass", "keeper", "tide", "granite", "whistle", "amber", "rope",
        "north", "salt", "engine", "violet", "compass", "thunder",
    ];
    if quality == 0 {
        return format!("Step {drop}: write a tagline about lighthouses in fog");
    }
    let mut rng = fastrand::Rng::with_seed(u64::from(step.number) * 31 + u64::from(quality));
    let words: Vec<&str> = (0..usize::from(quality) + 3).map(|_| WORDS[rng.usize(..WORDS.len())]).collect();
    format!(
        "In fog the {} holds, quality: {} {SEALED}{drop}-{}-",
        words.join(" "),
        u32::from(quality) * 10,
        step.user
    )
}

fn amount(cents: Option<i64>) -> Value {
    cents.map_or_else(|| json!({}), |cents| json!({ "amount": cents }))
}

fn keyed_if<'a>(keyed: bool, step: &Step, call: Call<'a>) -> Call<'a> {
    if keyed { call.keyed(&format!("step-{}", step.number)) } else { call }
}

/// True if the state of a drop decides a request, so that a repetition does no harm.
fn is_decided_by_state(path: &str) -> bool {
    const ENDS: [&str; 8] =
        ["/claim", "/reserve", "/submit", "/cancel", "/pay", "/release", "/fail", "/auto-topup"];
    ENDS.iter().any(|end| path.ends_with(end))
}

/// True if an answer invites the client to send the request again.
pub fn may_be_repeated(answer: &Answer) -> bool {
    answer.status >= 500 || answer.code() == "idempotency_in_flight"
}
