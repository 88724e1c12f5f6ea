//! `wait`: the timeline of a drop until it ends.

use std::time::Duration;

use jiff::Timestamp;

use crate::api::calls::LOGS;
use crate::api::types::{DropStatus, Opened, What};
use crate::args;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Progress, Style, left};

use super::{Session, pull};

/// Pauses between two movements of the countdown.
const TICK: Duration = Duration::from_millis(500);

/// Follows a drop, and reveals its result to a person.
pub async fn run(session: &Session, args: args::Wait) -> Result<Exit> {
    let id = session.own_drop(args.id).await?;
    follow(session, &id).await
}

/// Follows the drop with this id. Programs get the events, one a line.
pub async fn follow(session: &Session, id: &str) -> Result<Exit> {
    let status = match watch(session, id).await? {
        Some(status) => status,
        // A complete timeline without its end is none that this version knows.
        None => return Err(Failure::new(Exit::Unavailable, "the timeline ended without a result")),
    };
    if !session.output.json {
        return pull::reveal(session, id, None).await;
    }
    Ok(if status == DropStatus::Completed { Exit::Success } else { Exit::Failure })
}

/// Prints events until the last one, and returns the final status.
async fn watch(session: &Session, id: &str) -> Result<Option<DropStatus>> {
    let Session { api, output } = session;
    let progress = Progress::spinner(output, "waiting");
    let (mut last, mut opened, mut phase) = (None, None::<Opened>, String::new());
    loop {
        // Each request resumes behind the last event that arrived, so none is missed or seen twice.
        let Some(stream) = api.events(LOGS.at(id).after_event(last.clone())).await? else { return Ok(None) };
        for event in stream.events {
            let what = event.value.what;
            let mut shown = Ok(());
            progress.above(|| shown = output.show(&event.json, |style| describe(&what, api.now(), style)));
            shown?;
            match what {
                What::Opened(data) => opened = Some(data),
                What::Claimed(data) => phase = format!("{} claimed", data.claims_count),
                What::Submitted(data) => phase = format!("{} submitted", data.submissions_count),
                What::Ranking(_) => (opened, phase) = (None, "the judge is reading".to_owned()),
                What::Done(data) => return Ok(Some(data.status)),
                _ => {}
            }
            last = Some(event.id);
        }
        rest(&progress, stream.retry, opened.as_ref(), &phase, || api.now()).await;
    }
}

/// Pauses before the next request, and keeps the countdown moving.
async fn rest(
    progress: &Progress,
    pause: Duration,
    opened: Option<&Opened>,
    phase: &str,
    now: impl Fn() -> Timestamp,
) {
    let mut left = pause;
    loop {
        match opened {
            Some(opened) => progress.count_down(Some(opened.at), opened.window_closes_at, now(), phase),
            None => progress.message(if phase.is_empty() { "waiting" } else { phase }),
        }
        let step = left.min(TICK);
        tokio::time::sleep(step).await;
        left = left.saturating_sub(step);
        if left.is_zero() {
            return;
        }
    }
}

/// An event in one line.
fn describe(what: &What, now: Timestamp, style: Style) -> String {
    let text = match what {
        What::Created(_) => "posted".to_owned(),
        What::Opened(data) => {
            format!("open: {} slots, {} left", data.max_claims, left(data.window_closes_at, now))
        }
        What::Claimed(data) if data.yours => format!("claim {}, which is yours", data.claims_count),
        What::Claimed(data) => format!("claim {}", data.claims_count),
        What::Submitted(data) if data.yours => {
            format!("submission {}, which is yours", data.submissions_count)
        }
        What::Submitted(data) => format!("submission {}", data.submissions_count),
        What::Ranking(_) => "closed: the judge is reading".to_owned(),
        What::Completed(data) => {
            return format!("{} grade {}", style.green("•"), style.grade(&data.grade.line()));
        }
        What::Cancelled(_) => "cancelled".to_owned(),
        What::Expired(_) => "expired: the price is back in the sender's wallet".to_owned(),
        What::Done(data) => format!("done: {}", data.status),
    };
    format!("{} {text}", style.dim("•"))
}
