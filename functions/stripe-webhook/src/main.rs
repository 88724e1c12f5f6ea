//! Lambda for Stripe's webhook.

use clorp_context::{BootError, Context, aws_config, start_log, var};
use clorp_http::serve;
use clorp_payments::WebhookEvents;
use clorp_stripe_api::signature::Secrets;
use clorp_stripe_webhook::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_log();
    let secrets = var("STRIPE_WEBHOOK_SECRETS").and_then(|list| Secrets::parse(&list));
    let secrets = secrets.ok_or(BootError::Missing("STRIPE_WEBHOOK_SECRETS"))?;
    let aws = aws_config().await?;
    let events = WebhookEvents { context: Context::from_env(&aws).await? };
    serve::run(clorp_stripe_webhook::router(App { events, secrets })).await
}
