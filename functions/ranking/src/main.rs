//! Lambda that settles drops: invoked by the queue, and every minute by the schedule.

use std::sync::Arc;
use std::time::Duration;

use clorp_context::{Context, aws_config, start_log, var};
use clorp_deadline::scope_invocation;
use clorp_files::Files;
use clorp_judge::model::Model;
use clorp_queue::RankingQueue;
use clorp_ranking::event::{Event, handle};
use clorp_ranking::{Judges, Ranking};
use clorp_secrets::Secrets;
use lambda_runtime::{LambdaEvent, service_fn};

/// The function's timeout in the template, for runtimes that name no end.
const TIMEOUT: Duration = Duration::from_secs(60);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_log();
    let aws = aws_config().await?;
    let (context, secrets) = tokio::try_join!(Context::from_env(&aws), Secrets::from_env(&aws))?;
    let queue = var("RANKING_QUEUE_URL").map(|url| RankingQueue::new(aws_sdk_sqs::Client::new(&aws), url));
    let credentials = aws.credentials_provider();
    let judges = Judges::from_env(&secrets, |config| Model::new(config, credentials.clone()))?.map(Arc::new);
    let ranking = Ranking { context, judges, files: Files::from_env(&aws)?, queue };
    let serve = |event: LambdaEvent<Event>| {
        let ranking = ranking.clone();
        let LambdaEvent { payload, context } = event;
        // Boxed: the futures within nest too deeply for the compiler to lay them out in one.
        Box::pin(
            async move { scope_invocation(Some(context.deadline), TIMEOUT, handle(&ranking, payload)).await },
        )
    };
    lambda_runtime::run(service_fn(serve)).await
}
