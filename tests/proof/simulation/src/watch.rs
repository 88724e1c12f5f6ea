//! Observation of the table: every write is seen, and what must hold after each is checked at once.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use clorp_dynamo_model::{Database, Failure, Item};
use jiff::Timestamp;
use serde_json::Value;

/// Most table calls of one seed. A run that needs more does not come to rest.
pub const MAX_CALLS: u64 = 20_000;

/// The kinds of records whose states are followed.
const FOLLOWED: [(&str, &str); 4] =
    [("DROP", "drop"), ("TOPUP#", "topup"), ("WITHDRAWAL#", "withdrawal"), ("DISPUTE", "dispute")];

/// The changes of a record's status that are allowed.
const ALLOWED: [(&str, &str, &str); 15] = [
    ("drop", "", "pending_payment"),
    ("drop", "", "open"),
    ("drop", "pending_payment", "open"),
    ("drop", "pending_payment", "cancelled"),
    ("drop", "open", "ranking"),
    ("drop", "open", "cancelled"),
    ("drop", "open", "expired"),
    ("drop", "ranking", "completed"),
    ("drop", "ranking", "expired"),
    ("topup", "", "pending"),
    ("topup", "pending", "paid"),
    ("topup", "pending", "failed"),
    ("withdrawal", "", "pending"),
    ("withdrawal", "pending", "paid"),
    ("withdrawal", "pending", "refused"),
];

/// The beginning of a withdrawal.
#[derive(Clone, Debug)]
pub struct Reserved {
    /// The user.
    pub user: String,
    /// The withdrawal's id.
    pub id: String,
    /// The amount, in cents.
    pub cents: i64,
    /// The time.
    pub at: Timestamp,
}

/// What was observed in one run.
#[derive(Debug, Default)]
pub struct Watch {
    /// Rules that were broken, one line each.
    pub violations: Vec<String>,
    /// Number of times that a record of a kind went from one status to another.
    pub transitions: BTreeMap<(&'static str, String, String), u64>,
    /// The ids of the drops, by the number of the step that posted them.
    pub drops: BTreeMap<u32, Vec<String>>,
    /// The withdrawals, in the order of their beginning.
    pub reserved: Vec<Reserved>,
    /// Number of usable judgements, by the request's contents.
    pub judgements: BTreeMap<u64, u32>,
    /// Number of calls to the table.
    pub calls: u64,
    /// A line for each event, if the run is to be told.
    pub story: Option<Vec<String>>,
    statuses: BTreeMap<(String, String), String>,
    winners: BTreeMap<String, String>,
    /// The ledger's entries, by key.
    entries: BTreeSet<(String, String)>,
    digest: DefaultHasher,
}

impl Watch {
    /// A watch that also keeps a line for each event.
    pub fn telling() -> Self {
        Self { story: Some(Vec::new()), ..Self::default() }
    }

    /// Adds a line to the story.
    pub fn tell(&mut self, line: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            story.push(line());
        }
    }

    /// Records a broken rule.
    pub fn violation(&mut self, line: String) {
        self.tell(|| format!("VIOLATION {line}"));
        self.violations.push(line);
    }

    /// A number that two runs have in common if they made the same calls with the same outcomes.
    pub fn digest(&self) -> u64 {
        self.digest.clone().finish()
    }

    /// Adds something to the digest.
    pub fn note(&mut self, what: &impl Hash) {
        what.hash(&mut self.digest);
    }

    /// Observes an answered request for a judgement.
    pub fn saw_judgement(&mut self, request: &Value, usable: bool) {
        if usable {
            let mut hasher = DefaultHasher::new();
            request.to_string().hash(&mut hasher);
            *self.judgements.entry(hasher.finish()).or_default() += 1;
        }
    }

    /// Observes a request to the table that was carried out.
    pub fn saw_table_call(
        &mut self,
        operation: &str,
        request: &Value,
        answer: &Result<Value, Failure>,
        table: &Database,
        now: Timestamp,
    ) {
        self.calls += 1;
        let kind = answer.as_ref().err().map(|failure| failure.body["__type"].as_str().unwrap_or_default());
        self.note(&(operation, kind, now.as_microsecond()));
        if let Some(Err(failure)) = Some(answer).filter(|answer| answer.is_err())
            && failure.body["__type"].as_str().is_some_and(|kind| kind.ends_with("ValidationException"))
        {
            self.violation(format!("an invalid request: {operation}: {}", failure.body));
        }
        self.tell(|| format!("{now} {operation} {} -> {}", brief(request), outcome(answer)));
        if answer.is_ok() {
            for key in written_keys(operation, request) {
                self.saw_write(key, table, now);
            }
        }
    }

    fn saw_write(&mut self, key: &Value, table: &Database, now: Timestamp) {
        let (Some(pk), Some(sk)) = (key["pk"]["S"].as_str(), key["sk"]["S"].as_str()) else { return };
        if sk.starts_with("LEDGER#") {
            return self.saw_entry(pk, sk, table);
        }
        let followed = FOLLOWED
            .iter()
            .find(|(name, _)| if name.ends_with('#') { sk.starts_with(name) } else { sk == *name });
        let Some((_, kind)) = followed else { return };
        let Some(item) = table.item(pk, sk) else { return };
        let text = |name: &str| item.get(name).and_then(|value| value["S"].as_str());
        let status = text("status").unwrap_or_default();
        self.follow(kind, pk, sk, status);
        match *kind {
            "drop" => self.saw_drop(pk, item),
            "withdrawal" if !self.reserved.iter().any(|one| sk.ends_with(&one.id)) => {
                self.require_unfrozen(pk, sk, table);
                self.reserved.push(Reserved {
                    user: pk.trim_start_matches("USER#").to_owned(),
                    id: sk.trim_start_matches("WITHDRAWAL#").to_owned(),
                    cents: number(item, "amount_cents").unwrap_or_default(),
                    at: now,
                });
            }
            _ => {}
        }
    }

    /// Checks that a wallet that pays for a drop or a withdrawal holds the amount.
    fn saw_entry(&mut self, pk: &str, sk: &str, table: &Database) {
        // A transaction that is repeated under its token succeeds, and writes nothing.
        if !self.entries.insert((pk.to_owned(), sk.to_owned())) {
            return;
        }
        let Some(entry) = table.item(pk, sk) else { return };
        let reason = entry.get("reason").and_then(|reason| reason["S"].as_str()).unwrap_or_default();
        if !["drop:", "withdraw:"].iter().any(|spending| reason.starts_with(spending)) {
            return;
        }
        let balance = table.item(pk, "USER").and_then(|user| number(user, "balance_cents")).unwrap_or(0);
        if balance < 0 {
            self.violation(format!("{pk} has {balance} after {reason}"));
        }
    }

    /// Checks that the user of a new withdrawal is not frozen.
    fn require_unfrozen(&mut self, pk: &str, sk: &str, table: &Database) {
        let Some(user) = table.item(pk, "USER") else { return };
        if ["frozen_because", "frozen_by_disputes"].iter().any(|freeze| user.contains_key(*freeze)) {
            self.violation(format!("{pk} is frozen, and began {sk}"));
        }
    }

    fn follow(&mut self, kind: &'static str, pk: &str, sk: &str, status: &str) {
        let place = (pk.to_owned(), sk.to_owned());
        let before = self.statuses.get(&place).cloned().unwrap_or_default();
        if before == status {
            return;
        }
        if kind != "dispute" && !ALLOWED.contains(&(kind, &before, status)) {
            self.violation(format!("{kind} {pk} {sk} went from {before:?} to {status:?}"));
        }
        *self.transitions.entry((kind, before, status.to_owned())).or_default() += 1;
        self.statuses.insert(place, status.to_owned());
    }

    fn saw_drop(&mut self, pk: &str, item: &Item) {
        let number = |name: &str| number(item, name).unwrap_or(0);
        let slots = item.get("claims").and_then(|claims| claims["M"].as_object());
        let claims = slots.map_or(0, |map| map.len());
        for (worker, claim) in slots.into_iter().flatten() {
            let submitted_at = claim["M"]["submitted_at"]["N"].as_str().and_then(|at| at.parse::<i64>().ok());
            if submitted_at.is_some_and(|at| at >= number("window_closes_at")) {
                self.violation(format!("{pk} has a submission of {worker} after its window"));
            }
        }
        if claims as i64 > number("max_claims") {
            self.violation(format!("{pk} has {claims} claims"));
        }
        if number("claims_count") != claims as i64 {
            self.violation(format!("{pk} counts {} claims of {claims}", number("claims_count")));
        }
        if number("escrow_cents") < 0 {
            self.violation(format!("{pk} holds an escrow of {}", number("escrow_cents")));
        }
        let text = |name: &str| item.get(name).and_then(|value| value["S"].as_str());
        if let Some(winner) = text("winner_id") {
            let first = self.winners.entry(pk.to_owned()).or_insert_with(|| winner.to_owned()).clone();
            if first != winner {
                self.violation(format!("{pk} was won by {first} and by {winner}"));
            }
        }
        let step =
            text("title").and_then(|title| title.strip_prefix("Step ")?.split(':').next()?.parse().ok());
        if let Some(step) = step {
            let ids = self.drops.entry(step).or_default();
            let id = pk.trim_start_matches("DROP#");
            if !ids.iter().any(|known| known == id) {
                ids.push(id.to_owned());
            }
        }
    }
}

/// A number among the attributes of an item.
pub fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name).and_then(|value| value["N"].as_str()?.parse().ok())
}

/// A text among the attributes of an item; empty without it.
pub fn text<'i>(item: &'i Item, name: &str) -> &'i str {
    item.get(name).and_then(|value| value["S"].as_str()).unwrap_or_default()
}

/// The keys of the items that a request may have written.
fn written_keys<'a>(operation: &str, request: &'a Value) -> Vec<&'a Value> {
    let one = |action: &'a Value| if action["Key"].is_null() { &action["Item"] } else { &action["Key"] };
    match operation {
        "PutItem" | "UpdateItem" | "DeleteItem" => vec![one(request)],
        "TransactWriteItems" => request["TransactItems"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|action| action["ConditionCheck"].is_null())
            .filter_map(|action| action.as_object()?.values().next())
            .map(one)
            .collect(),
        _ => Vec::new(),
    }
}

fn brief(request: &Value) -> String {
    let mut text = request.to_string();
    if let Some((end, _)) = text.char_indices().nth(1_500) {
        text.truncate(end);
        text.push('…');
    }
    text
}

fn outcome(answer: &Result<Value, Failure>) -> String {
    match answer {
        Ok(body) => brief(body),
        Err(failure) => brief(&failure.body),
    }
}
