//! The faults of a run: SIGKILL to instances while they answer, and to the database.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::{Instant, sleep, sleep_until};

use crate::Options;
use crate::database::sums;
use crate::history::{Fault, Image, Recorder};
use crate::stack::Stack;

/// Functions to kill. One that stands here several times is killed more often.
const VICTIMS: [&str; 10] = [
    "drops",
    "wallet",
    "drops",
    "ranking",
    "drops",
    "wallet",
    "stripe-webhook",
    "drops",
    "reconciler",
    "ranking",
];
/// Time to wait until an instance is busy.
const PATIENCE: Duration = Duration::from_millis(1500);
/// Longest time from the sight of a busy instance to its end.
const MOST_DELAY_MILLIS: u64 = 15;
/// Shortest and longest time without a database, in milliseconds.
const DOWN_MILLIS: (u64, u64) = (50, 600);

/// Kills processes at times that the seed chooses, in the first four fifths of the run.
///
/// # Errors
/// Fails if the database had ended by itself, or does not start again.
pub async fn inject(
    options: &Options,
    stack: Arc<Stack>,
    recorder: Arc<Recorder>,
    began: Instant,
) -> Result<()> {
    let mut rng = StdRng::seed_from_u64(options.seed ^ 0x5eed);
    let shift = rng.random_range(0..VICTIMS.len());
    for number in 0..options.kills {
        let share = (number as f64 + rng.random_range(0.2..0.8)) / options.kills as f64;
        sleep_until(began + Duration::from_secs_f64(options.seconds as f64 * 0.8 * share)).await;
        if number % 4 == 2 {
            let image = options.folder.join(format!("image-{number}"));
            kill_database(&stack, &recorder, &image, rng.random_range(DOWN_MILLIS.0..=DOWN_MILLIS.1)).await?;
        } else {
            let function = VICTIMS[(shift + number) % VICTIMS.len()];
            let delay = Duration::from_millis(rng.random_range(0..=MOST_DELAY_MILLIS));
            if let Some((pid, busy)) = stack.fleet.kill_one(function, PATIENCE, delay).await {
                let (at_nanos, function) = (recorder.nanos(), function.to_owned());
                recorder.fault(Fault::Instance { at_nanos, function, pid, busy });
            }
        }
    }
    Ok(())
}

/// Kills the database, audits what it has left on disk, and starts it again.
async fn kill_database(
    stack: &Stack,
    recorder: &Recorder,
    image: &std::path::Path,
    millis: u64,
) -> Result<()> {
    let mut database = stack.database.lock().await;
    let pid = database.kill().await?;
    let (at_nanos, down) = (recorder.nanos(), Instant::now());
    let audited = database.audit_image(image).await?;
    sleep_until(down + Duration::from_millis(millis)).await;
    database.restart().await?;
    let down_millis = u64::try_from(down.elapsed().as_millis()).unwrap_or(u64::MAX);
    recorder.fault(Fault::Database { at_nanos, pid, down_millis });
    recorder.image(Image { at_nanos, sums: sums(&audited), discrepancies: audited.discrepancies });
    // The functions connect again with their next request.
    sleep(Duration::from_millis(10)).await;
    Ok(())
}
