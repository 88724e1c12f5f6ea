//! The table: its name, its key and its indexes.

use clorp_sam::{IndexSpec, KeySpec, Projection, TableSpec};

use crate::value::Kind;

/// The table that a database holds.
#[derive(Clone, Debug)]
pub struct TableShape {
    /// The table's name.
    pub name: String,
    /// The table's key.
    pub key: KeyShape,
    /// The global secondary indexes.
    pub indexes: Vec<IndexShape>,
}

/// The attributes of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyShape {
    /// The partition key.
    pub hash: KeyAttribute,
    /// The sort key.
    pub range: Option<KeyAttribute>,
}

/// An attribute of a key, and its type: `S`, `N` or `B`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAttribute {
    /// The attribute's name.
    pub name: String,
    /// The attribute's type.
    pub kind: Kind,
}

/// A global secondary index.
#[derive(Clone, Debug)]
pub struct IndexShape {
    /// The index's name.
    pub name: String,
    /// The index's key.
    pub key: KeyShape,
    /// The attributes that an entry has in addition to the keys; `None` for all.
    pub included: Option<Vec<String>>,
}

impl TableShape {
    /// The shape of a table of the template. `None` if a key's attribute has no type there.
    pub fn from_spec(name: &str, spec: &TableSpec) -> Option<Self> {
        let index = |index: &IndexSpec| {
            let included = match &index.projection {
                Projection::All => None,
                Projection::KeysOnly => Some(Vec::new()),
                Projection::Include(names) => Some(names.clone()),
            };
            Some(IndexShape { name: index.name.clone(), key: key(spec, &index.key)?, included })
        };
        let indexes = spec.indexes.iter().map(index).collect::<Option<Vec<_>>>()?;
        Some(Self { name: name.to_owned(), key: key(spec, &spec.key)?, indexes })
    }

    /// The names of the attributes that are in every entry of an index.
    pub(crate) fn index_keys<'a>(&'a self, index: &'a IndexShape) -> impl Iterator<Item = &'a KeyAttribute> {
        self.key.attributes().chain(index.key.attributes())
    }
}

impl KeyShape {
    /// The partition key, and the sort key if there is one.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        std::iter::once(&self.hash).chain(&self.range)
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.attributes().any(|attribute| attribute.name == name)
    }
}

fn key(spec: &TableSpec, key: &KeySpec) -> Option<KeyShape> {
    let attribute = |name: &String| {
        let kind = &spec.attributes.iter().find(|attribute| attribute.name == *name)?.kind;
        Some(KeyAttribute { name: name.clone(), kind: Kind::from_tag(kind)? })
    };
    let range = match &key.range {
        Some(name) => Some(attribute(name)?),
        None => None,
    };
    Some(KeyShape { hash: attribute(&key.hash)?, range })
}
