//! Conditional changes of one item.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::PK;
use super::item::{Item, flag, n};

/// A conditional change of one item. Attribute paths are dotted: `claims.<user>.submitted_at`.
#[derive(Debug, Default)]
pub(crate) struct Update {
    sets: Vec<String>,
    adds: Vec<String>,
    removes: Vec<String>,
    takes: Vec<String>,
    conditions: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

/// An [`Update`] in the words of a request.
pub(super) struct Expressions {
    pub update: String,
    pub condition: Option<String>,
    pub names: Option<HashMap<String, String>>,
    pub values: Option<HashMap<String, AttributeValue>>,
}

impl Update {
    pub(crate) fn set(&mut self, path: &str, value: AttributeValue) -> &mut Self {
        let clause = format!("{} = {}", self.path(path), self.value(value));
        self.sets.push(clause);
        self
    }

    pub(crate) fn set_all(&mut self, attributes: Item) -> &mut Self {
        for (name, value) in attributes {
            self.set(&name, value);
        }
        self
    }

    pub(crate) fn add(&mut self, path: &str, delta: i64) -> &mut Self {
        self.add_number(path, n(delta))
    }

    /// Adds a number of any size that DynamoDB holds, or the members of a set.
    pub(crate) fn add_number(&mut self, path: &str, delta: AttributeValue) -> &mut Self {
        let clause = format!("{} {}", self.path(path), self.value(delta));
        self.adds.push(clause);
        self
    }

    /// Adds a word to the set at `path`, which exists while it has members.
    pub(crate) fn add_to_set(&mut self, path: &str, word: &str) -> &mut Self {
        self.add_number(path, AttributeValue::Ss(vec![word.to_owned()]))
    }

    /// Removes a word from the set at `path`.
    pub(crate) fn remove_from_set(&mut self, path: &str, word: &str) -> &mut Self {
        let word = AttributeValue::Ss(vec![word.to_owned()]);
        let clause = format!("{} {}", self.path(path), self.value(word));
        self.takes.push(clause);
        self
    }

    pub(crate) fn remove(&mut self, path: &str) -> &mut Self {
        let path = self.path(path);
        self.removes.push(path);
        self
    }

    pub(crate) fn require_new(&mut self) -> &mut Self {
        self.require_absent(PK)
    }

    pub(crate) fn require_existing(&mut self) -> &mut Self {
        self.require_present(PK)
    }

    pub(crate) fn require_absent(&mut self, path: &str) -> &mut Self {
        let condition = format!("attribute_not_exists({})", self.path(path));
        self.conditions.push(condition);
        self
    }

    pub(crate) fn require_present(&mut self, path: &str) -> &mut Self {
        let condition = format!("attribute_exists({})", self.path(path));
        self.conditions.push(condition);
        self
    }

    /// Requires `path operator value`, with one of DynamoDB's comparators.
    pub(crate) fn require(&mut self, path: &str, operator: &str, value: AttributeValue) -> &mut Self {
        let condition = format!("{} {operator} {}", self.path(path), self.value(value));
        self.conditions.push(condition);
        self
    }

    /// Requires that there be no attribute at `path`, or that `path operator value` hold.
    pub(crate) fn require_absent_or(
        &mut self,
        path: &str,
        operator: &str,
        value: AttributeValue,
    ) -> &mut Self {
        let (path, value) = (self.path(path), self.value(value));
        self.conditions.push(format!("(attribute_not_exists({path}) OR {path} {operator} {value})"));
        self
    }

    /// Requires that the number at `path` be this; no attribute stands for zero.
    pub(crate) fn require_number(&mut self, path: &str, number: impl Into<i64>) -> &mut Self {
        match number.into() {
            0 => self.require_absent_or(path, "=", n(0)),
            number => self.require(path, "=", n(number)),
        }
    }

    /// Requires that the flag at `path` be this; no attribute stands for `false`.
    pub(crate) fn require_flag(&mut self, path: &str, value: bool) -> &mut Self {
        if value {
            self.require(path, "=", flag(true))
        } else {
            self.require_absent_or(path, "=", flag(false))
        }
    }

    /// Requires that `left operator right` hold between two attributes.
    pub(crate) fn require_between(&mut self, left: &str, operator: &str, right: &str) -> &mut Self {
        let condition = format!("{} {operator} {}", self.path(left), self.path(right));
        self.conditions.push(condition);
        self
    }

    fn path(&mut self, path: &str) -> String {
        let parts: Vec<String> = path.split('.').map(|part| self.name(part)).collect();
        parts.join(".")
    }

    fn name(&mut self, name: &str) -> String {
        if let Some((placeholder, _)) = self.names.iter().find(|(_, known)| *known == name) {
            return placeholder.clone();
        }
        let placeholder = format!("#n{}", self.names.len());
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn value(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    pub(super) fn into_expressions(self) -> Expressions {
        let clauses =
            [("SET", &self.sets), ("ADD", &self.adds), ("REMOVE", &self.removes), ("DELETE", &self.takes)];
        let filled = clauses.iter().filter(|(_, clauses)| !clauses.is_empty());
        let clauses = filled.map(|(verb, clauses)| format!("{verb} {}", clauses.join(", ")));
        Expressions {
            update: clauses.collect::<Vec<_>>().join(" "),
            condition: (!self.conditions.is_empty()).then(|| self.conditions.join(" AND ")),
            names: (!self.names.is_empty()).then_some(self.names),
            values: (!self.values.is_empty()).then_some(self.values),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_gets_one_placeholder() {
        let mut update = Update::default();
        update
            .set("claims.ada.submitted_at", n(1))
            .require_absent("claims.ada.submitted_at")
            .require_existing();
        let expressions = update.into_expressions();
        assert_eq!(expressions.update, "SET #n0.#n1.#n2 = :v0");
        assert_eq!(
            expressions.condition.unwrap(),
            "attribute_not_exists(#n0.#n1.#n2) AND attribute_exists(#n3)"
        );
    }
}
