//! Lambda for Stripe's webhook.

use clorp_context::{Context, aws_config, start_log, var};
use clorp_http::serve;
use clorp_secrets::Secrets;
use clorp_stripe_webhook::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_log();
    let aws = aws_config().await?;
    let app = App::from_env(Context::from_env(&aws).await?, &Secrets::from_variables(var))?;
    serve::run(clorp_stripe_webhook::router(app)).await
}
