//! The databases, and the comparison of their answers and tables.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use clorp_dynamo_model::{Database, Item, TableShape};
use clorp_local_aws::dynamo::{self, Dynamo};
use clorp_sam::Template;
use serde_json::{Value, json};

use crate::differences::{Seen, explain};
use crate::moto::Moto;
use crate::outcome::{Outcome, canonical};
use crate::program::Program;
use crate::{Call, TABLE};

/// Pages of one query, at most.
const MAX_PAGES: usize = 12;
/// A signature, which neither database checks, and without which the embedded one refuses a call.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
                             SignedHeaders=host;x-amz-date, Signature=0";

/// A database beside the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Other {
    /// The embedded one, dynoxide.
    Embedded,
    /// moto's.
    Moto,
}

impl Other {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "dynoxide",
            Self::Moto => "moto",
        }
    }
}

/// A step at which a database differs from the model.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The step's number, from zero.
    pub step: usize,
    /// The database.
    pub other: Other,
    /// The names of known differences; `None` if one is unknown.
    pub known: Option<Vec<&'static str>>,
    /// Both answers, and both tables if they differ, in words.
    pub report: String,
}

/// All databases, with the same table.
#[derive(Debug)]
pub struct Rig {
    empty: Database,
    others: Vec<Remote>,
    /// The number of programs so far, by which tokens of different ones differ.
    programs: u64,
    /// Tells whether differences have names.
    named: bool,
    _dynamo: Option<Dynamo>,
    _moto: Option<Moto>,
}

#[derive(Debug)]
struct Remote {
    other: Other,
    url: String,
    http: reqwest::Client,
    /// The table's items, by key, after the last comparison.
    items: Table,
}

/// Items by their key's text.
type Table = BTreeMap<String, Item>;

impl Rig {
    /// Starts the databases.
    ///
    /// # Errors
    /// Fails if a database does not start, or if moto cannot be installed.
    pub async fn start(wanted: &[Other]) -> Result<Self> {
        let spec = Template::from_repo()?.table()?;
        let shape = TableShape::from_spec(TABLE, &spec).context("a key without a type")?;
        let mut rig = Self {
            empty: Database::new(shape),
            others: Vec::new(),
            programs: 0,
            named: true,
            _dynamo: None,
            _moto: None,
        };
        for other in wanted {
            let url = match other {
                Other::Embedded => {
                    let dynamo = Dynamo::in_memory().await?;
                    let url = dynamo.url.clone();
                    rig._dynamo = Some(dynamo);
                    url
                }
                Other::Moto => {
                    let moto = tokio::task::spawn_blocking(Moto::start).await??;
                    let url = moto.url.clone();
                    rig._moto = Some(moto);
                    url
                }
            };
            dynamo::create_table(&dynamo::client(&url), &spec, TABLE).await?;
            let http = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build()?;
            rig.others.push(Remote { other: *other, url, http, items: Table::new() });
        }
        Ok(rig)
    }

    /// The same databases, whose known differences count as unknown ones.
    #[must_use]
    pub fn without_names(self) -> Self {
        Self { named: false, ..self }
    }

    /// The smallest program found that has an unknown difference of the same database.
    ///
    /// # Errors
    /// Fails if a database cannot be reached.
    pub async fn shrink(&mut self, mut program: Program, mut finding: Finding) -> Result<(Program, Finding)> {
        'smaller: loop {
            for smaller in program.smaller() {
                let findings = self.run(&smaller.calls()).await?;
                let same = |found: &&Finding| found.known.is_none() && found.other == finding.other;
                if let Some(found) = findings.iter().find(same) {
                    (program, finding) = (smaller, found.clone());
                    continue 'smaller;
                }
            }
            return Ok((program, finding));
        }
    }

    /// Runs the calls on every database, each beginning with an empty table. Returns the steps at which one
    /// differs from the model. Behind a known difference its table is made equal again.
    ///
    /// # Errors
    /// Fails if a database cannot be reached.
    pub async fn run(&mut self, calls: &[Call]) -> Result<Vec<Finding>> {
        self.programs += 1;
        let mut findings = Vec::new();
        for at in 0..self.others.len() {
            findings.extend(self.run_on(at, calls).await?);
        }
        Ok(findings)
    }

    async fn run_on(&mut self, at: usize, calls: &[Call]) -> Result<Vec<Finding>> {
        let mut model = self.empty.clone();
        let mut findings = Vec::new();
        let Some(remote) = self.others.get_mut(at) else { return Ok(findings) };
        remote.make_equal(&Table::new()).await?;
        for (step, call) in calls.iter().enumerate() {
            let request = complete(call, self.programs);
            let before = table(model.scan_all().cloned());
            let expected = ask_model(&mut model, &call.operation, &request);
            let actual = remote.ask(&call.operation, &request).await?;
            let wanted = table(model.scan_all().cloned());
            remote.items = remote.scan().await?;
            if expected == actual && wanted == remote.items {
                continue;
            }
            let seen = Seen {
                call,
                before: &before,
                expected: &expected,
                actual: &actual,
                wanted: &wanted,
                found: &remote.items,
            };
            let known = if self.named { explain(remote.other, &seen) } else { None };
            let report = report(&seen);
            let ends = known.is_none();
            findings.push(Finding { step, other: remote.other, known, report });
            // A token that one database has taken and the other has not would differ in each later step.
            if ends || request.get("ClientRequestToken").is_some() {
                break;
            }
            remote.make_equal(&wanted).await?;
        }
        Ok(findings)
    }
}

/// All items of a table of the embedded database at `url`.
///
/// # Errors
/// Fails if the table cannot be read.
pub async fn items(url: &str, name: &str) -> Result<Vec<Item>> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let remote = Remote { other: Other::Embedded, url: url.to_owned(), http, items: Table::new() };
    Ok(remote.scan_of(name).await?.into_values().collect())
}

/// The request with the table's name, and with a token that no other program has.
fn complete(call: &Call, program: u64) -> Value {
    let mut request = call.request.clone();
    if !matches!(call.operation.as_str(), "TransactWriteItems" | "TransactGetItems" | "BatchGetItem") {
        request["TableName"] = json!(TABLE);
    }
    if let Some(token) = request["ClientRequestToken"].as_str() {
        request["ClientRequestToken"] = json!(format!("{program}-{token}"));
    }
    if request["ClientRequestToken"].is_null() {
        request.as_object_mut().and_then(|request| request.remove("ClientRequestToken"));
    }
    request
}

fn ask_model(model: &mut Database, operation: &str, request: &Value) -> Vec<Outcome> {
    let mut pages = Vec::new();
    let mut request = request.clone();
    loop {
        let (status, body) = match model.call(operation, &request, 0) {
            Ok(body) => (200, body),
            Err(failure) => (failure.status, failure.body),
        };
        pages.push(Outcome::new(operation, status, &body));
        match body.get("LastEvaluatedKey") {
            Some(last) if pages.len() < MAX_PAGES => request["ExclusiveStartKey"] = last.clone(),
            _ => return united(operation, pages),
        }
    }
}

/// The pages of a scan as one, because the documentation promises no order of its items.
fn united(operation: &str, pages: Vec<Outcome>) -> Vec<Outcome> {
    let items = pages.iter().filter_map(|page| page.body["Items"].as_array()).flatten().cloned();
    let mut items: Vec<Value> = items.collect();
    if operation != "Scan" || !pages.iter().all(Outcome::is_success) {
        return pages;
    }
    items.sort_by_key(Value::to_string);
    vec![Outcome::new(operation, 200, &json!({ "Items": items }))]
}

/// Items by their keys, in their comparable form.
fn table(items: impl Iterator<Item = Item>) -> Table {
    let canonical = |item: Item| match canonical(&Value::Object(item)) {
        Value::Object(item) => item,
        _ => Item::new(),
    };
    items.map(canonical).map(|item| (key_text(&item), item)).collect()
}

fn key_text(item: &Item) -> String {
    let text = |name: &str| item.get(name).map(Value::to_string).unwrap_or_default();
    format!("{} {}", text("pk"), text("sk"))
}

fn key(item: &Item) -> Value {
    json!({ "pk": item.get("pk"), "sk": item.get("sk") })
}

fn report(seen: &Seen) -> String {
    let outcomes = |outcomes: &[Outcome]| {
        let lines =
            outcomes.iter().map(|outcome| format!("{} {} {}", outcome.status, outcome.body, outcome.message));
        lines.collect::<Vec<_>>().join("\n                ")
    };
    let rows = |table: &Table| {
        table.values().map(|item| json!(item).to_string()).collect::<Vec<_>>().join("\n                ")
    };
    let mut text = format!(
        "  call          {} {}\n  table before  {}\n  model         {}\n  other         {}",
        seen.call.operation,
        seen.call.request,
        rows(seen.before),
        outcomes(seen.expected),
        outcomes(seen.actual)
    );
    if seen.wanted != seen.found {
        text += &format!("\n  model's table {}\n  other's table {}", rows(seen.wanted), rows(seen.found));
    }
    text
}

impl Remote {
    /// The answers to a call; several for a query in pages.
    async fn ask(&self, operation: &str, request: &Value) -> Result<Vec<Outcome>> {
        let mut pages = Vec::new();
        let mut request = request.clone();
        loop {
            let (status, body) = self.send(operation, &request).await?;
            pages.push(Outcome::new(operation, status, &body));
            match body.get("LastEvaluatedKey") {
                Some(last) if pages.len() < MAX_PAGES => request["ExclusiveStartKey"] = last.clone(),
                _ => return Ok(united(operation, pages)),
            }
        }
    }

    async fn send(&self, operation: &str, request: &Value) -> Result<(u16, Value)> {
        let call = self
            .http
            .post(&self.url)
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", AUTHORIZATION)
            .header("x-amz-date", "20260101T000000Z")
            .body(request.to_string());
        let answer = call.send().await.with_context(|| format!("calling {}", self.other.name()))?;
        let status = answer.status().as_u16();
        let body = answer.text().await?;
        Ok((
            status,
            serde_json::from_str(&body).unwrap_or_else(|_| json!({ "__type": "no JSON", "text": body })),
        ))
    }

    async fn scan(&self) -> Result<Table> {
        self.scan_of(TABLE).await
    }

    /// The whole of a table.
    async fn scan_of(&self, name: &str) -> Result<Table> {
        let mut request = json!({ "TableName": name, "ConsistentRead": true });
        let mut items = Table::new();
        loop {
            let (status, body) = self.send("Scan", &request).await?;
            ensure!(status == 200, "{} cannot be scanned: {body}", self.other.name());
            let found = body["Items"].as_array().into_iter().flatten().filter_map(Value::as_object).cloned();
            items.extend(table(found));
            match body.get("LastEvaluatedKey") {
                Some(last) => request["ExclusiveStartKey"] = last.clone(),
                None => return Ok(items),
            }
        }
    }

    /// Writes and deletes items until the table has these.
    async fn make_equal(&mut self, wanted: &Table) -> Result<()> {
        if self.items == *wanted {
            return Ok(());
        }
        for (text, item) in &self.items {
            if !wanted.contains_key(text) {
                let request = json!({ "TableName": TABLE, "Key": key(item) });
                let (status, body) = self.send("DeleteItem", &request).await?;
                ensure!(status == 200, "{} cannot delete {text}: {body}", self.other.name());
            }
        }
        for (text, item) in wanted {
            if self.items.get(text) != Some(item) {
                let request = json!({ "TableName": TABLE, "Item": item });
                let (status, body) = self.send("PutItem", &request).await?;
                ensure!(status == 200, "{} cannot put {text}: {body}", self.other.name());
            }
        }
        self.items = self.scan().await?;
        if self.items != *wanted {
            // An item whose attributes contradict its key can be neither deleted nor replaced.
            self.recreate(wanted).await?;
        }
        ensure!(self.items == *wanted, "{} does not hold what was written to it", self.other.name());
        Ok(())
    }

    async fn recreate(&mut self, wanted: &Table) -> Result<()> {
        let (status, body) = self.send("DeleteTable", &json!({ "TableName": TABLE })).await?;
        ensure!(status == 200, "{} cannot delete the table: {body}", self.other.name());
        dynamo::create_table(&dynamo::client(&self.url), &Template::from_repo()?.table()?, TABLE).await?;
        for item in wanted.values() {
            let (status, body) = self.send("PutItem", &json!({ "TableName": TABLE, "Item": item })).await?;
            ensure!(status == 200, "{} cannot put {item:?}: {body}", self.other.name());
        }
        self.items = self.scan().await?;
        Ok(())
    }
}
