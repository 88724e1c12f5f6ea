//! The Lambda for the wallet.

use clorp_funds::Funds;
use clorp_http::serve;
use clorp_service::{Service, aws_config, start_log};
use wallet::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_log();
    let aws = aws_config().await?;
    let funds = Funds::from_env(Service::from_env(&aws).await?)?;
    serve::run(wallet::router(App { funds })).await
}
