//! Lambda for users' Stripe accounts.

use clorp_connect::App;
use clorp_context::{Context, aws_config, start_log};
use clorp_http::{Authenticator, serve};
use clorp_payments::Payments;
use clorp_secrets::Secrets;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_log();
    let aws = aws_config().await?;
    let (context, secrets) = tokio::try_join!(Context::from_env(&aws), Secrets::from_env(&aws))?;
    let authenticator = Authenticator::from_env(context.clone(), &secrets)?;
    let payments = Payments::from_env(context, &secrets)?;
    serve::run(clorp_connect::router(App { payments }, authenticator)).await
}
