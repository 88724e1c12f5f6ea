//! Lambda that reconciles pending payments, every minute.

use clorp_context::{Context, aws_config, start_log};
use clorp_payments::Payments;
use clorp_reconciler::{Event, handle};
use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_log();
    let aws = aws_config().await?;
    let payments = Payments::from_env(Context::from_env(&aws).await?)?;
    let serve = |event: LambdaEvent<Event>| {
        let payments = payments.clone();
        async move { handle(&payments, event.payload).await }
    };
    lambda_runtime::run(service_fn(serve)).await
}
