//! Lambda for drops.

use clorp_context::{Context, aws_config, start_log, var};
use clorp_drops::App;
use clorp_files::Files;
use clorp_http::{Authenticator, serve};
use clorp_payments::Payments;
use clorp_queue::RankingQueue;
use clorp_secrets::Secrets;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    start_log();
    let aws = aws_config().await?;
    let (context, secrets) = tokio::try_join!(Context::from_env(&aws), Secrets::from_env(&aws))?;
    let queue = var("RANKING_QUEUE_URL").map(|url| RankingQueue::new(aws_sdk_sqs::Client::new(&aws), url));
    let authenticator = Authenticator::from_env(context.clone(), &secrets)?;
    let app = App::new(Payments::from_env(context, &secrets)?, Files::from_env(&aws)?, queue);
    serve::run(clorp_drops::router(app, authenticator)).await
}
