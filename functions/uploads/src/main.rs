//! The Lambda for uploads.

use clorp_files::Files;
use clorp_http::{Authenticator, serve};
use clorp_service::{Service, aws_config, start_log};
use clorp_uploads::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_log();
    let aws = aws_config().await?;
    let service = Service::from_env(&aws).await?;
    let authenticator = Authenticator::from_env(service.clone())?;
    serve::run(clorp_uploads::router(App { service, files: Files::from_env(&aws)? }, authenticator)).await
}
