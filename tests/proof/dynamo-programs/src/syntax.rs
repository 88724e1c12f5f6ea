//! Conditions and updates, and their words in a request.

use std::cmp::Ordering;

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Map, Value, json};

use crate::values::{any, of_type, once_in, path, pick, usual};

/// A condition.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    Compare(Operand, &'static str, Operand),
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    /// A function of a path.
    Presence(&'static str, String),
    /// A function of two operands.
    Function(&'static str, Operand, Operand),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
}

#[derive(Clone, Debug)]
pub(crate) enum Operand {
    Path(String),
    Value(Value),
    Size(String),
}

/// An action of an update expression.
#[derive(Clone, Debug)]
pub(crate) enum Clause {
    Set(String, Source),
    Remove(String),
    Add(String, Value),
    Delete(String, Value),
}

#[derive(Clone, Debug)]
pub(crate) enum Source {
    Value(Value),
    Path(String),
    IfNotExists(String, Box<Self>),
    Append(Box<Self>, Box<Self>),
    Sum(Box<Self>, &'static str, Box<Self>),
}

/// The placeholders of a request while its expressions are written.
#[derive(Debug, Default)]
pub(crate) struct Words {
    names: Vec<String>,
    values: Vec<Value>,
}

impl Words {
    pub(crate) fn value(&mut self, value: &Value) -> String {
        self.values.push(value.clone());
        format!(":v{}", self.values.len() - 1)
    }

    /// A path with a placeholder for each name.
    pub(crate) fn path(&mut self, path: &str) -> String {
        let part = |part: &str| {
            let (name, index) = part.find('[').map_or((part, ""), |at| part.split_at(at));
            let known = self.names.iter().position(|known| known == name);
            let position = known.unwrap_or_else(|| {
                self.names.push(name.to_owned());
                self.names.len() - 1
            });
            format!("#n{position}{index}")
        };
        path.split('.').map(part).collect::<Vec<_>>().join(".")
    }

    /// Adds the placeholders to a request.
    pub(crate) fn add_to(self, request: &mut Value) {
        let names = self.names.into_iter().enumerate().map(|(i, name)| (format!("#n{i}"), json!(name)));
        let values = self.values.into_iter().enumerate().map(|(i, value)| (format!(":v{i}"), value));
        let (names, values): (Map<_, _>, Map<_, _>) = (names.collect(), values.collect());
        if !names.is_empty() {
            request["ExpressionAttributeNames"] = Value::Object(names);
        }
        if !values.is_empty() {
            request["ExpressionAttributeValues"] = Value::Object(values);
        }
    }
}

impl Condition {
    /// A condition with at most `depth` levels of connectives.
    pub(crate) fn random(rng: &mut StdRng, depth: u32) -> Self {
        let inner = |rng: &mut StdRng| Box::new(Self::random(rng, depth - 1));
        if depth > 0 && once_in(rng, 2) {
            return match rng.random_range(0..5) {
                0 => Self::Not(inner(rng)),
                1 | 2 => Self::Or(inner(rng), inner(rng)),
                _ => Self::And(inner(rng), inner(rng)),
            };
        }
        let (path, value) = path(rng);
        match rng.random_range(0..12) {
            0 => Self::Presence("attribute_exists", presence(rng, path)),
            1 => Self::Presence("attribute_not_exists", presence(rng, path)),
            2 => {
                let kind = pick(rng, &["S", "N", "L", "M", "SS", "BOOL", "NULL"]);
                Self::Function("attribute_type", Operand::Path(path), Operand::Value(json!({ "S": kind })))
            }
            3 => Self::Function("begins_with", Operand::Path(path), Operand::Value(of_type(rng, "S", 0))),
            4 => {
                let part = pick(rng, &["S", "S", "N", "B"]);
                let part = Operand::Value(of_type(rng, part, 0));
                Self::Function("contains", Operand::Path(path), part)
            }
            5 => {
                Self::Compare(Operand::Size(path), comparator(rng, "N"), Operand::Value(of_type(rng, "N", 0)))
            }
            6 => {
                let kind = if is_ordered(usual(&path)) || once_in(rng, 10) { usual(&path) } else { "N" };
                let mut bounds = [of_type(rng, kind, 1), of_type(rng, kind, 1)];
                // Bounds in the wrong order are refused, which few programs are to be.
                if clorp_dynamo_model::order(&bounds[0], &bounds[1]) == Some(Ordering::Greater)
                    && !once_in(rng, 8)
                {
                    bounds.reverse();
                }
                let [low, high] = bounds.map(Operand::Value);
                Self::Between(Operand::Path(path), low, high)
            }
            7 => {
                let others = (0..rng.random_range(0..3)).map(|_| Operand::Value(any(rng)));
                let others: Vec<Operand> = others.collect();
                Self::In(Operand::Path(path), std::iter::once(Operand::Value(value)).chain(others).collect())
            }
            8 => {
                let other = crate::values::path(rng).0;
                let other = if other == path && !once_in(rng, 6) { "pk".to_owned() } else { other };
                Self::Compare(Operand::Path(path), comparator(rng, "N"), Operand::Path(other))
            }
            _ => {
                let kind =
                    value.as_object().and_then(|value| value.keys().next().cloned()).unwrap_or_default();
                Self::Compare(Operand::Path(path), comparator(rng, &kind), Operand::Value(value))
            }
        }
    }

    pub(crate) fn write(&self, words: &mut Words) -> String {
        match self {
            Self::Compare(a, comparator, b) => format!("{} {comparator} {}", a.write(words), b.write(words)),
            Self::Between(a, low, high) => {
                format!("{} BETWEEN {} AND {}", a.write(words), low.write(words), high.write(words))
            }
            Self::In(a, members) => {
                let a = a.write(words);
                let members: Vec<String> = members.iter().map(|member| member.write(words)).collect();
                format!("{a} IN ({})", members.join(", "))
            }
            Self::Presence(function, path) => format!("{function}({})", words.path(path)),
            Self::Function(function, a, b) => format!("{function}({}, {})", a.write(words), b.write(words)),
            Self::And(a, b) => format!("{} AND {}", a.write_below(words), b.write_below(words)),
            Self::Or(a, b) => format!("{} OR {}", a.write(words), b.write(words)),
            Self::Not(inner) => format!("NOT {}", inner.write_below(words)),
        }
    }

    /// The words of the condition below AND or NOT.
    fn write_below(&self, words: &mut Words) -> String {
        match self {
            Self::And(..) | Self::Or(..) => format!("({})", self.write(words)),
            _ => self.write(words),
        }
    }

    /// The parts of the condition.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        match self {
            Self::And(a, b) | Self::Or(a, b) => {
                let join = |a: Self, b: Self| match self {
                    Self::And(..) => Self::And(Box::new(a), Box::new(b)),
                    _ => Self::Or(Box::new(a), Box::new(b)),
                };
                let mut all = vec![(**a).clone(), (**b).clone()];
                all.extend(a.smaller().into_iter().map(|a| join(a, (**b).clone())));
                all.extend(b.smaller().into_iter().map(|b| join((**a).clone(), b)));
                all
            }
            Self::Not(inner) => {
                let below = inner.smaller().into_iter().map(|inner| Self::Not(Box::new(inner)));
                std::iter::once((**inner).clone()).chain(below).collect()
            }
            Self::In(a, members) if members.len() > 1 => {
                members.iter().map(|member| Self::In(a.clone(), vec![member.clone()])).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The path itself, or one that every item has.
fn presence(rng: &mut StdRng, path: String) -> String {
    if once_in(rng, 2) { "pk".to_owned() } else { path }
}

/// A comparator that usually suits values of this type.
fn comparator(rng: &mut StdRng, kind: &str) -> &'static str {
    if is_ordered(kind) || once_in(rng, 15) {
        return pick(rng, &["=", "=", "<>", "<", "<=", ">", ">="]);
    }
    pick(rng, &["=", "<>"])
}

fn is_ordered(kind: &str) -> bool {
    ["S", "N", "B"].contains(&kind)
}

impl Operand {
    fn write(&self, words: &mut Words) -> String {
        match self {
            Self::Path(path) => words.path(path),
            Self::Value(value) => words.value(value),
            Self::Size(path) => format!("size({})", words.path(path)),
        }
    }
}

impl Clause {
    pub(crate) fn random(rng: &mut StdRng) -> Self {
        let (path, value) = path(rng);
        match rng.random_range(0..10) {
            0..=4 => Self::Set(path.clone(), Source::random(rng, &path, value)),
            5 | 6 => Self::Remove(path),
            7 | 8 => {
                let kind = match usual(&path) {
                    "SS" => "SS",
                    "NS" => "NS",
                    _ => pick(rng, &["N", "N", "N", "SS"]),
                };
                let nested = path.contains(['.', '[']) && !once_in(rng, 10);
                let path = if nested || kind == "N" && once_in(rng, 2) { "n".to_owned() } else { path };
                let value = if once_in(rng, 20) { value } else { of_type(rng, kind, 0) };
                Self::Add(path, value)
            }
            _ => {
                let (path, kind) = pick(
                    rng,
                    &[("words", "SS"), ("words", "SS"), ("nums", "NS"), ("n", "NS"), ("lost", "SS")],
                );
                Self::Delete(path.to_owned(), of_type(rng, kind, 0))
            }
        }
    }

    /// The paths that clauses change, of which none may be part of another.
    pub(crate) fn path(&self) -> &str {
        match self {
            Self::Set(path, _) | Self::Remove(path) | Self::Add(path, _) | Self::Delete(path, _) => path,
        }
    }
}

/// The words of an update expression.
pub(crate) fn write_update(clauses: &[Clause], words: &mut Words) -> String {
    let mut sections: [(&str, Vec<String>); 4] =
        [("SET", vec![]), ("REMOVE", vec![]), ("ADD", vec![]), ("DELETE", vec![])];
    for clause in clauses {
        let (section, text) = match clause {
            Clause::Set(path, source) => (0, format!("{} = {}", words.path(path), source.write(words))),
            Clause::Remove(path) => (1, words.path(path)),
            Clause::Add(path, value) => (2, format!("{} {}", words.path(path), words.value(value))),
            Clause::Delete(path, value) => (3, format!("{} {}", words.path(path), words.value(value))),
        };
        sections[section].1.push(text);
    }
    let filled = sections.iter().filter(|(_, clauses)| !clauses.is_empty());
    filled.map(|(verb, clauses)| format!("{verb} {}", clauses.join(", "))).collect::<Vec<_>>().join(" ")
}

impl Source {
    fn random(rng: &mut StdRng, path: &str, value: Value) -> Self {
        let one = |rng: &mut StdRng| Box::new(Self::Value(of_type(rng, "N", 0)));
        match rng.random_range(0..10) {
            0 => Self::Path(crate::values::path(rng).0),
            1 => Self::IfNotExists(path.to_owned(), Box::new(Self::Value(value))),
            2 | 3 => {
                let number = pick(rng, &["n", "m", "tree.x", "lost", "s"]).to_owned();
                let left = match once_in(rng, 2) {
                    true => Self::Path(number),
                    false => Self::IfNotExists(number, one(rng)),
                };
                Self::Sum(Box::new(left), pick(rng, &["+", "-"]), one(rng))
            }
            4 => {
                let list = Self::Path(pick(rng, &["line", "line", "lost", "n"]).to_owned());
                let other = Self::Value(of_type(rng, "L", 1));
                match once_in(rng, 2) {
                    true => Self::Append(Box::new(list), Box::new(other)),
                    false => Self::Append(Box::new(other), Box::new(list)),
                }
            }
            _ => Self::Value(value),
        }
    }

    fn write(&self, words: &mut Words) -> String {
        match self {
            Self::Value(value) => words.value(value),
            Self::Path(path) => words.path(path),
            Self::IfNotExists(path, otherwise) => {
                format!("if_not_exists({}, {})", words.path(path), otherwise.write(words))
            }
            Self::Append(a, b) => format!("list_append({}, {})", a.write(words), b.write(words)),
            Self::Sum(a, operator, b) => format!("{} {operator} {}", a.write(words), b.write(words)),
        }
    }
}
