//! Writes of one item, alone or in a transaction.

use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::expression::condition::Condition;
use crate::expression::path::project;
use crate::expression::projection::resolve;
use crate::expression::update::{self, Update};
use crate::expression::{Context, Parsed};
use crate::key::Key;
use crate::request::Request;
use crate::shape::TableShape;
use crate::value::{check_size, stored_item};
use crate::{Failure, Item};

/// A write of one item, which was checked as far as that is possible without the item.
#[derive(Debug)]
pub(crate) struct Write<'r> {
    /// `None` for a key that is not one of the table, so that `invalid` refuses the write.
    pub(crate) key: Option<Key>,
    /// The reason why no item can be written so. It refuses a single write at once. In a transaction it is a
    /// reason of the cancellation.
    ///
    /// Source: API Reference, "TransactWriteItems", section "Errors", the messages of `ValidationError`.
    invalid: Option<Failure>,
    effect: Effect<'r>,
    condition: Option<Rc<Parsed<Condition>>>,
    context: Context<'r>,
    shows_old: bool,
}

#[derive(Debug)]
enum Effect<'r> {
    Put(Arc<Item>),
    Update(&'r Item, Option<Rc<Parsed<Update>>>),
    Delete,
    Check,
}

/// The kind of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Put,
    Update,
    Delete,
    Check,
}

/// The reason why a write was not made.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The condition does not hold. Has the item if the request asked for it and there is one.
    Condition(Option<Item>),
    /// The change does not fit the item.
    Invalid(Failure),
}

impl<'r> Write<'r> {
    /// The write that a request describes.
    pub(crate) fn new(verb: Verb, request: &Request<'r>, shape: &TableShape) -> Result<Self, Failure> {
        request.check_table(&shape.name)?;
        let shown = request.word("ReturnValuesOnConditionCheckFailure", &["NONE", "ALL_OLD"])?;
        let context = request.context()?;
        let condition = request.condition("ConditionExpression")?;
        let update = request.text("UpdateExpression")?.map(update::parse).transpose()?;
        let used: Vec<_> = condition
            .iter()
            .map(|condition| &condition.placeholders)
            .chain(update.iter().map(|update| &update.placeholders))
            .collect();
        context.check_use(&used)?;
        if let Some(condition) = &condition {
            condition.syntax.check("ConditionExpression", &context)?;
        }
        let (key, effect, invalid) = match verb {
            Verb::Put => {
                let item = stored_item(request.map("Item")?)?;
                check_size(&item)?;
                let key = shape.item_key(&item)?;
                let invalid = shape.check_index_keys(&item).err();
                (key, Effect::Put(Arc::new(item)), invalid)
            }
            Verb::Update => {
                if let Some(update) = &update {
                    update.syntax.check(&context)?;
                }
                let key = request.map("Key")?;
                (shape.request_key(key)?, Effect::Update(key, update), None)
            }
            Verb::Delete => (shape.request_key(request.map("Key")?)?, Effect::Delete, None),
            Verb::Check => (shape.request_key(request.map("Key")?)?, Effect::Check, None),
        };
        let (key, invalid) = match key {
            Ok(key) => (Some(key), invalid),
            Err(mismatch) => (None, Some(mismatch)),
        };
        Ok(Self { key, invalid, effect, condition, context, shows_old: shown == Some("ALL_OLD") })
    }

    /// The item after the write; `None` for no item.
    ///
    /// Source: Developer Guide, "DynamoDB condition expression CLI example"; API Reference, "UpdateItem".
    pub(crate) fn outcome(
        &self,
        shape: &TableShape,
        before: Option<&Arc<Item>>,
    ) -> Result<Option<Arc<Item>>, Refusal> {
        if let Some(invalid) = &self.invalid {
            return Err(Refusal::Invalid(invalid.clone()));
        }
        let nothing = Item::new();
        let item = before.map_or(&nothing, |before| &**before);
        let holds = |condition: &Rc<Parsed<Condition>>| condition.syntax.holds(item, &self.context);
        if !self.condition.as_ref().is_none_or(holds) {
            return Err(Refusal::Condition(before.filter(|_| self.shows_old).map(|item| (**item).clone())));
        }
        match &self.effect {
            Effect::Put(item) => Ok(Some(Arc::clone(item))),
            Effect::Delete => Ok(None),
            Effect::Check => Ok(before.cloned()),
            Effect::Update(key, update) => {
                let mut after = match before {
                    Some(before) => (**before).clone(),
                    None => stored_item(key).map_err(Refusal::Invalid)?,
                };
                if let Some(update) = update {
                    self.apply(&update.syntax, item, &mut after, shape).map_err(Refusal::Invalid)?;
                }
                Ok(Some(Arc::new(after)))
            }
        }
    }

    fn apply(
        &self,
        update: &Update,
        before: &Item,
        after: &mut Item,
        shape: &TableShape,
    ) -> Result<(), Failure> {
        update.check_key(&shape.key, &self.context)?;
        update.apply(before, after, &self.context)?;
        shape.check_index_keys(after)?;
        check_size(after)
    }

    /// Tells whether the write changes its item at all.
    pub(crate) fn is_check(&self) -> bool {
        matches!(self.effect, Effect::Check)
    }

    /// The answer's attributes for the request's `ReturnValues`.
    ///
    /// Source: API Reference, "UpdateItem", "PutItem" and "DeleteItem", section "ReturnValues".
    fn returned(
        &self,
        wanted: &str,
        before: Option<&Item>,
        after: Option<&Item>,
    ) -> Result<Option<Item>, Failure> {
        let updated = |item: Option<&Item>| {
            let (Some(item), Effect::Update(_, Some(update))) = (item, &self.effect) else { return Ok(None) };
            let paths = resolve("UpdateExpression", update.syntax.paths(), &self.context)?;
            Ok(Some(project(item, &paths)).filter(|item| !item.is_empty()))
        };
        match wanted {
            "ALL_OLD" => Ok(before.cloned()),
            "ALL_NEW" => Ok(after.cloned()),
            "UPDATED_OLD" => updated(before),
            "UPDATED_NEW" => updated(after),
            _ => Ok(None),
        }
    }
}

/// The members that all writes of one item have.
const COMMON: &[&str] = &[
    "TableName",
    "ConditionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "ReturnValuesOnConditionCheckFailure",
];
const ALONE: &[&str] = &["ReturnValues", "ReturnConsumedCapacity"];

impl Verb {
    /// The members of an action in a transaction.
    pub(crate) fn action_members(self) -> Vec<&'static str> {
        let own: &[&str] = match self {
            Self::Put => &["Item"],
            Self::Update => &["Key", "UpdateExpression"],
            Self::Delete | Self::Check => &["Key"],
        };
        [COMMON, own].concat()
    }
}

/// Makes a write of one item: `PutItem`, `UpdateItem` or `DeleteItem`.
pub(crate) fn single(
    verb: Verb,
    request: &Value,
    shape: &TableShape,
    storage: &mut crate::storage::Storage,
) -> Result<Value, Failure> {
    let request = Request::new("a write", request, &[&verb.action_members()[..], ALONE].concat())?;
    let known: &[&'static str] = match verb {
        Verb::Update => &["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"],
        _ => &["NONE", "ALL_OLD"],
    };
    let wanted = request.word("ReturnValues", known)?.unwrap_or("NONE");
    let write = Write::new(verb, &request, shape)?;
    let before = write.key.as_ref().and_then(|key| storage.get(key)).cloned();
    let after = write.outcome(shape, before.as_ref()).map_err(|refusal| match refusal {
        Refusal::Condition(item) => Failure::condition(item.as_ref()),
        Refusal::Invalid(failure) => failure,
    })?;
    let attributes = write.returned(wanted, before.as_deref(), after.as_deref())?;
    if let Some(key) = write.key {
        storage.write(shape, key, after);
    }
    let mut answer = Map::new();
    if let Some(attributes) = attributes {
        answer.insert("Attributes".to_owned(), json!(attributes));
    }
    Ok(Value::Object(answer))
}
