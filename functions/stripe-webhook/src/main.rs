//! Lambda for Stripe's webhook.

use clorp_context::{Context, aws_config, start_log};
use clorp_http::serve;
use clorp_secrets::Secrets;
use clorp_stripe_webhook::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_log();
    let aws = aws_config().await?;
    let (context, secrets) = tokio::try_join!(Context::from_env(&aws), Secrets::from_env(&aws))?;
    serve::run(clorp_stripe_webhook::router(App::from_env(context, &secrets)?)).await
}
