//! Lambda for public reads.

use clorp_context::{Context, aws_config, start_log};
use clorp_http::{Origins, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_log();
    let aws = aws_config().await?;
    serve::run(clorp_board::router(Context::from_env(&aws).await?, &Origins::from_env()?)).await
}
