//! Read requests: single objects, lists, the balance, and the expansion of fields.

use serde_json::{Value, json};

use crate::line_items;
use crate::params::Params;
use crate::refusal::Refusal;
use crate::state::{Kind, State, text};

/// Items on a page: the default and the maximum.
const PAGE: (i64, i64) = (10, 100);

/// Maximum depth of an `expand` path.
const EXPAND_DEPTH: usize = 4;

/// The collections: path, kind of the objects, and the fields by which a list can be filtered.
const COLLECTIONS: [(&str, Kind, &[&str]); 12] = [
    ("customers", Kind::Customer, &["email"]),
    ("checkout/sessions", Kind::CheckoutSession, &["customer", "payment_intent", "status"]),
    ("setup_intents", Kind::SetupIntent, &["customer", "payment_method"]),
    ("payment_intents", Kind::PaymentIntent, &["customer"]),
    ("payment_methods", Kind::PaymentMethod, &["customer", "type"]),
    ("accounts", Kind::Account, &[]),
    ("transfers", Kind::Transfer, &["destination", "transfer_group"]),
    ("refunds", Kind::Refund, &["charge", "payment_intent"]),
    ("charges", Kind::Charge, &["customer", "payment_intent", "transfer_group"]),
    ("disputes", Kind::Dispute, &["charge", "payment_intent"]),
    ("balance_transactions", Kind::BalanceTransaction, &["source", "type"]),
    ("events", Kind::Event, &[]),
];

/// Answers a GET. `path` is the part after `/v1/`.
pub fn get(state: &State, path: &str, params: Params) -> Result<Value, Refusal> {
    if path == "balance" {
        return balance(state, params);
    }
    if let Some(answer) = nested(state, path, &params) {
        return answer;
    }
    for (collection, kind, filters) in COLLECTIONS {
        let Some(rest) = path.strip_prefix(collection) else { continue };
        match rest.strip_prefix('/') {
            None if rest.is_empty() => {
                return list(state, kind, &format!("/v1/{collection}"), filters, &[], params);
            }
            Some(id) if !id.contains('/') => return one(state, kind, id, params),
            _ => {}
        }
    }
    Err(Refusal::not_acted_out("GET", path))
}

fn balance(state: &State, params: Params) -> Result<Value, Refusal> {
    params.finish()?;
    let amounts = |cents| json!([{"amount": cents, "currency": "usd", "source_types": {"card": cents}}]);
    Ok(json!({
        "object": "balance",
        "available": amounts(state.available_cents),
        "livemode": false,
        "pending": amounts(0),
    }))
}

/// Answers a GET of the objects of another object; `None` for any other path.
fn nested(state: &State, path: &str, params: &Params) -> Option<Result<Value, Refusal>> {
    let params = params.clone();
    match path.split('/').collect::<Vec<_>>().as_slice() {
        ["transfers", transfer, "reversals", rest @ ..] => Some(match rest {
            [] => {
                children(state, (Kind::Transfer, transfer), (Kind::Reversal, "transfer"), &[], path, params)
            }
            [id] => child(state, (Kind::Transfer, transfer), (Kind::Reversal, "transfer"), id, params),
            _ => return None,
        }),
        ["customers", customer, "payment_methods", rest @ ..] => Some(match rest {
            [] => {
                let methods = (Kind::PaymentMethod, "customer");
                children(state, (Kind::Customer, customer), methods, &["type"], path, params)
            }
            [id] => child(state, (Kind::Customer, customer), (Kind::PaymentMethod, "customer"), id, params),
            _ => return None,
        }),
        ["checkout", "sessions", session, "line_items"] => Some(items(state, session, params)),
        _ => None,
    }
}

/// The objects of a kind that name the `owner` in a field.
fn children(
    state: &State,
    (owner_kind, owner): (Kind, &str),
    (kind, field): (Kind, &str),
    filters: &[&str],
    path: &str,
    params: Params,
) -> Result<Value, Refusal> {
    state.find(owner_kind, owner)?;
    list(state, kind, &format!("/v1/{path}"), filters, &[(field, owner)], params)
}

/// One object of a kind that names the `owner` in a field.
fn child(
    state: &State,
    (owner_kind, owner): (Kind, &str),
    (kind, field): (Kind, &str),
    id: &str,
    params: Params,
) -> Result<Value, Refusal> {
    state.find(owner_kind, owner)?;
    if text(state.find(kind, id)?, field) != owner {
        return Err(Refusal::no_such(kind.noun(), id));
    }
    one(state, kind, id, params)
}

/// The line items of a Checkout session, on one page.
fn items(state: &State, session: &str, mut params: Params) -> Result<Value, Refusal> {
    params.integer("limit")?;
    params.finish()?;
    state.find(Kind::CheckoutSession, session)?;
    Ok(line_items::list(state, session))
}

fn one(state: &State, kind: Kind, id: &str, mut params: Params) -> Result<Value, Refusal> {
    let expand = params.texts("expand")?;
    params.finish()?;
    // Stripe still answers about a deleted customer, and no longer about a deleted account.
    if let Some(deleted) = state.deleted.get(id).filter(|_| kind == Kind::Customer) {
        return Ok(deleted.clone());
    }
    expand_paths(state, state.find(kind, id)?.clone(), &expand)
}

/// A page of the objects of a kind, newest first. An object matches if its fields equal the values in `fixed`
/// and those of the request's parameters named in `filters`.
fn list(
    state: &State,
    kind: Kind,
    url: &str,
    filters: &[&str],
    fixed: &[(&str, &str)],
    mut params: Params,
) -> Result<Value, Refusal> {
    let limit = params.integer("limit")?.unwrap_or(PAGE.0);
    if !(1..=PAGE.1).contains(&limit) {
        return Err(Refusal::bad_parameter("limit", format!("Invalid limit: must be from 1 to {}", PAGE.1)));
    }
    let after = params.text("starting_after")?;
    let before = params.text("ending_before")?;
    let expand = params.texts("expand")?;
    let created = Range::read(&mut params)?;
    let mut wanted: Vec<(&str, String)> = fixed.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
    for name in filters {
        wanted.extend(params.text(name)?.map(|value| (*name, value)));
    }
    let types = if kind == Kind::Event { event_types(&mut params)? } else { Vec::new() };
    params.finish()?;
    for (param, cursor) in [("starting_after", &after), ("ending_before", &before)] {
        if let Some(id) = cursor {
            state.referenced(param, kind, id)?;
        }
    }
    let matches = |object: &&Value| {
        let id = text(object, "id");
        created.contains(object["created"].as_i64().unwrap_or_default())
            && wanted.iter().all(|(name, value)| text(object, name) == value)
            && (types.is_empty() || types.iter().any(|pattern| type_matches(pattern, text(object, "type"))))
            && after.as_ref().is_none_or(|after| id < after.as_str())
            && before.as_ref().is_none_or(|before| id > before.as_str())
    };
    let limit = usize::try_from(limit).unwrap_or_default();
    let mut page: Vec<Value> = match before {
        // A page before the cursor is collected in ascending order from the cursor, then reversed.
        Some(_) => state.all(kind).filter(matches).take(limit + 1).cloned().collect(),
        None => state.all(kind).rev().filter(matches).take(limit + 1).cloned().collect(),
    };
    let has_more = page.len() > limit;
    page.truncate(limit);
    if before.is_some() {
        page.reverse();
    }
    let answer = json!({"object": "list", "data": page, "has_more": has_more, "url": url});
    expand_paths(state, answer, &expand)
}

fn event_types(params: &mut Params) -> Result<Vec<String>, Refusal> {
    let mut types = params.texts("types")?;
    types.extend(params.text("type")?);
    Ok(types)
}

fn type_matches(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => kind.starts_with(start),
        None => kind == pattern,
    }
}

/// A range of creation times, in seconds since the epoch.
#[derive(Debug)]
struct Range {
    least: i64,
    most: i64,
}

impl Range {
    fn read(params: &mut Params) -> Result<Self, Refusal> {
        let mut range = Self { least: i64::MIN, most: i64::MAX };
        if let Ok(Some(exact)) = params.clone().integer("created") {
            params.integer("created")?;
            return Ok(Self { least: exact, most: exact });
        }
        let Some(mut group) = params.group("created")? else { return Ok(range) };
        let least = [group.integer("gte")?, group.integer("gt")?.map(|n| n.saturating_add(1))];
        let most = [group.integer("lte")?, group.integer("lt")?.map(|n| n.saturating_sub(1))];
        group.finish()?;
        range.least = least.into_iter().flatten().max().unwrap_or(range.least);
        range.most = most.into_iter().flatten().min().unwrap_or(range.most);
        Ok(range)
    }

    const fn contains(&self, seconds: i64) -> bool {
        self.least <= seconds && seconds <= self.most
    }
}

/// Replaces identifiers by their objects, along paths such as `data.latest_charge`.
pub fn expand_paths(state: &State, mut object: Value, paths: &[String]) -> Result<Value, Refusal> {
    for path in paths {
        let fields: Vec<&str> = path.split('.').collect();
        if fields.len() > EXPAND_DEPTH || !expand(state, &mut object, &fields) {
            let message = format!("This property cannot be expanded ({path}).");
            return Err(Refusal::bad_parameter("expand", message));
        }
    }
    Ok(object)
}

/// Expands one path. Returns false if it leads to something other than an object.
fn expand(state: &State, value: &mut Value, path: &[&str]) -> bool {
    if let Value::String(id) = value {
        let object =
            Kind::of(id).and_then(|kind| state.get(kind, id)).or_else(|| state.deleted.get(id)).cloned();
        let Some(object) = object else { return false };
        *value = object;
    }
    // A session names its line items only if they are asked for.
    if path.first() == Some(&"line_items") && value["object"] == "checkout.session" {
        value["line_items"] = line_items::list(state, text(value, "id"));
    }
    match (value, path) {
        (Value::Array(items), path) => items.iter_mut().all(|item| expand(state, item, path)),
        (Value::Object(_) | Value::Null, []) => true,
        (Value::Object(fields), [field, rest @ ..]) => {
            fields.get_mut(*field).is_some_and(|value| expand(state, value, rest))
        }
        // A null ends the path here; another object of the same kind may have a value.
        (Value::Null, _) => true,
        _ => false,
    }
}
