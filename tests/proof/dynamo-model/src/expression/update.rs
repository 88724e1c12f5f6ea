//! Update expressions.

use std::rc::Rc;

use serde_json::Value;

use super::parser::Parser;
use super::path::{NoSuchPlace, Part, Path, remove, write};
use super::projection::resolve;
use super::{Cache, Context, Parsed, cached};
use crate::number::Number;
use crate::shape::KeyShape;
use crate::value::{Kind, kind, member_equal, number, stored, typed, value_of};
use crate::{Failure, Item};

/// An update expression.
///
/// Source: Developer Guide, "Using update expressions in DynamoDB".
#[derive(Debug, Default)]
pub(crate) struct Update {
    sets: Vec<(Path, Source)>,
    removes: Vec<Path>,
    adds: Vec<(Path, String)>,
    deletes: Vec<(Path, String)>,
}

/// The right side of a SET.
#[derive(Debug)]
enum Source {
    One(Term),
    Plus(Term, Term),
    Minus(Term, Term),
}

/// An operand of a SET.
#[derive(Debug)]
enum Term {
    Path(Path),
    Value(String),
    IfNotExists(Path, Box<Self>),
    ListAppend(Box<Self>, Box<Self>),
}

thread_local! {
    static CACHE: Cache<Update> = Cache::default();
}

const MEMBER: &str = "UpdateExpression";
const WRONG_TYPE: &str = "An operand in the update expression has an incorrect data type";

/// The update expression of `text`.
pub(crate) fn parse(text: &str) -> Result<Rc<Parsed<Update>>, Failure> {
    cached(&CACHE, MEMBER, text, |parser| {
        let mut update = Update::default();
        while parser.peek().is_some() {
            update.section(parser)?;
        }
        Ok(update)
    })
}

fn list<T>(parser: &mut Parser, one: impl Fn(&mut Parser) -> Result<T, String>) -> Result<Vec<T>, String> {
    let mut all = vec![one(parser)?];
    while parser.sign(",") {
        all.push(one(parser)?);
    }
    Ok(all)
}

impl Update {
    /// Reads one section. Each kind of section occurs at most once.
    fn section(&mut self, parser: &mut Parser) -> Result<(), String> {
        let twice = |word: &str| {
            Err(format!("The \"{word}\" section can only be used once in an update expression;"))
        };
        if parser.keyword("SET") {
            if !self.sets.is_empty() {
                return twice("SET");
            }
            self.sets = list(parser, |parser| {
                let path = parser.path()?;
                parser.require("=")?;
                Ok((path, source(parser)?))
            })?;
        } else if parser.keyword("REMOVE") {
            if !self.removes.is_empty() {
                return twice("REMOVE");
            }
            self.removes = list(parser, |parser| parser.path())?;
        } else if parser.keyword("ADD") {
            if !self.adds.is_empty() {
                return twice("ADD");
            }
            self.adds = list(parser, path_and_value)?;
        } else if parser.keyword("DELETE") {
            if !self.deletes.is_empty() {
                return twice("DELETE");
            }
            self.deletes = list(parser, path_and_value)?;
        } else {
            return Err(parser.unexpected());
        }
        Ok(())
    }

    /// The paths that the update changes.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        let sets = self.sets.iter().map(|(path, _)| path);
        let added = self.adds.iter().chain(&self.deletes).map(|(path, _)| path);
        sets.chain(&self.removes).chain(added)
    }

    /// Refuses a change of a key's attribute.
    ///
    /// Source: API Reference, "UpdateItem", section "UpdateExpression".
    pub(crate) fn check_key(&self, key: &KeyShape, context: &Context) -> Result<(), Failure> {
        if let Some(root) = self.paths().map(|path| path.root(context.names)).find(|root| key.contains(root))
        {
            let message = format!(
                "One or more parameter values were invalid: Cannot update attribute {root}. This attribute is part of the key"
            );
            return Err(Failure::validation(message));
        }
        Ok(())
    }

    /// Refuses what no item could suit: overlapping paths, and values of a wrong type.
    ///
    /// Source: Developer Guide, "Using update expressions in DynamoDB"; API Reference, "UpdateItem".
    pub(crate) fn check(&self, context: &Context) -> Result<(), Failure> {
        resolve(MEMBER, self.paths(), context)?;
        for (path, value) in self.adds.iter().chain(&self.deletes) {
            if !path.is_top_level() {
                // The guide allows ADD and DELETE on top-level attributes only.
                return Err(Failure::unmodelled("ADD or DELETE of an attribute below the top level"));
            }
            if context.value(value).is_none() {
                return Err(Failure::validation("a value is missing"));
            }
        }
        let operand = |operator: &str| {
            Err(Failure::validation(format!(
                "Invalid {MEMBER}: Incorrect operand type for operator or function; operator: {operator}"
            )))
        };
        let number_or_set = |kind: Option<Kind>| kind.is_some_and(|kind| kind == Kind::N || kind.is_set());
        if self.adds.iter().any(|(_, value)| !number_or_set(context.kind(value))) {
            return operand("ADD");
        }
        if self.deletes.iter().any(|(_, value)| !context.kind(value).is_some_and(Kind::is_set)) {
            return operand("DELETE");
        }
        for (_, source) in &self.sets {
            match source {
                Source::One(term) => term.check(context)?,
                Source::Plus(a, b) | Source::Minus(a, b) => {
                    a.check(context)?;
                    b.check(context)?;
                    if [a, b]
                        .iter()
                        .any(|term| term.literal_kind(context).is_some_and(|kind| kind != Kind::N))
                    {
                        return operand("+ or -");
                    }
                }
            }
        }
        Ok(())
    }

    /// Changes `item`. `before` is the item before the update, to which the operands refer.
    ///
    /// # Errors
    /// A `ValidationException` for a path or an operand that does not fit the item.
    pub(crate) fn apply(&self, before: &Item, item: &mut Item, context: &Context) -> Result<(), Failure> {
        let misplaced = |NoSuchPlace| {
            Failure::validation("The document path provided in the update expression is invalid for update")
        };
        let mut sets = Vec::with_capacity(self.sets.len());
        for (path, source) in &self.sets {
            sets.push((path.parts(context.names).collect::<Vec<_>>(), source.value(before, context)?));
        }
        // New elements of a list are appended in the order of their indexes.
        sets.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (parts, value) in sets {
            write(item, &parts, value).map_err(misplaced)?;
        }
        for (path, value) in &self.adds {
            let Some(given) = context.value(value) else { continue };
            let sum = added(path.read(before, context.names), given)?;
            write(item, &path.parts(context.names).collect::<Vec<_>>(), sum).map_err(misplaced)?;
        }
        for (path, value) in &self.deletes {
            let (Some(given), Some(set)) = (context.value(value), path.read(before, context.names)) else {
                continue;
            };
            let parts: Vec<Part> = path.parts(context.names).collect();
            match without(set, given)? {
                Some(rest) => write(item, &parts, rest).map_err(misplaced)?,
                None => remove(item, &parts).map_err(misplaced)?,
            }
        }
        let mut removes: Vec<Vec<Part>> =
            self.removes.iter().map(|path| path.parts(context.names).collect()).collect();
        // A removed element moves those behind it, and paths name the places before the update.
        removes.sort_by(|a, b| b.cmp(a));
        removes.iter().try_for_each(|parts| remove(item, parts).map_err(misplaced))
    }
}

fn path_and_value(parser: &mut Parser) -> Result<(Path, String), String> {
    let path = parser.path()?;
    let value = parser.value().ok_or_else(|| parser.unexpected())?;
    Ok((path, value))
}

fn source(parser: &mut Parser) -> Result<Source, String> {
    let left = term(parser)?;
    if parser.sign("+") {
        Ok(Source::Plus(left, term(parser)?))
    } else if parser.sign("-") {
        Ok(Source::Minus(left, term(parser)?))
    } else {
        Ok(Source::One(left))
    }
}

fn term(parser: &mut Parser) -> Result<Term, String> {
    let term = match parser.call() {
        Some("if_not_exists") => {
            let path = parser.path()?;
            parser.require(",")?;
            Term::IfNotExists(path, Box::new(term(parser)?))
        }
        Some("list_append") => {
            let left = term(parser)?;
            parser.require(",")?;
            Term::ListAppend(Box::new(left), Box::new(term(parser)?))
        }
        Some(function) => return Err(format!("Invalid function name; function: {function}")),
        None => {
            return match parser.value() {
                Some(value) => Ok(Term::Value(value)),
                None => Ok(Term::Path(parser.path()?)),
            };
        }
    };
    parser.require(")")?;
    Ok(term)
}

impl Source {
    /// The value in its stored form.
    fn value(&self, before: &Item, context: &Context) -> Result<Value, Failure> {
        let sum = |a: &Term, b: &Term, sum: fn(Number, Number) -> Option<Number>| {
            let wrong = || Failure::validation(WRONG_TYPE);
            let number = |term: &Term| number(&term.value(before, context)?).ok_or_else(wrong);
            total(sum(number(a)?, number(b)?))
        };
        match self {
            Self::One(term) => term.value(before, context),
            Self::Plus(a, b) => sum(a, b, Number::plus),
            Self::Minus(a, b) => sum(a, b, Number::minus),
        }
    }
}

/// A sum in its stored form. A sum without room for its digits is refused.
fn total(sum: Option<Number>) -> Result<Value, Failure> {
    let sum = sum.ok_or_else(|| {
        Failure::validation(
            "Number overflow. Attempting to store a number with magnitude larger than supported range",
        )
    })?;
    Ok(value_of(Kind::N, sum.to_string()))
}

impl Term {
    fn check(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Path(_) | Self::Value(_) => Ok(()),
            Self::IfNotExists(_, inner) => inner.check(context),
            Self::ListAppend(a, b) => {
                a.check(context)?;
                b.check(context)?;
                match [a, b].iter().any(|term| term.literal_kind(context).is_some_and(|kind| kind != Kind::L))
                {
                    true => Err(Failure::validation(format!(
                        "Invalid {MEMBER}: Incorrect operand type for operator or function; operator or function: \
                         list_append"
                    ))),
                    false => Ok(()),
                }
            }
        }
    }

    /// The type that the operand has whatever the item is; `None` if it depends on the item.
    fn literal_kind(&self, context: &Context) -> Option<Kind> {
        match self {
            Self::Value(name) => context.kind(name),
            Self::ListAppend(..) => Some(Kind::L),
            Self::Path(_) | Self::IfNotExists(..) => None,
        }
    }

    fn value(&self, before: &Item, context: &Context) -> Result<Value, Failure> {
        let missing = || {
            Failure::validation(
                "The provided expression refers to an attribute that does not exist in the item",
            )
        };
        match self {
            Self::Path(path) => path.read(before, context.names).cloned().ok_or_else(missing),
            Self::Value(name) => stored(context.value(name).ok_or_else(missing)?),
            Self::IfNotExists(path, otherwise) => match path.read(before, context.names) {
                Some(value) => Ok(value.clone()),
                None => otherwise.value(before, context),
            },
            Self::ListAppend(a, b) => {
                let list = |term: &Self| match term.value(before, context)? {
                    Value::Object(mut value) => match value.remove("L") {
                        Some(Value::Array(list)) => Ok(list),
                        _ => Err(Failure::validation(WRONG_TYPE)),
                    },
                    _ => Err(Failure::validation(WRONG_TYPE)),
                };
                Ok(value_of(Kind::L, [list(a)?, list(b)?].concat()))
            }
        }
    }
}

/// The value after ADD: a sum, or a union of sets. An absent value counts as zero, or as no members.
fn added(before: Option<&Value>, given: &Value) -> Result<Value, Failure> {
    let Some(before) = before else { return stored(given) };
    let wrong = || Failure::validation(WRONG_TYPE);
    if kind(before) != kind(given) {
        return Err(wrong());
    }
    if let (Some(a), Some(b)) = (number(before), number(given)) {
        return total(a.plus(b));
    }
    let ((set, a), (_, b)) = (typed(before).ok_or_else(wrong)?, typed(given).ok_or_else(wrong)?);
    let (Value::Array(a), Value::Array(b)) = (a, b) else { return Err(wrong()) };
    let new = b.iter().filter(|b| !a.iter().any(|a| member_equal(set, a, b)));
    stored(&value_of(set, a.iter().chain(new).cloned().collect::<Vec<_>>()))
}

/// The set without the given members; `None` if no member is left.
fn without(set: &Value, given: &Value) -> Result<Option<Value>, Failure> {
    let wrong = || Failure::validation(WRONG_TYPE);
    let ((set, all), (other, given)) = (typed(set).ok_or_else(wrong)?, typed(given).ok_or_else(wrong)?);
    let (Value::Array(all), Value::Array(given)) = (all, given) else { return Err(wrong()) };
    if set != other {
        return Err(wrong());
    }
    let kept = |member: &&Value| !given.iter().any(|given| member_equal(set, member, given));
    let rest: Vec<Value> = all.iter().filter(kept).cloned().collect();
    Ok((!rest.is_empty()).then(|| value_of(set, rest)))
}
