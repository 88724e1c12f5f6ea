//! Random programs of DynamoDB calls, run on several databases, whose answers and tables are compared after
//! each call: the [model](clorp_dynamo_model) of the documentation, the embedded database, and moto.
//!
//! A [`program`] is generated from a seed, and [shrunk](program::Program::smaller) when the databases differ.
//! Other programs are [`recorded`] from the backend.
//! A known difference of a database has a name and a reason in [`differences`]; everything else is a finding.

pub mod differences;
pub mod moto;
pub mod outcome;
pub mod program;
pub mod recorded;
pub mod rig;
pub mod shapes;
mod syntax;
mod values;

use serde_json::Value;

/// The name of the table in every database.
pub const TABLE: &str = "programs";

/// A call of the JSON protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The operation, such as `GetItem`.
    pub operation: String,
    /// The request's body, without the table's name where it has only one.
    pub request: Value,
}
