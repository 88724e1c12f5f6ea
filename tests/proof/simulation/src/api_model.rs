//! The API against a small reference model: random sequences of requests, each answer compared with the
//! model's. A failing sequence is shrunk and kept.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::http::Method;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};
use serde_json::{Value, json};

use crate::client::{Answer, Call};
use crate::play::Stage;
use crate::run::Ground;
use crate::setup::initial_cents;
use crate::task::Task;

const USERS: usize = 4;
/// The slots of a drop.
const MAX_CLAIMS: usize = 3;
/// The time before which a full drop is not ranked, in seconds.
const MIN_RACE_SECONDS: u64 = 10;
const NAMES: [&str; 3] = ["Alpha", "Beta", "Gamma"];

/// A request, or time that passes. A `nth` thing is counted from the first one, modulo their number.
#[derive(Clone, Debug)]
enum Step {
    Post { user: usize, price: i64, seconds: u64 },
    Pay { user: usize, nth: usize },
    Cancel { user: usize, nth: usize },
    Claim { user: usize, nth: usize },
    Release { user: usize, nth: usize },
    Submit { user: usize, nth: usize, text: usize },
    Look { user: usize, nth: usize },
    Board,
    CreateAgent { user: usize, name: usize },
    RenameAgent { user: usize, nth: usize, name: usize },
    DeleteAgent { user: usize, nth: usize },
    CreateKey { user: usize },
    RevokeKey { user: usize, nth: usize },
    UseKey { nth: usize },
    Balance { user: usize },
    Wait { seconds: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    let user = || 0..USERS;
    let nth = || 0..4_usize;
    prop_oneof![
        6 => (user(), prop::sample::select(vec![100, 500, 2_000, 15_000]), prop::sample::select(vec![30, 60]))
            .prop_map(|(user, price, seconds)| Post { user, price, seconds }),
        2 => (user(), nth()).prop_map(|(user, nth)| Pay { user, nth }),
        2 => (user(), nth()).prop_map(|(user, nth)| Cancel { user, nth }),
        9 => (user(), nth()).prop_map(|(user, nth)| Claim { user, nth }),
        2 => (user(), nth()).prop_map(|(user, nth)| Release { user, nth }),
        7 => (user(), nth(), 0..3_usize).prop_map(|(user, nth, text)| Submit { user, nth, text }),
        2 => (user(), nth()).prop_map(|(user, nth)| Look { user, nth }),
        1 => Just(Board),
        2 => (user(), 0..NAMES.len()).prop_map(|(user, name)| CreateAgent { user, name }),
        1 => (user(), nth(), 0..NAMES.len()).prop_map(|(user, nth, name)| RenameAgent { user, nth, name }),
        1 => (user(), nth()).prop_map(|(user, nth)| DeleteAgent { user, nth }),
        1 => user().prop_map(|user| CreateKey { user }),
        1 => (user(), nth()).prop_map(|(user, nth)| RevokeKey { user, nth }),
        1 => nth().prop_map(|nth| UseKey { nth }),
        1 => user().prop_map(|user| Balance { user }),
        3 => prop::sample::select(vec![1, 11, 31, 61]).prop_map(|seconds| Wait { seconds }),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    PendingPayment,
    Open,
    Ended(&'static str),
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::PendingPayment => "pending_payment",
            Self::Open => "open",
            Self::Ended(name) => name,
        }
    }
}

#[derive(Clone, Debug)]
struct Drop {
    id: String,
    sender: usize,
    price: i64,
    seconds: u64,
    status: Status,
    /// The time at which the drop opened; `None` if it never did, so that it was never on the board.
    opened_at: Option<u64>,
    /// The claims, with the text that was submitted.
    claims: BTreeMap<usize, Option<String>>,
    /// The users who have released a slot. A release without a claim is then a repetition.
    released: BTreeSet<usize>,
}

impl Drop {
    fn submissions(&self) -> usize {
        self.claims.values().flatten().count()
    }

    fn is_over(&self, now: u64) -> bool {
        self.opened_at.is_some_and(|opened_at| now >= opened_at + self.seconds)
    }

    /// True if the drop is to be judged or to expire.
    fn is_due(&self, now: u64) -> bool {
        let raced = self.opened_at.is_some_and(|opened_at| now >= opened_at + MIN_RACE_SECONDS);
        let full = self.submissions() == MAX_CLAIMS && raced;
        self.status == Status::Open && (self.is_over(now) || full)
    }
}

/// The model: what the contract says about accounts, drops, agents and keys.
#[derive(Clone, Debug)]
struct Model {
    balances: Vec<i64>,
    drops: Vec<Drop>,
    agents: Vec<BTreeMap<String, String>>,
    keys: Vec<(usize, String, String, bool)>,
    now: u64,
}

/// An answer that the model expects: status and, for an error, its code.
type Expected = (u16, &'static str);

const NOT_FOUND: Expected = (404, "not_found");

impl Model {
    fn new() -> Self {
        Self {
            balances: (0..USERS).map(initial_cents).collect(),
            drops: Vec::new(),
            agents: vec![BTreeMap::new(); USERS],
            keys: Vec::new(),
            now: 0,
        }
    }

    fn drop(&self, nth: usize) -> Option<usize> {
        nth.checked_rem(self.drops.len())
    }

    /// The refusal for somebody who is not the sender, if any.
    fn only_sender(drop: &Drop, user: usize) -> Option<Expected> {
        if drop.sender == user {
            None
        } else if drop.claims.contains_key(&user) {
            Some((403, "not_the_sender"))
        } else {
            Some(NOT_FOUND)
        }
    }

    fn pay(&mut self, user: usize, at: usize) -> Expected {
        let now = self.now;
        let drop = &mut self.drops[at];
        if let Some(refused) = Self::only_sender(drop, user) {
            return refused;
        }
        if drop.status != Status::PendingPayment {
            return (400, "drop_not_pending");
        }
        if self.balances[user] < drop.price {
            return (402, "insufficient_balance");
        }
        self.balances[user] -= drop.price;
        (drop.status, drop.opened_at) = (Status::Open, Some(now));
        (200, "")
    }

    fn cancel(&mut self, user: usize, at: usize) -> Expected {
        let drop = &mut self.drops[at];
        if let Some(refused) = Self::only_sender(drop, user) {
            return refused;
        }
        match drop.status {
            Status::Ended(_) => return (200, ""),
            Status::Open if drop.submissions() > 0 => return (409, "drop_has_submissions"),
            Status::Open => self.balances[user] += drop.price,
            Status::PendingPayment => {}
        }
        drop.status = Status::Ended("cancelled");
        (200, "")
    }

    fn claim(&mut self, user: usize, at: usize) -> Expected {
        let now = self.now;
        let drop = &mut self.drops[at];
        if drop.sender == user {
            return (403, "own_drop");
        }
        if drop.opened_at.is_none() {
            return NOT_FOUND;
        }
        if drop.claims.contains_key(&user) {
            return (200, "");
        }
        match drop.status {
            Status::Open if drop.is_over(now) => (409, "window_closed"),
            Status::Open if drop.claims.len() == MAX_CLAIMS => (409, "max_claims_reached"),
            Status::Open => {
                drop.claims.insert(user, None);
                (201, "")
            }
            _ => (409, "drop_not_open"),
        }
    }

    fn submit(&mut self, user: usize, at: usize, text: &str) -> Expected {
        let now = self.now;
        let drop = &mut self.drops[at];
        let (open, over) = (drop.status == Status::Open, drop.is_over(now));
        let stranger = Self::stranger(drop, user);
        let Some(claim) = drop.claims.get_mut(&user) else { return stranger };
        match claim {
            Some(known) if known == text => (200, ""),
            Some(_) => (409, "already_submitted"),
            None if !open => (409, "drop_not_open"),
            None if over => (409, "window_closed"),
            None => {
                *claim = Some(text.to_owned());
                (201, "")
            }
        }
    }

    fn release(&mut self, user: usize, at: usize) -> Expected {
        let now = self.now;
        let drop = &mut self.drops[at];
        let stranger = Self::stranger(drop, user);
        match drop.claims.get(&user) {
            None if drop.released.contains(&user) => (200, ""),
            None => stranger,
            Some(Some(_)) => (409, "already_submitted"),
            Some(None) if drop.status != Status::Open => (409, "drop_not_open"),
            Some(None) if drop.is_over(now) => (409, "window_closed"),
            Some(None) => {
                drop.claims.remove(&user);
                drop.released.insert(user);
                (200, "")
            }
        }
    }

    /// The answer to somebody who holds no claim.
    fn stranger(drop: &Drop, user: usize) -> Expected {
        match (drop.sender == user, drop.status) {
            (true, _) => (403, "own_drop"),
            (false, Status::Open) => (403, "not_a_claimant"),
            _ => NOT_FOUND,
        }
    }
}

/// One sequence against the API.
struct Run<'a> {
    stage: &'a Stage,
    task: Task,
    model: Model,
    sent: usize,
}

impl Run<'_> {
    async fn send(&self, call: Call<'_>) -> Answer {
        self.stage.send(&self.task, &call).await.expect("an answer without a fault")
    }

    async fn post(&mut self, user: usize, path: String, body: Value) -> Answer {
        let users = self.stage.users.clone();
        self.sent += 1;
        let call = Call::post(&users[user], path, &body).keyed(&format!("key-{}", self.sent));
        self.send(call).await
    }

    async fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Post { user, price, seconds } => self.post_drop(user, price, seconds).await,
            Step::Pay { user, nth } => self.on_drop(user, nth, "pay", Model::pay).await,
            Step::Cancel { user, nth } => self.on_drop(user, nth, "cancel", Model::cancel).await,
            Step::Claim { user, nth } => self.on_drop(user, nth, "claim", Model::claim).await,
            Step::Release { user, nth } => self.on_drop(user, nth, "release", Model::release).await,
            Step::Submit { user, nth, text } => self.submit(user, nth, text).await,
            Step::Look { user, nth } => self.look(user, nth).await,
            Step::Board => self.board().await,
            Step::CreateAgent { user, name } => self.create_agent(user, NAMES[name]).await,
            Step::RenameAgent { user, nth, name } => self.rename_agent(user, nth, NAMES[name]).await,
            Step::DeleteAgent { user, nth } => self.delete_agent(user, nth).await,
            Step::CreateKey { user } => self.create_key(user).await,
            Step::RevokeKey { user, nth } => self.revoke_key(user, nth).await,
            Step::UseKey { nth } => self.use_key(nth).await,
            Step::Balance { user } => self.balance(user).await,
            Step::Wait { seconds } => self.wait(seconds).await,
        }
    }

    async fn post_drop(&mut self, user: usize, price: i64, seconds: u64) -> Result<(), TestCaseError> {
        let prompt = format!("Drop {}: a tagline about lighthouses in fog", self.model.drops.len());
        let body = json!({
            "prompt": prompt, "price_cents": price, "time_limit_seconds": seconds, "confirmed": true,
        });
        let answer = self.post(user, "/api/jobs/run".to_owned(), body).await;
        let paid = self.model.balances[user] >= price;
        prop_assert_eq!(answer.status, if paid { 201 } else { 402 }, "{}", answer.text);
        if paid {
            self.model.balances[user] -= price;
        } else {
            let available = self.model.balances[user];
            prop_assert_eq!(&answer.body["available"], &json!(available), "{}", answer.text);
        }
        let status = if paid { Status::Open } else { Status::PendingPayment };
        self.model.drops.push(Drop {
            id: answer.body["id"].as_str().expect("an id").to_owned(),
            sender: user,
            price,
            seconds,
            status,
            opened_at: paid.then_some(self.model.now),
            claims: BTreeMap::new(),
            released: BTreeSet::new(),
        });
        Ok(())
    }

    async fn on_drop(
        &mut self,
        user: usize,
        nth: usize,
        verb: &str,
        decide: impl Fn(&mut Model, usize, usize) -> Expected,
    ) -> Result<(), TestCaseError> {
        let Some(at) = self.model.drop(nth) else { return Ok(()) };
        let path = format!("/api/jobs/{}/{verb}", self.model.drops[at].id);
        let answer = self.post(user, path, Value::Null).await;
        let expected = decide(&mut self.model, user, at);
        compare(&answer, expected)
    }

    async fn submit(&mut self, user: usize, nth: usize, text: usize) -> Result<(), TestCaseError> {
        let Some(at) = self.model.drop(nth) else { return Ok(()) };
        let text = output(at, user, text);
        let path = format!("/api/jobs/{}/submit", self.model.drops[at].id);
        let answer = self.post(user, path, json!({ "output_text": text })).await;
        let expected = self.model.submit(user, at, &text);
        compare(&answer, expected)
    }

    async fn look(&mut self, user: usize, nth: usize) -> Result<(), TestCaseError> {
        let Some(at) = self.model.drop(nth) else { return Ok(()) };
        let drop = self.model.drops[at].clone();
        let users = self.stage.users.clone();
        let answer = self.send(Call::get(&users[user], format!("/api/jobs/{}", drop.id))).await;
        if drop.sender != user && !drop.claims.contains_key(&user) {
            return compare(&answer, NOT_FOUND);
        }
        prop_assert_eq!(answer.status, 200, "{}", answer.text);
        let shown = (&answer.body["status"], &answer.body["claims_count"], &answer.body["submissions_count"]);
        let due = (json!(drop.status.name()), json!(drop.claims.len()), json!(drop.submissions()));
        prop_assert_eq!(shown, (&due.0, &due.1, &due.2), "{}", answer.text);
        Ok(())
    }

    async fn board(&mut self) -> Result<(), TestCaseError> {
        let answer = self.send(Call::new(None, Method::GET, "/api/board?limit=100", String::new())).await;
        let shown: BTreeSet<&str> =
            answer.body.as_array().expect("a list").iter().filter_map(|one| one["id"].as_str()).collect();
        let open: BTreeSet<&str> = self
            .model
            .drops
            .iter()
            .filter(|drop| drop.status == Status::Open && !drop.is_over(self.model.now))
            .map(|drop| drop.id.as_str())
            .collect();
        prop_assert_eq!(shown, open);
        Ok(())
    }

    async fn create_agent(&mut self, user: usize, name: &str) -> Result<(), TestCaseError> {
        let answer = self.post(user, "/api/agents".to_owned(), json!({ "name": name })).await;
        if self.model.agents[user].values().any(|known| known == name) {
            return compare(&answer, (409, "agent_name_taken"));
        }
        prop_assert_eq!(answer.status, 201, "{}", answer.text);
        let id = answer.body["id"].as_str().expect("an id").to_owned();
        self.model.agents[user].insert(id, name.to_owned());
        Ok(())
    }

    fn agent(&self, user: usize, nth: usize) -> Option<String> {
        let agents = &self.model.agents[user];
        agents.keys().nth(nth.checked_rem(agents.len())?).cloned()
    }

    async fn rename_agent(&mut self, user: usize, nth: usize, name: &str) -> Result<(), TestCaseError> {
        let Some(id) = self.agent(user, nth) else { return Ok(()) };
        let users = self.stage.users.clone();
        let body = json!({ "name": name }).to_string();
        let path = format!("/api/agents/{id}");
        let answer =
            self.send(Call::new(Some(&users[user]), Method::PATCH, path.clone(), body.clone())).await;
        if self.model.agents[user].iter().any(|(other, known)| known == name && *other != id) {
            return compare(&answer, (409, "agent_name_taken"));
        }
        prop_assert_eq!(answer.status, 200, "{}", answer.text);
        self.model.agents[user].insert(id, name.to_owned());
        let stranger = (user + 1) % USERS;
        let answer = self.send(Call::new(Some(&users[stranger]), Method::PATCH, path, body)).await;
        compare(&answer, NOT_FOUND)
    }

    async fn delete_agent(&mut self, user: usize, nth: usize) -> Result<(), TestCaseError> {
        let Some(id) = self.agent(user, nth) else { return Ok(()) };
        let users = self.stage.users.clone();
        let delete =
            || Call::new(Some(&users[user]), Method::DELETE, format!("/api/agents/{id}"), String::new());
        prop_assert_eq!(self.send(delete()).await.status, 204);
        self.model.agents[user].remove(&id);
        compare(&self.send(delete()).await, NOT_FOUND)
    }

    async fn create_key(&mut self, user: usize) -> Result<(), TestCaseError> {
        let answer = self.post(user, "/api/keys".to_owned(), json!({ "name": "one more" })).await;
        prop_assert_eq!(answer.status, 201, "{}", answer.text);
        let text = |name: &str| answer.body[name].as_str().expect("text").to_owned();
        self.model.keys.push((user, text("id"), text("secret"), true));
        Ok(())
    }

    async fn revoke_key(&mut self, user: usize, nth: usize) -> Result<(), TestCaseError> {
        let Some(at) = nth.checked_rem(self.model.keys.len()) else { return Ok(()) };
        let (owner, id, _, live) = self.model.keys[at].clone();
        let users = self.stage.users.clone();
        let path = format!("/api/keys/{id}");
        let answer = self.send(Call::new(Some(&users[user]), Method::DELETE, path, String::new())).await;
        if owner != user || !live {
            return compare(&answer, NOT_FOUND);
        }
        self.model.keys[at].3 = false;
        prop_assert_eq!(answer.status, 204, "{}", answer.text);
        Ok(())
    }

    async fn use_key(&mut self, nth: usize) -> Result<(), TestCaseError> {
        let Some(at) = nth.checked_rem(self.model.keys.len()) else { return Ok(()) };
        let (owner, _, secret, live) = self.model.keys[at].clone();
        let mut caller = self.stage.users[owner].clone();
        caller.authorization = format!("Bearer {secret}");
        let answer = self.send(Call::post(&caller, "/api/whoami", &Value::Null)).await;
        if !live {
            return compare(&answer, (401, "authentication_required"));
        }
        prop_assert_eq!(&answer.body["user"]["id"], &json!(caller.id), "{}", answer.text);
        Ok(())
    }

    async fn balance(&mut self, user: usize) -> Result<(), TestCaseError> {
        let users = self.stage.users.clone();
        let answer = self.send(Call::get(&users[user], "/api/wallet/balance")).await;
        prop_assert_eq!(&answer.body["balance_cents"], &json!(self.model.balances[user]), "{}", answer.text);
        Ok(())
    }

    /// Lets time pass, and settles what is due.
    async fn wait(&mut self, seconds: u64) -> Result<(), TestCaseError> {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        // The answers take time as well. No boundary of the model is as near as that.
        self.model.now += seconds;
        self.stage.sweep_drops(0).await.expect("the sweep runs");
        let now = self.model.now;
        let due: Vec<usize> =
            (0..self.model.drops.len()).filter(|at| self.model.drops[*at].is_due(now)).collect();
        for at in due {
            self.end(at).await?;
        }
        Ok(())
    }

    /// Ends a drop in the model. The judge alone knows the winner, so the API is asked for it.
    async fn end(&mut self, at: usize) -> Result<(), TestCaseError> {
        let drop = self.model.drops[at].clone();
        if drop.submissions() == 0 {
            self.model.balances[drop.sender] += drop.price;
            self.model.drops[at].status = Status::Ended("expired");
            return Ok(());
        }
        let users = self.stage.users.clone();
        let verdict =
            self.send(Call::get(&users[drop.sender], format!("/api/jobs/{}/verdict", drop.id))).await;
        prop_assert_eq!(verdict.status, 200, "{}", verdict.text);
        let ranked = verdict.body["submissions"].as_array().expect("a list").clone();
        prop_assert_eq!(ranked.len(), drop.submissions(), "{}", verdict.text);
        let first = ranked.iter().find(|one| one["rank"] == 1).expect("a winner");
        let winner = users.iter().position(|user| first["worker"] == user.id.as_str()).expect("a user");
        prop_assert!(drop.claims.get(&winner).is_some_and(Option::is_some), "{}", verdict.text);
        let fee = (drop.price / 5 + 50).min(drop.price);
        self.model.balances[winner] += drop.price - fee;
        self.model.drops[at].status = Status::Ended("completed");
        // A claim without a submission has lapsed. Its holder may look, and may not act.
        Ok(())
    }

    /// Compares everything that can be read with the model.
    async fn finish(&mut self) -> Result<(), TestCaseError> {
        for user in 0..USERS {
            self.balance(user).await?;
        }
        for at in 0..self.model.drops.len() {
            let sender = self.model.drops[at].sender;
            self.look(sender, at).await?;
        }
        let violations = self.stage.fleet.site.with(|state| state.watch.violations.clone());
        prop_assert!(violations.is_empty(), "{:?}", violations);
        Ok(())
    }
}

/// A submission's text. No two are alike.
fn output(drop: usize, user: usize, text: usize) -> String {
    const SUBJECTS: [&str; USERS] = ["brass lanterns", "violet gulls", "granite harbours", "patient keepers"];
    const VERBS: [&str; 3] = ["guide every ship home", "outlast the longest night", "sing above the tide"];
    format!("Through fog number {drop}, {} {}.", SUBJECTS[user], VERBS[text])
}

fn compare(answer: &Answer, expected: Expected) -> Result<(), TestCaseError> {
    prop_assert_eq!((answer.status, answer.code()), expected, "{}", answer.text);
    Ok(())
}

/// Runs this many random sequences. The last ones to fail are kept in a file, if one is given, and run first.
///
/// # Errors
/// The shortest sequence found in which an answer is not the model's.
pub fn compare_sequences(sequences: u32, kept: Option<&'static str>) -> Result<(), String> {
    let ground = Ground::new().map_err(|error| format!("{error:#}"))?;
    let config = Config {
        cases: sequences,
        max_shrink_iters: 2_000,
        failure_persistence: kept.map(|path| Box::new(FileFailurePersistence::Direct(path)) as Box<_>),
        ..Config::default()
    };
    let steps = prop::collection::vec(step(), 1..15);
    let outcome = TestRunner::new(config).run(&steps, |steps| {
        let run = async |stage: &Stage| {
            let mut run = Run { stage, task: Task::new(1), model: Model::new(), sent: 0 };
            for step in &steps {
                run.step(step).await?;
            }
            run.finish().await
        };
        ground.play(1, run).expect("a run")
    });
    outcome.map_err(|failure| failure.to_string())
}
