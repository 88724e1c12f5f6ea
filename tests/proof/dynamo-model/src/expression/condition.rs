//! Conditions: condition expressions and filter expressions.

use std::cmp::Ordering;
use std::rc::Rc;

use serde_json::Value;

use super::parser::Parser;
use super::path::{Part, Path};
use super::token::Token;
use super::{Cache, Context, Parsed, cached};
use crate::value::{Kind, bytes, compare, equal, kind, member_equal, typed, value_of};
use crate::{Failure, Item};

/// Operands of one IN.
///
/// Source: Developer Guide, "Condition and filter expressions, operators, and functions in DynamoDB".
const MAX_IN: usize = 100;

/// A condition.
///
/// Source: Developer Guide, "Condition and filter expressions, operators, and functions in DynamoDB".
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    Compare(Operand, Comparator, Operand),
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    Exists(Path),
    NotExists(Path),
    Type(Path, Operand),
    BeginsWith(Operand, Operand),
    Contains(Operand, Operand),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
}

/// A value in a condition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    Path(Path),
    Value(String),
    Size(Box<Self>),
}

/// A comparator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparator {
    fn from_sign(sign: &str) -> Option<Self> {
        Some(match sign {
            "=" => Self::Equal,
            "<>" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

thread_local! {
    static CACHE: Cache<Condition> = Cache::default();
}

/// The condition of `text`, which is the request's `member`.
pub(crate) fn parse(member: &str, text: &str) -> Result<Rc<Parsed<Condition>>, Failure> {
    cached(&CACHE, member, text, |parser| disjunction(parser).map(|(condition, _)| condition))
}

/// A condition, and a mark on one that stands in parentheses.
type Read = Result<(Condition, bool), String>;

fn disjunction(parser: &mut Parser) -> Read {
    let mut left = conjunction(parser)?;
    while parser.keyword("OR") {
        let right = conjunction(parser)?.0;
        left = (Condition::Or(Box::new(left.0), Box::new(right)), false);
    }
    Ok(left)
}

fn conjunction(parser: &mut Parser) -> Read {
    let mut left = negation(parser)?;
    while parser.keyword("AND") {
        let right = negation(parser)?.0;
        left = (Condition::And(Box::new(left.0), Box::new(right)), false);
    }
    Ok(left)
}

fn negation(parser: &mut Parser) -> Read {
    if parser.keyword("NOT") {
        return Ok((Condition::Not(Box::new(negation(parser)?.0)), false));
    }
    if parser.sign("(") {
        let (inner, in_parentheses) = disjunction(parser)?;
        parser.require(")")?;
        if in_parentheses {
            return Err("The expression has redundant parentheses;".to_owned());
        }
        return Ok((inner, true));
    }
    Ok((primary(parser)?, false))
}

fn primary(parser: &mut Parser) -> Result<Condition, String> {
    let left = match parser.call() {
        Some("size") => size(parser)?,
        Some(function) => return call(parser, function),
        None => operand(parser)?,
    };
    if parser.keyword("BETWEEN") {
        let low = operand(parser)?;
        if !parser.keyword("AND") {
            return Err(parser.unexpected());
        }
        return Ok(Condition::Between(left, low, operand(parser)?));
    }
    if parser.keyword("IN") {
        parser.require("(")?;
        let mut members = vec![operand(parser)?];
        while parser.sign(",") {
            members.push(operand(parser)?);
        }
        parser.require(")")?;
        if members.len() > MAX_IN {
            return Err("Too many operands for operator or function; operator: IN".to_owned());
        }
        return Ok(Condition::In(left, members));
    }
    let Some(Token::Sign(sign)) = parser.peek() else { return Err(parser.unexpected()) };
    let comparator = Comparator::from_sign(sign).ok_or_else(|| parser.unexpected())?;
    parser.skip();
    Ok(Condition::Compare(left, comparator, operand(parser)?))
}

/// The rest of a call behind its parenthesis.
fn call(parser: &mut Parser, function: &str) -> Result<Condition, String> {
    let condition = match function {
        "attribute_exists" => Condition::Exists(parser.path()?),
        "attribute_not_exists" => Condition::NotExists(parser.path()?),
        "attribute_type" => {
            let path = parser.path()?;
            parser.require(",")?;
            Condition::Type(path, operand(parser)?)
        }
        "begins_with" | "contains" => {
            let left = operand(parser)?;
            parser.require(",")?;
            let right = operand(parser)?;
            match function {
                "contains" => Condition::Contains(left, right),
                _ => Condition::BeginsWith(left, right),
            }
        }
        "if_not_exists" | "list_append" => {
            return Err(format!(
                "The function is not allowed in a condition expression; function: {function}"
            ));
        }
        _ => return Err(format!("Invalid function name; function: {function}")),
    };
    parser.require(")")?;
    Ok(condition)
}

fn size(parser: &mut Parser) -> Result<Operand, String> {
    let inner = operand(parser)?;
    parser.require(")")?;
    Ok(Operand::Size(Box::new(inner)))
}

fn operand(parser: &mut Parser) -> Result<Operand, String> {
    match parser.call() {
        Some("size") => return size(parser),
        Some(function) => {
            return Err(format!("The function is not allowed to be used this way; function: {function}"));
        }
        None => {}
    }
    match parser.value() {
        Some(value) => Ok(Operand::Value(value)),
        None => Ok(Operand::Path(parser.path()?)),
    }
}

impl Condition {
    /// Refuses operands that no item could suit: values of a wrong type, and a path compared with itself.
    pub(crate) fn check(&self, member: &str, context: &Context) -> Result<(), Failure> {
        self.fault(context).map_or(Ok(()), |why| Err(Failure::validation(format!("Invalid {member}: {why}"))))
    }

    fn fault(&self, context: &Context) -> Option<String> {
        match self {
            Self::And(a, b) | Self::Or(a, b) => a.fault(context).or_else(|| b.fault(context)),
            Self::Not(inner) => inner.fault(context),
            Self::Compare(a, comparator, b) => {
                let ordered = !matches!(comparator, Comparator::Equal | Comparator::NotEqual);
                let fault = [a, b].into_iter().find_map(|operand| operand.fault(context, ordered));
                fault.or_else(|| same(a, b, context))
            }
            Self::Between(a, low, high) => {
                let fault = [a, low, high].into_iter().find_map(|operand| operand.fault(context, true));
                fault.or_else(|| bounds(low, high, context))
            }
            Self::In(a, members) => {
                let mut operands = std::iter::once(a).chain(members);
                operands.find_map(|operand| operand.fault(context, false))
            }
            Self::Exists(_) | Self::NotExists(_) => None,
            Self::Type(_, Operand::Value(name)) => match context.value(name).and_then(typed) {
                Some((Kind::S, Value::String(tag))) if Kind::from_tag(tag).is_some() => None,
                _ => Some("Invalid attribute type name found".to_owned()),
            },
            Self::Type(..) => {
                Some("Incorrect operand type for operator or function; operator: attribute_type".to_owned())
            }
            Self::BeginsWith(a, b) => {
                let text = |operand: &&Operand| {
                    !matches!(operand.literal(context).and_then(kind), None | Some(Kind::S | Kind::B))
                        || matches!(operand, Operand::Size(_))
                };
                let wrong =
                    "Incorrect operand type for operator or function; operator or function: begins_with";
                [a, b]
                    .iter()
                    .find(|operand| text(operand))
                    .map(|_| wrong.to_owned())
                    .or_else(|| same(a, b, context))
            }
            Self::Contains(a, b) => {
                let fault = [a, b].into_iter().find_map(|operand| operand.fault(context, false));
                fault.or_else(|| same(a, b, context))
            }
        }
    }

    /// Tells whether the condition holds. An absent item has no attributes.
    pub(crate) fn holds(&self, item: &Item, context: &Context) -> bool {
        match self {
            Self::And(a, b) => a.holds(item, context) && b.holds(item, context),
            Self::Or(a, b) => a.holds(item, context) || b.holds(item, context),
            Self::Not(inner) => !inner.holds(item, context),
            Self::Compare(a, comparator, b) => {
                a.with(item, context, |a| b.with(item, context, |b| compare_with(a, *comparator, b)))
            }
            Self::Between(a, low, high) => a.with(item, context, |a| {
                let not_below =
                    low.with(item, context, |low| compare_with(a, Comparator::GreaterOrEqual, low));
                not_below && high.with(item, context, |high| compare_with(a, Comparator::LessOrEqual, high))
            }),
            Self::In(a, members) => a.with(item, context, |a| {
                members.iter().any(|b| b.with(item, context, |b| compare_with(a, Comparator::Equal, b)))
            }),
            Self::Exists(path) => path.read(item, context.names).is_some(),
            Self::NotExists(path) => path.read(item, context.names).is_none(),
            Self::Type(path, name) => {
                let actual = path.read(item, context.names).and_then(kind);
                name.with(item, context, |name| match name.and_then(typed) {
                    Some((Kind::S, Value::String(tag))) => actual.is_some_and(|actual| actual.tag() == tag),
                    _ => false,
                })
            }
            Self::BeginsWith(a, b) => a.with(item, context, |a| b.with(item, context, |b| begins_with(a, b))),
            Self::Contains(a, b) => a.with(item, context, |a| b.with(item, context, |b| contains(a, b))),
        }
    }

    /// The attributes that the condition looks at.
    pub(crate) fn roots<'a>(&'a self, context: &'a Context) -> Vec<&'a str> {
        let of = |operands: &[&'a Operand]| -> Vec<&'a str> {
            operands
                .iter()
                .filter_map(|operand| operand.path())
                .map(|path| path.root(context.names))
                .collect()
        };
        match self {
            Self::And(a, b) | Self::Or(a, b) => [a.roots(context), b.roots(context)].concat(),
            Self::Not(inner) => inner.roots(context),
            Self::Compare(a, _, b) | Self::BeginsWith(a, b) | Self::Contains(a, b) => of(&[a, b]),
            Self::Between(a, low, high) => of(&[a, low, high]),
            Self::In(a, members) => of(&std::iter::once(a).chain(members).collect::<Vec<_>>()),
            Self::Exists(path) | Self::NotExists(path) | Self::Type(path, _) => {
                vec![path.root(context.names)]
            }
        }
    }
}

/// A comparison. It does not hold for an absent value, nor for values of different types; only "not equal"
/// holds for those.
fn compare_with(a: Option<&Value>, comparator: Comparator, b: Option<&Value>) -> bool {
    match comparator {
        Comparator::Equal => a.zip(b).is_some_and(|(a, b)| equal(a, b)),
        Comparator::NotEqual => !a.zip(b).is_some_and(|(a, b)| equal(a, b)),
        _ => a.zip(b).and_then(|(a, b)| compare(a, b)).is_some_and(|order| comparator.accepts(order)),
    }
}

fn begins_with(value: Option<&Value>, prefix: Option<&Value>) -> bool {
    match (value.and_then(typed), prefix.and_then(typed)) {
        (Some((Kind::S, Value::String(text))), Some((Kind::S, Value::String(prefix)))) => {
            text.starts_with(prefix)
        }
        (Some((Kind::B, Value::String(all))), Some((Kind::B, Value::String(prefix)))) => {
            bytes(all).starts_with(&bytes(prefix))
        }
        _ => false,
    }
}

/// Tells whether a text has a part, a set a member, or a list an element.
fn contains(value: Option<&Value>, part: Option<&Value>) -> bool {
    let (Some((kind, content)), Some(part)) = (value.and_then(typed), part) else { return false };
    let Some((part_kind, part_content)) = typed(part) else { return false };
    match (kind, content, part_content) {
        (Kind::S, Value::String(text), Value::String(part)) => {
            part_kind == Kind::S && text.contains(part.as_str())
        }
        (Kind::B, Value::String(all), Value::String(part)) => {
            let (all, part) = (bytes(all), bytes(part));
            part_kind == Kind::B && (part.is_empty() || all.windows(part.len()).any(|window| window == part))
        }
        (Kind::Ss | Kind::Ns | Kind::Bs, Value::Array(members), _) => {
            kind.member() == Some(part_kind)
                && members.iter().any(|member| member_equal(kind, member, part_content))
        }
        (Kind::L, Value::Array(members), _) => members.iter().any(|member| equal(member, part)),
        _ => false,
    }
}

/// The refusal of a comparison of a path with itself.
fn same(a: &Operand, b: &Operand, context: &Context) -> Option<String> {
    let (a, b) = (a.path_itself()?, b.path_itself()?);
    let equal =
        a.parts(context.names).collect::<Vec<Part>>() == b.parts(context.names).collect::<Vec<Part>>();
    equal.then(|| {
        "The first operand must be distinct from the remaining operands for this operator or function"
            .to_owned()
    })
}

/// The refusal of BETWEEN with bounds of different types, or in the wrong order.
fn bounds(low: &Operand, high: &Operand, context: &Context) -> Option<String> {
    let (low, high) = (low.literal(context)?, high.literal(context)?);
    match compare(low, high) {
        None => Some("The BETWEEN operator requires same data type for lower and upper bounds".to_owned()),
        Some(Ordering::Greater) => Some(
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound".to_owned(),
        ),
        Some(_) => None,
    }
}

impl Operand {
    /// The value that the request gives for the operand.
    fn literal<'r>(&self, context: &Context<'r>) -> Option<&'r Value> {
        match self {
            Self::Value(name) => context.value(name),
            _ => None,
        }
    }

    fn path_itself(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            _ => None,
        }
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Size(inner) => inner.path(),
            Self::Value(_) => None,
        }
    }

    fn fault(&self, context: &Context, ordered: bool) -> Option<String> {
        match self {
            Self::Value(_) => {
                let kind = self.literal(context).and_then(kind)?;
                let wrong = ordered && !kind.is_ordered();
                wrong.then(|| {
                    format!("Incorrect operand type for operator or function; operand type: {}", kind.tag())
                })
            }
            Self::Size(inner) => match (&**inner, inner.literal(context).and_then(kind)) {
                (Self::Size(_), _) => {
                    Some("The function is not allowed to be used this way; function: size".to_owned())
                }
                (_, Some(kind @ (Kind::N | Kind::Bool | Kind::Null))) => Some(format!(
                    "Incorrect operand type for operator or function; operand type: {}",
                    kind.tag()
                )),
                _ => None,
            },
            Self::Path(_) => None,
        }
    }

    fn with<T>(&self, item: &Item, context: &Context, then: impl FnOnce(Option<&Value>) -> T) -> T {
        match self {
            Self::Path(path) => then(path.read(item, context.names)),
            Self::Value(name) => then(context.value(name)),
            Self::Size(inner) => {
                let size = match &**inner {
                    Self::Path(path) => path.read(item, context.names).and_then(size_of),
                    Self::Value(name) => context.value(name).and_then(size_of),
                    Self::Size(_) => None,
                };
                then(size.map(|size| value_of(Kind::N, size.to_string())).as_ref())
            }
        }
    }
}

/// The size that `size` gives: characters of a text, bytes, or elements. Other types have none.
fn size_of(value: &Value) -> Option<usize> {
    match typed(value)? {
        (Kind::S, Value::String(text)) => Some(text.chars().count()),
        (Kind::B, Value::String(text)) => Some(bytes(text).len()),
        (Kind::Ss | Kind::Ns | Kind::Bs | Kind::L, Value::Array(members)) => Some(members.len()),
        (Kind::M, Value::Object(members)) => Some(members.len()),
        _ => None,
    }
}
