//! Programs that nobody wrote: what the backend asks of its table in a simulated seed.

use anyhow::Result;
use clorp_simulation::aws;
use clorp_simulation::plan::Plan;
use clorp_simulation::run::Ground;
use serde_json::{Value, json};

use crate::{Call, TABLE};

/// A simulation without faults, whose calls are recorded.
#[expect(missing_debug_implementations, reason = "the simulation shows nothing")]
pub struct Recorder(Ground);

impl Recorder {
    /// Builds the simulation.
    ///
    /// # Errors
    /// Fails if the functions cannot be built.
    pub fn new() -> Result<Self> {
        Ok(Self(Ground::new()?))
    }

    /// Every call of the table in a seed, from the empty table on.
    ///
    /// # Errors
    /// Fails if the seed cannot run.
    pub fn calls(&self, seed: u64) -> Result<Vec<Call>> {
        let recorded = self.0.record(&Plan::of_seed(seed))?;
        let call = |(operation, request)| Call { operation, request: renamed(request) };
        Ok(recorded.into_iter().map(call).collect())
    }
}

/// The request with the name of this table.
fn renamed(mut request: Value) -> Value {
    if request.get("TableName").is_some() {
        request["TableName"] = json!(TABLE);
    }
    if let Some(tables) = request.get_mut("RequestItems").and_then(Value::as_object_mut)
        && let Some(keys) = tables.remove(aws::TABLE)
    {
        tables.insert(TABLE.to_owned(), keys);
    }
    if let Some(actions) = request.get_mut("TransactItems").and_then(Value::as_array_mut) {
        for action in
            actions.iter_mut().filter_map(Value::as_object_mut).flat_map(|action| action.values_mut())
        {
            action["TableName"] = json!(TABLE);
        }
    }
    request
}
