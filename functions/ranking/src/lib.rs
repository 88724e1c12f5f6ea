//! Ranking: closes windows, judges submissions and pays winners; refunds drops without submissions.
//!
//! Every step may run twice, concurrently with itself, late, or after a crash between any two steps: a step
//! is one conditional write, and the drop alone determines the next step.

pub mod event;
mod judges;
mod judging;

use std::fmt;
use std::sync::Arc;

use clorp_context::metrics::{self, Metric};
use clorp_context::{Context, new_ulid};
use clorp_deadline::{Decision, decide};
use clorp_domain::drops::{Due, Outcome};
use clorp_domain::{Brief, Drop, DropId, EntryId, Error, RankingTask, Side, Status};
use clorp_files::Files;
use clorp_queue::RankingQueue;
use clorp_store::{Conditional, FeedExcerpt, Racer};
use futures::future::try_join;
use futures::stream::{self, StreamExt};
use jiff::Timestamp;

pub use judges::{Judges, Limits};

use crate::judging::Judged;

/// Tasks that a sweep or a batch of messages performs concurrently.
const CONCURRENCY: usize = 8;
/// Length of the excerpt of the winning output in the public feed, in characters.
const EXCERPT_CHARS: usize = 280;

/// Settles drops whose window has closed.
#[derive(Clone)]
pub struct Ranking {
    /// The store, the rules and the clock.
    pub context: Context,
    /// The models that judge; without them the embedded judge does.
    pub judges: Option<Arc<Judges>>,
    /// The bucket with the submissions' files.
    pub files: Files,
    /// The queue to which early wake-ups return. Without one, only the sweep settles drops.
    pub queue: Option<RankingQueue>,
}

impl fmt::Debug for Ranking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranking").field("context", &self.context).finish_non_exhaustive()
    }
}

/// Result of one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// This call ended the drop, as completed or expired.
    Settled(Status),
    /// This call gave an appeal its second opinion.
    Heard,
    /// There is nothing to do.
    Nothing,
    /// There is nothing to do before this time.
    NotBefore(Timestamp),
}

/// Result of judging and settling a drop.
enum Completion {
    /// The drop has ended with this status.
    Settled(Status),
    /// The drop or an agent has changed.
    Conflict,
    /// Another function judges until this time.
    NotBefore(Timestamp),
}

/// Counts of one sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Drops that the sweep ended.
    pub settled: usize,
    /// Appeals that the sweep gave a second opinion.
    pub heard: usize,
    /// Tasks that failed; the next sweep retries them.
    pub failed: usize,
}

impl Ranking {
    /// Performs every task that is due. One that fails is logged, and does not delay the others.
    ///
    /// # Errors
    /// A fault if the list of due tasks cannot be read.
    pub async fn sweep(&self) -> Result<Swept, Error> {
        let due = self.context.store.board().due(self.context.clock.now()).await?;
        let results = stream::iter(due).map(|task| async move { (task, self.perform(task).await) });
        let mut results = results.buffer_unordered(CONCURRENCY);
        let mut swept = Swept::default();
        while let Some((task, result)) = results.next().await {
            match result {
                Ok(Progress::Settled(status)) => {
                    tracing::info!(drop = %task.drop(), %status, "settled");
                    swept.settled += 1;
                }
                Ok(Progress::Heard) => swept.heard += 1,
                Ok(Progress::Nothing | Progress::NotBefore(_)) => {}
                Err(error) => {
                    tracing::error!(%task, ?error, "task failed");
                    swept.failed += 1;
                }
            }
        }
        Ok(swept)
    }

    /// Performs one task.
    ///
    /// # Errors
    /// Faults of the table. The task stays due.
    pub async fn perform(&self, task: RankingTask) -> Result<Progress, Error> {
        match task {
            RankingTask::Settle(drop) => self.settle(drop).await,
            RankingTask::Appeal(drop, side) => self.hear(drop, side).await,
        }
    }

    /// Takes all steps that are due for one drop.
    ///
    /// # Errors
    /// Faults of the table. The drop stays due.
    pub async fn settle(&self, id: DropId) -> Result<Progress, Error> {
        let drops = self.context.store.drops();
        decide(&format!("drop {id}"), (), |()| async move {
            let Some((drop, brief)) = drops.get_with_brief(id).await? else {
                return Ok(Decision::Made(Progress::Nothing));
            };
            let now = drop.next_change_at(self.context.clock.now());
            let (done, status) = match drop.due(now, &self.context.rules) {
                Due::Nothing => return Ok(Decision::Made(Progress::Nothing)),
                Due::NotBefore(at) => return Ok(Decision::Made(Progress::NotBefore(at))),
                Due::Close => (drops.close(&drop, now).await?.is_applied(), Status::Ranking),
                Due::Expire => (self.expire(&drop, now).await?.is_applied(), Status::Expired),
                Due::Judge => match self.complete(&drop, &brief, now).await? {
                    Completion::Settled(status) => (true, status),
                    Completion::Conflict => (false, Status::Completed),
                    Completion::NotBefore(at) => return Ok(Decision::Made(Progress::NotBefore(at))),
                },
            };
            let settled = done && status.is_terminal();
            // Closed, the drop is due for the judge.
            Ok(if settled { Decision::Made(Progress::Settled(status)) } else { Decision::Conflict(()) })
        })
        .await
    }

    /// Gives an appeal its second opinion.
    async fn hear(&self, id: DropId, side: Side) -> Result<Progress, Error> {
        let store = &self.context.store;
        let (found, appeals) =
            try_join(store.drops().get_with_brief(id), store.appeals().of_drop(id)).await?;
        let waiting = appeals.iter().any(|appeal| appeal.side == side && appeal.opinion.is_none());
        let Some((drop, brief)) = found.filter(|_| waiting) else {
            return Ok(Progress::Nothing);
        };
        let submissions = store.verdicts().with_submissions(id).await?.submissions;
        let task = RankingTask::Appeal(id, side);
        let verdict = match self.judge(task, &drop, &brief, &submissions, None).await? {
            Judged::Verdict(verdict) => verdict,
            Judged::NotBefore(at) => return Ok(Progress::NotBefore(at)),
        };
        let now = self.context.clock.now();
        let decided = store.appeals().decide(id, side, &verdict, now).await?;
        Ok(if decided.is_applied() { Progress::Heard } else { Progress::Nothing })
    }

    async fn expire(&self, drop: &Drop, now: Timestamp) -> Result<Conditional<Box<Drop>>, Error> {
        let refund = drop.refund(EntryId::new(new_ulid(now)), now)?;
        self.context.store.drops().end(drop, Status::Expired, Some(&refund), now).await
    }

    /// Judges and settles a drop.
    async fn complete(&self, drop: &Drop, brief: &Brief, now: Timestamp) -> Result<Completion, Error> {
        let store = &self.context.store;
        let (judged, racers) =
            try_join(store.verdicts().with_submissions(drop.id), self.racers(drop)).await?;
        let submissions = judged.submissions;
        let task = RankingTask::Settle(drop.id);
        let settles_by = drop.settles_by(&self.context.rules);
        let verdict = match self.judge(task, drop, brief, &submissions, settles_by).await? {
            Judged::Verdict(verdict) => verdict,
            Judged::NotBefore(at) => return Ok(Completion::NotBefore(at)),
        };
        // A model may have taken a while.
        let now = now.max(drop.next_change_at(self.context.clock.now()));
        let outcome = verdict.winner().map(|winner| Outcome {
            winner: winner.worker.clone(),
            grade: winner.grade,
            completed_at: now,
        });
        let entry = EntryId::new(new_ulid(now));
        let posting = match &outcome {
            Some(outcome) => {
                drop.award(&outcome.winner, entry, now)?.maturing(self.context.rules.matures_at(now))
            }
            None => drop.refund(entry, now)?,
        };
        let winner = outcome.as_ref().map(|outcome| &outcome.winner);
        let champion = racers.iter().find(|racer| Some(&racer.agent.owner) == winner);
        let name = champion.map_or("", |racer| racer.agent.name.as_str());
        let output = submissions.iter().find(|made| Some(&made.worker) == winner);
        let excerpt: String =
            output.map(|output| output.output_text.chars().take(EXCERPT_CHARS).collect()).unwrap_or_default();
        let excerpt = FeedExcerpt { winner_name: name, excerpt: &excerpt };
        let drop = drop.clone().judged(outcome, now);
        let settled = store.drops().settle(&drop, &verdict, excerpt, &posting, &racers).await?;
        if !settled.is_applied() {
            return Ok(Completion::Conflict);
        }
        measure(&drop, now);
        // The lists only lead to the drop, which has ended, so the settlement stands without this.
        if let Err(error) = store.work().end(&drop).await {
            tracing::warn!(?error, drop = %drop.id, "a drop that has ended stays on its workers' lists");
        }
        Ok(Completion::Settled(drop.status))
    }

    /// The agents of the workers who have submitted. A missing agent is logged, and does not block the
    /// payout.
    async fn racers(&self, drop: &Drop) -> Result<Vec<Racer>, Error> {
        let submitted = drop.claims.iter().filter(|(_, claim)| claim.submitted_at.is_some());
        let agents: Vec<_> = submitted.map(|(worker, claim)| (worker.clone(), claim.agent)).collect();
        let racers = self.context.store.agents().racers(&agents).await?;
        if racers.len() < agents.len() {
            tracing::error!(drop = %drop.id, ?agents, "an agent that raced is missing, and its race is not counted");
        }
        Ok(racers)
    }
}

/// Records the settlement of a drop at `now` as metrics.
fn measure(drop: &Drop, now: Timestamp) {
    let closed_at = drop.ranking_at.or(drop.window.map(|window| window.closes_at)).unwrap_or(now);
    metrics::record(Metric::SettleDelay, now.as_millisecond().saturating_sub(closed_at.as_millisecond()));
    if let Some(payout) = drop.outcome.as_ref().and_then(|_| drop.payout().ok()) {
        metrics::record(Metric::Payouts, payout.get());
    }
}
