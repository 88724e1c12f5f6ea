//! The table without a word of the marketplace: keys, items, conditional writes, queries and pages.

mod batch;
pub(crate) mod compressed;
mod conditional;
mod fault;
pub(crate) mod item;
pub(crate) mod page;
mod primary_key;
pub(crate) mod spread;
mod transaction;
mod units;
mod update;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;

pub(crate) use batch::Freshness;
pub use conditional::Conditional;
pub(crate) use fault::fault;
pub(crate) use item::Item;
pub(crate) use page::List;
pub use page::Page;
pub(crate) use primary_key::{Key, PK, SK};
pub(crate) use transaction::{Commit, Refusals, Tx, Updated};
pub use units::{Units, count_units};
pub(crate) use update::Update;

use crate::table::item::s;

/// Items without a natural spread are divided over this many keys, so that no single item or partition takes
/// part in everybody's transaction.
pub(crate) const SHARDS: u128 = 8;
/// Sorts behind every sort key and index position that begins with the same text.
pub(crate) const END: char = '~';

/// A table with the primary key [`PK`], [`SK`].
#[derive(Clone, Debug)]
pub(crate) struct Table {
    client: Client,
    name: String,
}

impl Table {
    pub(crate) fn new(client: &Client, name: String) -> Self {
        let config = client.config().to_builder().interceptor(units::UnitMeter);
        Self { client: Client::from_conf(config.build()), name }
    }

    /// A query, of the table or of one of its indexes.
    pub(crate) fn query(&self) -> QueryFluentBuilder {
        self.client.query().table_name(&self.name)
    }

    /// A strongly consistent query of the items of a partition whose sort keys lie between `low` and `high`,
    /// both included.
    pub(crate) fn between(
        &self,
        pk: impl Into<String>,
        low: impl Into<String>,
        high: impl Into<String>,
    ) -> QueryFluentBuilder {
        self.query()
            .key_condition_expression(format!("{PK} = :pk AND {SK} BETWEEN :low AND :high"))
            .expression_attribute_values(":pk", s(pk))
            .expression_attribute_values(":low", s(low))
            .expression_attribute_values(":high", s(high))
            .consistent_read(true)
    }

    /// A strongly consistent query of the items of a partition whose sort keys begin with `prefix`.
    pub(crate) fn beginning_with(
        &self,
        pk: impl Into<String>,
        prefix: impl Into<String>,
    ) -> QueryFluentBuilder {
        self.query()
            .key_condition_expression(format!("{PK} = :pk AND begins_with({SK}, :prefix)"))
            .expression_attribute_values(":pk", s(pk))
            .expression_attribute_values(":prefix", s(prefix))
            .consistent_read(true)
    }

    /// A strongly consistent scan of all items.
    pub(crate) fn scan(&self) -> ScanFluentBuilder {
        self.client.scan().table_name(&self.name).consistent_read(true)
    }
}
