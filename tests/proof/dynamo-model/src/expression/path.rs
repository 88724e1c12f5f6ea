//! Document paths: `claims.#user.places[2]`.

use serde_json::{Map, Value};

use crate::Item;
use crate::value::{Kind, typed, value_of};

/// The name of an attribute or of a map's member, written out or as a placeholder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Plain(String),
    Placeholder(String),
}

/// A part of a path as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Member(Name),
    Index(usize),
}

/// A document path.
///
/// Source: Developer Guide, "Referring to item attributes when using expressions in DynamoDB".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path(pub(super) Vec<Step>);

/// A part of a path, with placeholders replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part<'a> {
    Member(&'a str),
    Index(usize),
}

impl Path {
    /// The path's parts, with placeholders replaced by `names`.
    pub(crate) fn parts<'a>(&'a self, names: &'a Map<String, Value>) -> impl Iterator<Item = Part<'a>> {
        self.0.iter().map(|step| match step {
            Step::Member(name) => Part::Member(name.resolve(names)),
            Step::Index(index) => Part::Index(*index),
        })
    }

    /// The name of the attribute at the path's start.
    pub(crate) fn root<'a>(&'a self, names: &'a Map<String, Value>) -> &'a str {
        match self.parts(names).next() {
            Some(Part::Member(name)) => name,
            _ => "",
        }
    }

    /// Tells whether the path is a single attribute.
    pub(crate) fn is_top_level(&self) -> bool {
        self.0.len() == 1
    }

    /// The value at the path.
    pub(crate) fn read<'i>(&self, item: &'i Item, names: &Map<String, Value>) -> Option<&'i Value> {
        let mut parts = self.parts(names);
        let Some(Part::Member(root)) = parts.next() else { return None };
        parts.try_fold(item.get(root)?, |value, part| member(value, part))
    }
}

impl Name {
    fn resolve<'a>(&'a self, names: &'a Map<String, Value>) -> &'a str {
        match self {
            Self::Plain(name) => name,
            // Requests with undefined placeholders are refused before anything is resolved.
            Self::Placeholder(name) => names.get(name).and_then(Value::as_str).unwrap_or_default(),
        }
    }
}

fn member<'i>(value: &'i Value, part: Part) -> Option<&'i Value> {
    match (typed(value)?, part) {
        ((Kind::M, Value::Object(members)), Part::Member(name)) => members.get(name),
        ((Kind::L, Value::Array(members)), Part::Index(index)) => members.get(index),
        _ => None,
    }
}

/// A path that leads through an absent value, or through one that has no such parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoSuchPlace;

/// Writes `value` at `parts`. A list's index beyond its end appends.
pub(crate) fn write(item: &mut Item, parts: &[Part], value: Value) -> Result<(), NoSuchPlace> {
    let Some((last, parents)) = parts.split_last() else { return Err(NoSuchPlace) };
    match (holder(item, parents)?, last) {
        (Holder::Members(members), Part::Member(name)) => {
            members.insert((*name).to_owned(), value);
        }
        (Holder::List(list), Part::Index(index)) => match list.get_mut(*index) {
            Some(place) => *place = value,
            None => list.push(value),
        },
        _ => return Err(NoSuchPlace),
    }
    Ok(())
}

/// Removes the value at `parts`, if there is one.
pub(crate) fn remove(item: &mut Item, parts: &[Part]) -> Result<(), NoSuchPlace> {
    let Some((last, parents)) = parts.split_last() else { return Err(NoSuchPlace) };
    match (holder(item, parents)?, last) {
        (Holder::Members(members), Part::Member(name)) => {
            members.remove(*name);
        }
        (Holder::List(list), Part::Index(index)) => {
            if *index < list.len() {
                list.remove(*index);
            }
        }
        _ => return Err(NoSuchPlace),
    }
    Ok(())
}

enum Holder<'i> {
    Members(&'i mut Map<String, Value>),
    List(&'i mut Vec<Value>),
}

/// The map or list at `parents`.
fn holder<'i>(item: &'i mut Item, parents: &[Part]) -> Result<Holder<'i>, NoSuchPlace> {
    let mut holder = Holder::Members(item);
    for part in parents {
        let value = match (holder, part) {
            (Holder::Members(members), Part::Member(name)) => members.get_mut(*name),
            (Holder::List(list), Part::Index(index)) => list.get_mut(*index),
            _ => None,
        };
        let content = value.and_then(Value::as_object_mut).and_then(|value| value.iter_mut().next());
        holder = match content {
            Some((tag, Value::Object(members))) if tag == "M" => Holder::Members(members),
            Some((tag, Value::Array(list))) if tag == "L" => Holder::List(list),
            _ => return Err(NoSuchPlace),
        };
    }
    Ok(holder)
}

/// The parts of `item` that lie on `paths`. Members of a list close up, in the list's order.
///
/// Source: Developer Guide, "Using projection expressions in DynamoDB".
pub(crate) fn project(item: &Item, paths: &[Vec<Part>]) -> Item {
    let mut projected = Item::new();
    let tree = Tree::of(paths.iter().map(Vec::as_slice));
    for (part, below) in &tree.0 {
        if let Part::Member(name) = part
            && let Some(value) = item.get(*name).and_then(|value| below.cut(value))
        {
            projected.insert((*name).to_owned(), value);
        }
    }
    projected
}

/// The paths below a value; none for the whole value.
struct Tree<'a>(std::collections::BTreeMap<Part<'a>, Tree<'a>>);

impl<'a> Tree<'a> {
    fn of<'p>(paths: impl Iterator<Item = &'p [Part<'a>]>) -> Self
    where
        'a: 'p,
    {
        let mut tree = Self(std::collections::BTreeMap::new());
        for path in paths {
            let mut node = &mut tree;
            for part in path {
                node = node.0.entry(*part).or_insert_with(|| Self(std::collections::BTreeMap::new()));
            }
        }
        tree
    }

    fn cut(&self, value: &Value) -> Option<Value> {
        if self.0.is_empty() {
            return Some(value.clone());
        }
        let cut = |part: &Part<'a>, below: &Self| member(value, *part).and_then(|value| below.cut(value));
        match typed(value)? {
            (Kind::M, _) => {
                let members: Map<String, Value> = self
                    .0
                    .iter()
                    .filter_map(|(part, below)| match part {
                        Part::Member(name) => Some(((*name).to_owned(), cut(part, below)?)),
                        Part::Index(_) => None,
                    })
                    .collect();
                (!members.is_empty()).then(|| value_of(Kind::M, Value::Object(members)))
            }
            (Kind::L, _) => {
                let members: Vec<Value> =
                    self.0.iter().filter_map(|(part, below)| cut(part, below)).collect();
                (!members.is_empty()).then(|| value_of(Kind::L, members))
            }
            _ => None,
        }
    }
}
