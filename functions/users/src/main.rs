//! The Lambda for users.

use clorp_http::{Callers, serve};
use clorp_service::{Service, aws_config, start_log};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_log();
    let aws = aws_config().await?;
    serve::run(users::router(Callers::from_env(Service::from_env(&aws).await?)?)).await
}
