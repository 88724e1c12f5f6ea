//! Programs: their generation from a seed, their requests, and smaller ones of the same kind.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};

use crate::syntax::{Clause, Condition, Words, write_update};
use crate::values::{KEYS, attribute, once_in, pick};
use crate::{Call, TABLE};

/// A sequence of calls.
#[derive(Clone, Debug)]
pub struct Program {
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Write(Action, &'static str),
    Transact(Vec<Action>, Option<u8>),
    Get(usize, Option<Vec<String>>),
    Batch(Vec<usize>, bool),
    Query(Query),
    Scan(Option<Condition>, Option<u32>),
}

/// A write of one item.
#[derive(Clone, Debug)]
struct Action {
    effect: Effect,
    key: usize,
    condition: Option<Condition>,
    shows_old: bool,
    fault: Option<Fault>,
}

#[derive(Clone, Debug)]
enum Effect {
    Put(Vec<(String, Value)>),
    Update(Vec<Clause>),
    Delete,
    Check,
}

/// A mistake in a request, for which the service refuses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    UnusedName,
    UnusedValue,
    UndefinedValue,
    EmptyKey,
    NoSortKey,
    WrongKeyType,
    EmptySet,
    TwiceInSet,
    KeyUpdate,
    RedundantParentheses,
    ReservedWord,
    BrokenSyntax,
    EmptyExpression,
    TooLarge,
    PathWithItself,
    MalformedNumber,
    OrderOfFlag,
}

const FAULTS: [Fault; 17] = [
    Fault::UnusedName,
    Fault::UnusedValue,
    Fault::UndefinedValue,
    Fault::EmptyKey,
    Fault::NoSortKey,
    Fault::WrongKeyType,
    Fault::EmptySet,
    Fault::TwiceInSet,
    Fault::KeyUpdate,
    Fault::RedundantParentheses,
    Fault::ReservedWord,
    Fault::BrokenSyntax,
    Fault::EmptyExpression,
    Fault::TooLarge,
    Fault::PathWithItself,
    Fault::MalformedNumber,
    Fault::OrderOfFlag,
];

#[derive(Clone, Debug)]
struct Query {
    index: Option<&'static str>,
    hash: (&'static str, Value),
    range: Option<(&'static str, &'static str, Vec<Value>)>,
    filter: Option<Condition>,
    limit: Option<u32>,
    forward: bool,
    count: bool,
}

/// The indexes of the table, with the names of their keys.
const INDEXES: [(Option<&str>, &str, &str); 6] = [
    (None, "pk", "sk"),
    (Some("by_sender"), "sender_id", "pk"),
    (Some("board_newest"), "board", "newest"),
    (Some("board_closing"), "board", "closing"),
    (Some("directory_wins"), "directory", "by_wins"),
    (Some("pending"), "pending", "pending_at"),
];

impl Program {
    /// The program of a seed.
    pub fn random(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let length = rng.random_range(3..14);
        let mut steps = Vec::new();
        for at in 0..length {
            let step = Step::random(&mut rng, at);
            // A token that is repeated with the same request is what a client sends after a lost answer.
            if matches!(step, Step::Transact(_, Some(_))) && once_in(&mut rng, 3) {
                steps.push(step.clone());
            }
            steps.push(step);
        }
        Self { steps }
    }

    /// The requests.
    pub fn calls(&self) -> Vec<Call> {
        self.steps.iter().map(Step::call).collect()
    }

    /// Programs with a part less, the ones with the least first.
    pub fn smaller(&self) -> Vec<Self> {
        let mut all = Vec::new();
        let length = self.steps.len();
        for cut in [length / 2, length / 4, 1] {
            if cut == 0 || cut >= length {
                continue;
            }
            for start in (0..length).step_by(cut) {
                let mut steps = self.steps.clone();
                steps.drain(start..(start + cut).min(length));
                all.push(Self { steps });
            }
        }
        for (at, step) in self.steps.iter().enumerate() {
            all.extend(step.smaller().into_iter().map(|step| {
                let mut steps = self.steps.clone();
                steps[at] = step;
                Self { steps }
            }));
        }
        all
    }
}

impl Step {
    fn random(rng: &mut StdRng, at: u32) -> Self {
        if at == 0 {
            return Self::Write(Action::put(rng), "NONE");
        }
        match rng.random_range(0..20) {
            0..=9 => {
                let action = Action::random(rng, false);
                let returns = match &action.effect {
                    Effect::Update(_) => {
                        pick(rng, &["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW", "ALL_NEW"])
                    }
                    _ => pick(rng, &["NONE", "ALL_OLD"]),
                };
                Self::Write(action, returns)
            }
            10..=14 => {
                let length = rng.random_range(1..5);
                let mut actions: Vec<Action> = (0..length).map(|_| Action::random(rng, true)).collect();
                // Two actions on one item are refused, which few programs are to be.
                if !once_in(rng, 25) {
                    let mut seen = std::collections::BTreeSet::new();
                    actions.retain(|action| seen.insert(action.key));
                }
                let token = once_in(rng, 2).then(|| rng.random_range(0..2));
                Self::Transact(actions, token)
            }
            15 => {
                let path = once_in(rng, 3).then(|| crate::values::path(rng).0);
                let projection = path.map(|path| vec![path]);
                Self::Get(rng.random_range(0..KEYS.len()), projection)
            }
            16 => {
                let length = rng.random_range(1..4);
                Self::Batch((0..length).map(|_| rng.random_range(0..KEYS.len())).collect(), once_in(rng, 2))
            }
            17 | 18 => Self::Query(Query::random(rng)),
            _ => {
                let filter = once_in(rng, 2).then(|| Condition::random(rng, 2));
                Self::Scan(filter, once_in(rng, 2).then(|| rng.random_range(1..4)))
            }
        }
    }

    fn call(&self) -> Call {
        let (operation, request) = match self {
            Self::Write(action, returns) => {
                let mut request = action.request();
                request["ReturnValues"] = json!(returns);
                (action.verb(), request)
            }
            Self::Transact(actions, token) => {
                let action = |action: &Action| {
                    let mut request = action.request();
                    request["TableName"] = json!(TABLE);
                    let verb = action.verb();
                    let member = if verb == "ConditionCheck" { verb } else { verb.trim_end_matches("Item") };
                    json!({ member: request })
                };
                let actions: Vec<Value> = actions.iter().map(action).collect();
                let mut request = json!({ "TransactItems": actions });
                if let Some(token) = token {
                    request["ClientRequestToken"] = json!(format!("token-{token}"));
                }
                ("TransactWriteItems", request)
            }
            Self::Get(key, projection) => {
                let mut request = json!({ "Key": key_of(*key), "ConsistentRead": true });
                if let Some(paths) = projection {
                    let mut words = Words::default();
                    let paths: Vec<String> = paths.iter().map(|path| words.path(path)).collect();
                    request["ProjectionExpression"] = json!(paths.join(", "));
                    words.add_to(&mut request);
                }
                ("GetItem", request)
            }
            Self::Batch(keys, consistent) => {
                let keys: Vec<Value> = keys.iter().map(|key| key_of(*key)).collect();
                let wanted = json!({ "Keys": keys, "ConsistentRead": consistent });
                ("BatchGetItem", json!({ "RequestItems": { TABLE: wanted } }))
            }
            Self::Query(query) => ("Query", query.request()),
            Self::Scan(filter, limit) => {
                let mut request = json!({ "ConsistentRead": true });
                let mut words = Words::default();
                if let Some(filter) = filter {
                    request["FilterExpression"] = json!(filter.write(&mut words));
                }
                if let Some(limit) = limit {
                    request["Limit"] = json!(limit);
                }
                words.add_to(&mut request);
                ("Scan", request)
            }
        };
        Call { operation: operation.to_owned(), request }
    }

    fn smaller(&self) -> Vec<Self> {
        match self {
            Self::Write(action, returns) => {
                let mut all: Vec<Self> =
                    action.smaller().into_iter().map(|action| Self::Write(action, returns)).collect();
                if *returns != "NONE" {
                    all.push(Self::Write(action.clone(), "NONE"));
                }
                all
            }
            Self::Transact(actions, token) => {
                let mut all = Vec::new();
                for (at, action) in actions.iter().enumerate() {
                    let mut others = actions.clone();
                    others.remove(at);
                    if !others.is_empty() {
                        all.push(Self::Transact(others, *token));
                    }
                    all.extend(action.smaller().into_iter().map(|action| {
                        let mut actions = actions.clone();
                        actions[at] = action;
                        Self::Transact(actions, *token)
                    }));
                }
                if token.is_some() {
                    all.push(Self::Transact(actions.clone(), None));
                }
                all
            }
            Self::Get(key, Some(_)) => vec![Self::Get(*key, None)],
            Self::Batch(keys, consistent) if keys.len() > 1 => {
                let without =
                    |at| keys.iter().enumerate().filter(move |(i, _)| *i != at).map(|(_, key)| *key);
                (0..keys.len()).map(|at| Self::Batch(without(at).collect(), *consistent)).collect()
            }
            Self::Get(..) | Self::Batch(..) => Vec::new(),
            Self::Query(query) => query.smaller().into_iter().map(Self::Query).collect(),
            Self::Scan(filter, limit) => {
                let filters = filter.iter().flat_map(Condition::smaller).map(Some);
                let mut all: Vec<Self> = filters.map(|filter| Self::Scan(filter, *limit)).collect();
                if filter.is_some() {
                    all.push(Self::Scan(None, *limit));
                }
                if limit.is_some() {
                    all.push(Self::Scan(filter.clone(), None));
                }
                all
            }
        }
    }
}

fn key_of(key: usize) -> Value {
    let (pk, sk) = KEYS[key];
    json!({ "pk": { "S": pk }, "sk": { "S": sk } })
}

impl Action {
    fn put(rng: &mut StdRng) -> Self {
        let length = rng.random_range(1..8);
        let attributes = (0..length).map(|_| attribute(rng)).collect();
        let key = rng.random_range(0..KEYS.len());
        Self { effect: Effect::Put(attributes), key, condition: None, shows_old: false, fault: None }
    }

    fn random(rng: &mut StdRng, in_transaction: bool) -> Self {
        let mut action = Self::put(rng);
        action.condition = once_in(rng, 2).then(|| Condition::random(rng, 3));
        match rng.random_range(0..10) {
            0..=1 => {}
            2 => action.effect = Effect::Delete,
            3 if in_transaction => {
                action.effect = Effect::Check;
                action.condition = Some(Condition::random(rng, 3));
            }
            _ => action.effect = Effect::Update(clauses(rng)),
        }
        action.shows_old = once_in(rng, 2);
        action.fault = once_in(rng, 20).then(|| pick(rng, &FAULTS));
        action
    }

    fn verb(&self) -> &'static str {
        match self.effect {
            Effect::Put(_) => "PutItem",
            Effect::Update(_) => "UpdateItem",
            Effect::Delete => "DeleteItem",
            Effect::Check => "ConditionCheck",
        }
    }

    fn request(&self) -> Value {
        let mut words = Words::default();
        let mut request = json!({});
        let mut key = key_of(self.key);
        match self.fault {
            Some(Fault::EmptyKey) => key["pk"] = json!({ "S": "" }),
            Some(Fault::NoSortKey) => drop(key.as_object_mut().and_then(|key| key.remove("sk"))),
            Some(Fault::WrongKeyType) => key["sk"] = json!({ "N": "1" }),
            _ => {}
        }
        match &self.effect {
            Effect::Put(attributes) => {
                let mut item: Map<String, Value> = attributes.iter().cloned().collect();
                item.extend(key.as_object().cloned().unwrap_or_default());
                let bad = match self.fault {
                    Some(Fault::EmptySet) => Some(json!({ "SS": [] })),
                    Some(Fault::TwiceInSet) => Some(json!({ "NS": ["1", "1.0"] })),
                    Some(Fault::MalformedNumber) => Some(json!({ "N": "1x" })),
                    Some(Fault::TooLarge) => Some(json!({ "S": "x".repeat(410 * 1024) })),
                    _ => None,
                };
                item.extend(bad.map(|bad| ("bad".to_owned(), bad)));
                request["Item"] = Value::Object(item);
            }
            Effect::Update(clauses) => {
                request["Key"] = key;
                request["UpdateExpression"] = json!(write_update(clauses, &mut words));
            }
            Effect::Delete | Effect::Check => request["Key"] = key,
        }
        if let Some(condition) = &self.condition {
            request["ConditionExpression"] = json!(condition.write(&mut words));
        }
        if self.shows_old {
            request["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
        }
        words.add_to(&mut request);
        if let Some(fault) = self.fault {
            fault.add_to(&mut request);
        }
        request
    }

    fn smaller(&self) -> Vec<Self> {
        let with = |change: &dyn Fn(&mut Self)| {
            let mut action = self.clone();
            change(&mut action);
            action
        };
        let mut all = Vec::new();
        if self.condition.is_some() && !matches!(self.effect, Effect::Check) {
            all.push(with(&|action| action.condition = None));
        }
        if self.fault.is_some() {
            all.push(with(&|action| action.fault = None));
        }
        for condition in self.condition.iter().flat_map(Condition::smaller) {
            all.push(with(&|action| action.condition = Some(condition.clone())));
        }
        match &self.effect {
            Effect::Update(clauses) if clauses.len() > 1 => {
                for at in 0..clauses.len() {
                    let mut clauses = clauses.clone();
                    clauses.remove(at);
                    all.push(with(&|action| action.effect = Effect::Update(clauses.clone())));
                }
            }
            Effect::Put(attributes) => {
                for at in 0..attributes.len() {
                    let mut attributes = attributes.clone();
                    attributes.remove(at);
                    all.push(with(&|action| action.effect = Effect::Put(attributes.clone())));
                }
            }
            _ => {}
        }
        if self.shows_old {
            all.push(with(&|action| action.shows_old = false));
        }
        all
    }
}

/// Clauses of an update. Few updates have overlapping paths, for which they are refused.
fn clauses(rng: &mut StdRng) -> Vec<Clause> {
    let length = rng.random_range(1..5);
    let all: Vec<Clause> = (0..length).map(|_| Clause::random(rng)).collect();
    if once_in(rng, 25) {
        return all;
    }
    let mut kept: Vec<Clause> = Vec::new();
    for clause in all {
        let root = |clause: &Clause| clause.path().split(['.', '[']).next().unwrap_or_default().to_owned();
        let overlaps = |other: &Clause| {
            let (a, b) = (clause.path(), other.path());
            root(&clause) == root(other) && (a.starts_with(b) || b.starts_with(a))
        };
        if !kept.iter().any(overlaps) {
            kept.push(clause);
        }
    }
    kept
}

impl Fault {
    /// Makes the mistake in the request of an action.
    fn add_to(self, request: &mut Value) {
        let condition = request["ConditionExpression"].as_str().map(str::to_owned);
        let and = |added: &str| match &condition {
            Some(condition) => json!(format!("({condition}) AND {added}")),
            None => json!(added),
        };
        match self {
            Self::UnusedName => request["ExpressionAttributeNames"]["#unused"] = json!("n"),
            Self::UnusedValue => request["ExpressionAttributeValues"][":unused"] = json!({ "N": "1" }),
            Self::UndefinedValue => request["ConditionExpression"] = and("n = :undefined"),
            Self::KeyUpdate => {
                if request.get("UpdateExpression").is_some() {
                    request["UpdateExpression"] = json!("SET pk = :key");
                    request["ExpressionAttributeValues"] = json!({ ":key": { "S": "C" } });
                    // The documentation does not say if a failed condition would come first.
                    remove(request, "ConditionExpression");
                    remove(request, "ExpressionAttributeNames");
                }
            }
            Self::RedundantParentheses => request["ConditionExpression"] = and("((attribute_exists(pk)))"),
            Self::ReservedWord => request["ConditionExpression"] = and("attribute_exists(status)"),
            Self::BrokenSyntax => request["ConditionExpression"] = and("attribute_exists(pk"),
            Self::EmptyExpression => request["ConditionExpression"] = json!(""),
            Self::PathWithItself => request["ConditionExpression"] = and("n = n"),
            Self::OrderOfFlag => {
                request["ConditionExpression"] = and("n < :flag");
                request["ExpressionAttributeValues"][":flag"] = json!({ "BOOL": true });
            }
            Self::EmptyKey
            | Self::NoSortKey
            | Self::WrongKeyType
            | Self::EmptySet
            | Self::TwiceInSet
            | Self::MalformedNumber
            | Self::TooLarge => {}
        }
    }
}

fn remove(request: &mut Value, member: &str) {
    request.as_object_mut().and_then(|request| request.remove(member));
}

impl Query {
    fn random(rng: &mut StdRng) -> Self {
        let (index, hash, range) = pick(rng, &INDEXES);
        let text = |rng: &mut StdRng| match hash {
            "pk" => pick(rng, &["A", "A", "B"]),
            _ => pick(rng, &["a", "b", "t1"]),
        };
        let hash = (hash, json!({ "S": text(rng) }));
        let operator = pick(rng, &["=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"]);
        let value = |rng: &mut StdRng| match range {
            "by_wins" => json!({ "N": pick(rng, &["1", "2", "10"]) }),
            "pk" => json!({ "S": pick(rng, &["A", "B"]) }),
            "sk" => json!({ "S": pick(rng, &["1", "10", "2"]) }),
            _ => json!({ "S": pick(rng, &["a", "t", "t1", "t10"]) }),
        };
        let values = if operator == "BETWEEN" { vec![value(rng), value(rng)] } else { vec![value(rng)] };
        Self {
            index,
            hash,
            range: once_in(rng, 2).then_some((range, operator, values)),
            filter: once_in(rng, 2).then(|| Condition::random(rng, 2)),
            limit: once_in(rng, 2).then(|| rng.random_range(1..4)),
            forward: once_in(rng, 2),
            count: once_in(rng, 6),
        }
    }

    fn request(&self) -> Value {
        let mut words = Words::default();
        let mut condition = format!("{} = {}", words.path(self.hash.0), words.value(&self.hash.1));
        if let Some((name, operator, values)) = &self.range {
            let name = words.path(name);
            let values: Vec<String> = values.iter().map(|value| words.value(value)).collect();
            condition += &match *operator {
                "BETWEEN" => format!(" AND {name} BETWEEN {} AND {}", values[0], values[1]),
                "begins_with" => format!(" AND begins_with({name}, {})", values[0]),
                operator => format!(" AND {name} {operator} {}", values[0]),
            };
        }
        let mut request = json!({ "KeyConditionExpression": condition, "ScanIndexForward": self.forward });
        if let Some(index) = self.index {
            request["IndexName"] = json!(index);
        }
        if let Some(filter) = &self.filter {
            request["FilterExpression"] = json!(filter.write(&mut words));
        }
        if let Some(limit) = self.limit {
            request["Limit"] = json!(limit);
        }
        if self.count {
            request["Select"] = json!("COUNT");
        }
        words.add_to(&mut request);
        request
    }

    fn smaller(&self) -> Vec<Self> {
        let mut all = Vec::new();
        if self.filter.is_some() {
            all.push(Self { filter: None, ..self.clone() });
        }
        for filter in self.filter.iter().flat_map(Condition::smaller) {
            all.push(Self { filter: Some(filter), ..self.clone() });
        }
        if self.range.is_some() {
            all.push(Self { range: None, ..self.clone() });
        }
        if self.limit.is_some() {
            all.push(Self { limit: None, ..self.clone() });
        }
        if self.count {
            all.push(Self { count: false, ..self.clone() });
        }
        all
    }
}
