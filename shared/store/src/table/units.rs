//! The capacity units that DynamoDB reports, summed for each request to a function.
//!
//! A write whose condition failed reports none, although it is charged.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextMut,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::batch_get_item::{BatchGetItemInput, BatchGetItemOutput};
use aws_sdk_dynamodb::operation::delete_item::{DeleteItemInput, DeleteItemOutput};
use aws_sdk_dynamodb::operation::get_item::{GetItemInput, GetItemOutput};
use aws_sdk_dynamodb::operation::query::{QueryInput, QueryOutput};
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsInput, TransactWriteItemsOutput};
use aws_sdk_dynamodb::operation::update_item::{UpdateItemInput, UpdateItemOutput};
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};

tokio::task_local! {
    static CONSUMED: Arc<Mutex<Units>>;
}

/// Capacity units.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Units {
    /// Read units.
    pub read: f64,
    /// Write units.
    pub write: f64,
}

/// Runs `work`, and sums the units that the table has reported to it.
pub async fn count_units<T>(work: impl Future<Output = T>) -> (T, Units) {
    let consumed = Arc::<Mutex<Units>>::default();
    let done = CONSUMED.scope(Arc::clone(&consumed), work).await;
    let units = *consumed.lock().unwrap_or_else(PoisonError::into_inner);
    (done, units)
}

/// Asks DynamoDB for the consumption of each call, and adds it up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnitMeter;

/// Asks for the consumption, if the input is that of one of these operations.
macro_rules! ask {
    ($input:expr, $($operation:ty),+) => {
        $(if let Some(input) = $input.downcast_mut::<$operation>() {
            input.return_consumed_capacity = Some(ReturnConsumedCapacity::Total);
        })+
    };
}

impl Intercept for UnitMeter {
    fn name(&self) -> &'static str {
        "UnitMeter"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let input = context.input_mut();
        ask!(
            input,
            GetItemInput,
            BatchGetItemInput,
            QueryInput,
            UpdateItemInput,
            DeleteItemInput,
            TransactWriteItemsInput
        );
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Ok(output) = context.output_or_error() else { return Ok(()) };
        let sum =
            |reports: &[ConsumedCapacity]| reports.iter().filter_map(ConsumedCapacity::capacity_units).sum();
        let one = |report: Option<&ConsumedCapacity>| report.and_then(ConsumedCapacity::capacity_units);
        let (mut read, mut write) = (0.0, 0.0);
        if let Some(output) = output.downcast_ref::<GetItemOutput>() {
            read = one(output.consumed_capacity()).unwrap_or_default();
        } else if let Some(output) = output.downcast_ref::<QueryOutput>() {
            read = one(output.consumed_capacity()).unwrap_or_default();
        } else if let Some(output) = output.downcast_ref::<BatchGetItemOutput>() {
            read = sum(output.consumed_capacity());
        } else if let Some(output) = output.downcast_ref::<UpdateItemOutput>() {
            write = one(output.consumed_capacity()).unwrap_or_default();
        } else if let Some(output) = output.downcast_ref::<DeleteItemOutput>() {
            write = one(output.consumed_capacity()).unwrap_or_default();
        } else if let Some(output) = output.downcast_ref::<TransactWriteItemsOutput>() {
            write = sum(output.consumed_capacity());
        }
        // Outside of a request, as at the start of a function, nobody counts.
        let _ = CONSUMED.try_with(|consumed| {
            let mut units = consumed.lock().unwrap_or_else(PoisonError::into_inner);
            units.read += read;
            units.write += write;
        });
        Ok(())
    }
}
