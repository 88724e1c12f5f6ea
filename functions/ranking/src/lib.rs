//! Ranking: closes windows, judges submissions and pays winners; refunds drops without submissions.
//!
//! Every step may run twice, concurrently with itself, late, or after a crash between any two steps: a step
//! is one conditional write, and the drop alone determines the next step.

pub mod event;

use std::fmt;
use std::sync::Arc;

use clorp_context::{Context, new_ulid};
use clorp_deadline::{Decision, decide};
use clorp_domain::drops::{Due, Outcome};
use clorp_domain::verdict::Candidate;
use clorp_domain::{Brief, Drop, DropId, EntryId, Error, Status, Verdict};
use clorp_judge::{EmbeddedJudge, Judge, JudgeError};
use clorp_queue::RankingQueue;
use clorp_store::{Conditional, FeedExcerpt, Racer};
use futures::future::try_join;
use futures::stream::{self, StreamExt};
use jiff::Timestamp;

/// Drops that a sweep settles concurrently.
const CONCURRENCY: usize = 8;
/// Length of the excerpt of the winning output in the public feed, in characters.
const EXCERPT_CHARS: usize = 280;

/// Settles drops whose window has closed.
#[derive(Clone)]
pub struct Ranking {
    /// The store, the rules and the clock.
    pub context: Context,
    /// The judge that compares the submissions.
    pub judge: Arc<dyn Judge>,
    /// The queue to which early wake-ups return. Without one, only the sweep settles drops.
    pub queue: Option<RankingQueue>,
}

impl fmt::Debug for Ranking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranking").field("context", &self.context).finish_non_exhaustive()
    }
}

/// Result of one call for a drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// This call ended the drop, as completed or expired.
    Settled(Status),
    /// The drop needs nothing.
    Nothing,
    /// The drop's window is open until this time.
    NotBefore(Timestamp),
}

/// Counts of one sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Drops that the sweep ended.
    pub settled: usize,
    /// Drops that failed to settle; the next sweep retries them.
    pub failed: usize,
}

impl Ranking {
    /// Settles every drop that is due. A drop that fails is logged, and does not delay the others.
    ///
    /// # Errors
    /// A fault if the list of due drops cannot be read.
    pub async fn sweep(&self) -> Result<Swept, Error> {
        let due = self.context.store.board().due(self.context.clock.now()).await?;
        let results = stream::iter(due).map(|id| async move { (id, self.settle(id).await) });
        let mut results = results.buffer_unordered(CONCURRENCY);
        let mut swept = Swept::default();
        while let Some((id, result)) = results.next().await {
            match result {
                Ok(Progress::Settled(status)) => {
                    tracing::info!(drop = %id, %status, "settled");
                    swept.settled += 1;
                }
                Ok(Progress::Nothing | Progress::NotBefore(_)) => {}
                Err(error) => {
                    tracing::error!(drop = %id, ?error, "drop not settled");
                    swept.failed += 1;
                }
            }
        }
        Ok(swept)
    }

    /// Takes all steps that are due for one drop.
    ///
    /// # Errors
    /// Faults of the table or the judge. The drop stays due.
    pub async fn settle(&self, id: DropId) -> Result<Progress, Error> {
        let drops = self.context.store.drops();
        decide(&format!("drop {id}"), (), |()| async move {
            let Some((drop, brief)) = drops.get_with_brief(id).await? else {
                return Ok(Decision::Made(Progress::Nothing));
            };
            let now = drop.next_change_at(self.context.clock.now());
            let (done, status) = match drop.due(now) {
                Due::Nothing => return Ok(Decision::Made(Progress::Nothing)),
                Due::NotBefore(at) => return Ok(Decision::Made(Progress::NotBefore(at))),
                Due::Close => (drops.close(&drop, now).await?.is_applied(), Status::Ranking),
                Due::Expire => (self.expire(&drop, now).await?.is_applied(), Status::Expired),
                Due::Judge => (self.complete(&drop, &brief, now).await?.is_applied(), Status::Completed),
            };
            let settled = done && status.is_terminal();
            // Closed, the drop is due for the judge.
            Ok(if settled { Decision::Made(Progress::Settled(status)) } else { Decision::Conflict(()) })
        })
        .await
    }

    async fn expire(&self, drop: &Drop, now: Timestamp) -> Result<Conditional<Box<Drop>>, Error> {
        let refund = drop.refund(EntryId::new(new_ulid(now)), now)?;
        self.context.store.drops().end(drop, Status::Expired, Some(&refund), now).await
    }

    async fn complete(&self, drop: &Drop, brief: &Brief, now: Timestamp) -> Result<Conditional<()>, Error> {
        let store = &self.context.store;
        let (judged, racers) =
            try_join(store.verdicts().with_submissions(drop.id), self.racers(drop)).await?;
        let submissions = judged.submissions;
        let candidates: Vec<Candidate> = submissions
            .iter()
            .map(|made| Candidate {
                submission: made.id,
                worker: made.worker.clone(),
                submitted_at: made.submitted_at,
                output_text: made.legible(),
            })
            .collect();
        let verdict = self.judge(drop, brief, &candidates, now).await?;
        let winner = verdict.winner();
        let outcome = Outcome { winner: winner.worker.clone(), grade: winner.grade, completed_at: now };
        let payout = drop.award(&outcome.winner, EntryId::new(new_ulid(now)), now)?;
        let champion = racers.iter().find(|racer| racer.agent.owner == outcome.winner);
        let name = champion.map_or("", |racer| racer.agent.name.as_str());
        let output = submissions.iter().find(|made| made.id == winner.submission);
        let excerpt: String =
            output.map(|output| output.output_text.chars().take(EXCERPT_CHARS).collect()).unwrap_or_default();
        let excerpt = FeedExcerpt { winner_name: name, excerpt: &excerpt };
        let drop = drop.clone().completed(outcome);
        store.drops().settle(&drop, &verdict, excerpt, &payout, &racers).await
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

    /// The judge's verdict. After the drop's settlement deadline the embedded judge replaces the configured
    /// one, so a payout never waits for a person.
    async fn judge(
        &self,
        drop: &Drop,
        brief: &Brief,
        candidates: &[Candidate],
        now: Timestamp,
    ) -> Result<Verdict, Error> {
        let overdue = drop.settles_by(&self.context.rules).is_some_and(|settles_by| settles_by < now);
        let verdict = if overdue {
            EmbeddedJudge.judge(drop.pack, brief, candidates).await
        } else {
            self.judge.judge(drop.pack, brief, candidates).await
        };
        verdict.map_err(|error| match error {
            JudgeError::Unavailable(internal) => Error::Unavailable(internal),
            JudgeError::NoCandidates | JudgeError::Incomplete => {
                Error::internal(format!("no verdict: {error}"))
            }
        })
    }
}
