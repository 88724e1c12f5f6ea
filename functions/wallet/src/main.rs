//! Lambda for the wallet.

use clorp_context::{Context, aws_config, start_log};
use clorp_http::{Authenticator, serve};
use clorp_payments::Payments;
use clorp_wallet::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_log();
    let aws = aws_config().await?;
    let context = Context::from_env(&aws).await?;
    let authenticator = Authenticator::from_env(context.clone())?;
    let payments = Payments::from_env(context)?;
    serve::run(clorp_wallet::router(App { payments }, authenticator)).await
}
