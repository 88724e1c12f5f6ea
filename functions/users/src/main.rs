//! Lambda for users.

use clorp_context::{Context, aws_config, start_log};
use clorp_http::{Authenticator, serve};
use clorp_secrets::Secrets;
use clorp_users::{App, LoginPage};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_log();
    let aws = aws_config().await?;
    let (context, secrets) = tokio::try_join!(Context::from_env(&aws), Secrets::from_env(&aws))?;
    let authenticator = Authenticator::from_env(context.clone(), &secrets)?;
    let login_page = LoginPage::from_env()?;
    serve::run(clorp_users::router(App { context, login_page }, authenticator)).await
}
