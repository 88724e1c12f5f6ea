//! Lambda for uploads.

use clorp_context::{Context, aws_config, start_log};
use clorp_files::Files;
use clorp_http::{Authenticator, serve};
use clorp_secrets::Secrets;
use clorp_uploads::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_log();
    let aws = aws_config().await?;
    let (context, secrets) = tokio::try_join!(Context::from_env(&aws), Secrets::from_env(&aws))?;
    let authenticator = Authenticator::from_env(context.clone(), &secrets)?;
    serve::run(clorp_uploads::router(App { context, files: Files::from_env(&aws)? }, authenticator)).await
}
