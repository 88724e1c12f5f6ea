//! Lambda that reconciles pending payments, every minute.

use clorp_context::{Context, aws_config, start_log};
use std::time::Duration;

use clorp_deadline::scope_invocation;
use clorp_payments::Payments;
use clorp_reconciler::{Event, handle};
use clorp_secrets::Secrets;
use lambda_runtime::{LambdaEvent, service_fn};

/// The function's timeout in the template, for runtimes that name no end.
const TIMEOUT: Duration = Duration::from_secs(60);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_log();
    let aws = aws_config().await?;
    let (context, secrets) = tokio::try_join!(Context::from_env(&aws), Secrets::from_env(&aws))?;
    let payments = Payments::from_env(context, &secrets)?;
    let serve = |event: LambdaEvent<Event>| {
        let payments = payments.clone();
        let LambdaEvent { payload, context } = event;
        async move { scope_invocation(Some(context.deadline), TIMEOUT, handle(&payments, payload)).await }
    };
    lambda_runtime::run(service_fn(serve)).await
}
