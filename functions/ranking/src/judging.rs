//! Judging of one drop: by the configured model, or by the embedded judge where there is no model, no time or
//! no money.
//!
//! A verdict is bought once. The orders that a model is about to read are recorded before it is asked, and
//! each answer is kept as soon as it is there. So a function that takes over after a crash continues with the
//! answers that were kept, and never asks about an order again.

use std::time::Duration;

use clorp_context::metrics::{self, Metric};
use clorp_deadline::remaining;
use clorp_domain::drops::Submission;
use clorp_domain::time::after_seconds;
use clorp_domain::verdict::{Candidate, Fallback};
use clorp_domain::{Brief, Drop, Error, RankingTask, Verdict};
use clorp_judge::model::{
    Entrants, Order, RawAnswer, Round, Session, Spent, Step, Tokens, Unanswered, replaced,
};
use clorp_judge::{Contest, judge_embedded};
use clorp_store::{Conditional, Judging, JudgingCost};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::Ranking;
use crate::judges::Judges;

/// Time that is left to settle a drop after its model was asked.
const TIME_TO_SETTLE: Duration = Duration::from_secs(10);
/// Least time in which asking a model is worth while.
const TIME_TO_ASK: Duration = Duration::from_secs(5);
/// Time from one sweep to the next, as in `template.yaml`, and some for its start.
const SWEEP_SECONDS: u32 = 65;
/// Time before the end of the function in which the answers are recorded.
const TIME_TO_RECORD: Duration = Duration::from_secs(4);

/// The result of judging a drop.
pub(crate) enum Judged {
    /// The verdict.
    Verdict(Box<Verdict>),
    /// Another function judges until this time, or this one has no time left: try again then.
    NotBefore(Timestamp),
}

/// The result of one round.
enum Ended {
    /// These answers came; `None` or the reason why some did not.
    Answered(Vec<RawAnswer>, Option<Fallback>),
    /// The limits of costs forbid the round.
    Unaffordable,
    /// Another function has taken the lease.
    Superseded,
}

impl Ranking {
    /// Judges the submissions to `drop` for a task. A model must have judged by `settles_by`; afterwards the
    /// embedded judge decides, so that a payout never waits for a person.
    pub(crate) async fn judge(
        &self,
        task: RankingTask,
        drop: &Drop,
        brief: &Brief,
        submissions: &[Submission],
        settles_by: Option<Timestamp>,
    ) -> Result<Judged, Error> {
        let now = self.context.clock.now();
        let is_last_chance =
            settles_by.is_some_and(|settles_by| settles_by < after_seconds(now, SWEEP_SECONDS));
        let candidates = self.candidates(submissions, is_last_chance).await?;
        let contest = Contest { pack: drop.pack, prompt: &brief.prompt, candidates: &candidates };
        let embedded = judge_embedded(&contest).map_err(|error| Error::internal(error.to_string()))?;
        let entrants = Entrants::new(&contest, &embedded);
        let Some(judges) = self.judges.as_deref().filter(|_| !entrants.arrival.is_empty()) else {
            return Ok(Judged::Verdict(Box::new(embedded)));
        };
        if remaining() < TIME_TO_ASK + TIME_TO_RECORD {
            return Ok(Judged::NotBefore(now));
        }
        let case = Case { ranking: self, judges, task, contest, embedded: &embedded, entrants: &entrants };
        case.judge(stop_at(now, settles_by)).await
    }

    /// The submissions as a judge sees them. If the next sweep may come too late, a bucket that cannot be
    /// read no longer delays the drop.
    async fn candidates(
        &self,
        submissions: &[Submission],
        is_last_chance: bool,
    ) -> Result<Vec<Candidate>, Error> {
        let mut candidates = Vec::with_capacity(submissions.len());
        for made in submissions {
            let text = match self.files.read_for_judge(made).await {
                Err(error) if is_last_chance => {
                    tracing::error!(submission = %made.id, ?error, "files of a submission not read");
                    made.legible()
                }
                read => read?,
            };
            candidates.push(made.candidate(text));
        }
        Ok(candidates)
    }
}

/// The time at which the model must have answered: before the function ends, and before the drop must be
/// settled.
fn stop_at(now: Timestamp, settles_by: Option<Timestamp>) -> Instant {
    let own = remaining().saturating_sub(TIME_TO_RECORD);
    let left = settles_by.map_or(own, |settles_by| {
        let left = Duration::try_from(settles_by.duration_since(now)).unwrap_or(Duration::ZERO);
        left.saturating_sub(TIME_TO_SETTLE).min(own)
    });
    Instant::now() + left
}

/// A contest before the models.
struct Case<'a> {
    ranking: &'a Ranking,
    judges: &'a Judges,
    task: RankingTask,
    contest: Contest<'a>,
    embedded: &'a Verdict,
    entrants: &'a Entrants,
}

impl Case<'_> {
    /// Lets the models read the submissions until `stop_at`, under the lease of the task's judging.
    async fn judge(&self, stop_at: Instant) -> Result<Judged, Error> {
        let (judgings, now) = (self.ranking.context.store.judgings(), self.ranking.context.clock.now());
        // By then this function has ended.
        let lease = SignedDuration::try_from(remaining() + Duration::from_secs(2));
        let lease_expires_at = now.saturating_add(lease.unwrap_or(SignedDuration::from_mins(2)));
        let lease_expires_at = lease_expires_at.unwrap_or(Timestamp::MAX);
        let fresh = Judging { lease_expires_at, seed: clorp_random::random(), asked: 0 };
        let mut judging = match judgings.begin(self.task, fresh, now).await? {
            Ok(judging) => judging,
            Err(until) => return Ok(Judged::NotBefore(until)),
        };
        let asked = self.ask(&mut judging, stop_at).await?;
        // A settlement that meets a conflict judges again, from the answers that were kept.
        judgings.release(self.task, &judging, now).await?;
        Ok(asked)
    }

    /// Lets the models read until there is a ranking, or no more time or money.
    async fn ask(&self, judging: &mut Judging, stop_at: Instant) -> Result<Judged, Error> {
        let kept = if judging.asked > 0 { self.kept().await? } else { Vec::new() };
        let is_appeal = matches!(self.task, RankingTask::Appeal(..));
        let arrival = self.entrants.arrival.clone();
        let mut session = Session::new(judging.seed, arrival, self.judges.second.is_some(), is_appeal);
        let (mut spent, mut reason) = (cost_of_answers(self.judges, &kept), Fallback::UnusableAnswers);
        loop {
            match session.step() {
                Step::Decided(decided) => {
                    let model = self.judges.model(decided.seat);
                    let lengths = model.config().read_lengths(&self.entrants.question);
                    let verdict =
                        self.entrants.verdict(&self.contest, self.embedded, &decided, judging.seed, &lengths);
                    let verdict = verdict.map_err(|error| Error::internal(error.to_string()))?;
                    tracing::info!(
                        task = %self.task, model = decided.model, readings = decided.readings.len(),
                        tokens = spent.tokens, micro_cents = spent.micro_cents, "judged by a model"
                    );
                    return Ok(Judged::Verdict(Box::new(verdict)));
                }
                Step::Undecided => return Ok(self.replaced(reason)),
                // A function that has ended asked about these orders. What it did not keep is lost.
                Step::Ask(round, _) if round.to <= index(judging.asked) => {
                    session.end_round(answers_of(&kept, round), false);
                }
                Step::Ask(..) if Instant::now() + TIME_TO_ASK > stop_at => {
                    reason = Fallback::DeadlineNear;
                    session.stop();
                }
                Step::Ask(round, orders) => {
                    match self.round(judging, &mut spent, round, &orders, stop_at).await? {
                        Ended::Answered(answers, missing) => {
                            reason = missing.unwrap_or(reason);
                            session.end_round(answers, missing.is_some());
                        }
                        Ended::Unaffordable => {
                            reason = Fallback::LimitReached;
                            session.stop();
                        }
                        Ended::Superseded => return Ok(Judged::NotBefore(judging.lease_expires_at)),
                    }
                }
            }
        }
    }

    /// The embedded judge's verdict, because the models gave none.
    fn replaced(&self, reason: Fallback) -> Judged {
        tracing::warn!(task = %self.task, reason = reason.as_str(), "embedded judge replaces the model");
        Judged::Verdict(Box::new(replaced(self.embedded.clone(), reason)))
    }

    /// Lets a model read the orders of one round, all at once.
    async fn round(
        &self,
        judging: &mut Judging,
        spent: &mut JudgingCost,
        round: Round,
        orders: &[Order],
        stop_at: Instant,
    ) -> Result<Ended, Error> {
        let judgings = self.ranking.context.store.judgings();
        let model = self.judges.model(round.seat);
        let now = self.ranking.context.clock.now();
        let estimate = cost(model, model.config().estimate(&self.entrants.question, orders));
        if !within(add(*spent, estimate), self.judges.limits.drop) {
            tracing::error!(task = %self.task, limit = "drop", "judging limit reached");
            return Ok(Ended::Unaffordable);
        }
        if !judgings.reserve(now, estimate, self.judges.limits.day).await?.is_applied() {
            tracing::error!(task = %self.task, limit = "day", "judging limit reached");
            return Ok(Ended::Unaffordable);
        }
        let asked = u32::try_from(round.to).unwrap_or(u32::MAX);
        if let Conditional::Conflict(()) = judgings.ask(self.task, judging, asked).await? {
            judgings.correct(now, estimate, JudgingCost::default()).await?;
            return Ok(Ended::Superseded);
        }
        judging.asked = asked;
        let asking = orders.iter().map(|order| self.order(round, order, stop_at));
        let (mut answers, mut missing, mut actual) = (Vec::new(), None, JudgingCost::default());
        for (order, result) in orders.iter().zip(join_all(asking).await) {
            match result? {
                Ok(answer) => {
                    actual = add(actual, cost(model, tokens(answer.spent)));
                    answers.push(answer);
                }
                Err(unanswered) => {
                    // A call without an answer may have been charged in full.
                    let most = model.config().estimate(&self.entrants.question, std::slice::from_ref(order));
                    let known = tokens(unanswered.spent());
                    let charged = if known == Tokens::default() { most } else { known };
                    actual = add(actual, cost(model, charged));
                    missing = Some(reason_of(&unanswered));
                }
            }
        }
        *spent = add(*spent, actual);
        judgings.correct(now, estimate, actual).await?;
        metrics::record(Metric::JudgeCost, actual.micro_cents);
        Ok(Ended::Answered(answers, missing))
    }

    /// Lets a model read one order, and keeps its answer.
    async fn order(
        &self,
        round: Round,
        order: &Order,
        stop_at: Instant,
    ) -> Result<Result<RawAnswer, Unanswered>, Error> {
        let model = self.judges.model(round.seat);
        let answer = match model.ask(&self.entrants.question, order, stop_at).await {
            Ok(answer) => answer,
            Err(unanswered) => {
                match &unanswered {
                    Unanswered::Refused { .. } => {
                        tracing::error!(task = %self.task, %unanswered, "no reading")
                    }
                    _ => tracing::warn!(task = %self.task, %unanswered, "no reading"),
                }
                return Ok(Err(unanswered));
            }
        };
        let text = serde_json::to_string(&answer).map_err(|error| Error::internal(error.to_string()))?;
        let number = u32::try_from(order.index()).unwrap_or(u32::MAX);
        self.ranking.context.store.judgings().keep(self.task, number, &text).await?;
        Ok(Ok(answer))
    }

    /// The answers that were kept.
    async fn kept(&self) -> Result<Vec<RawAnswer>, Error> {
        let texts = self.ranking.context.store.judgings().answers(self.task).await?;
        let read = |text: &String| {
            serde_json::from_str(text).map_err(|error| Error::internal(format!("stored answer: {error}")))
        };
        texts.iter().map(read).collect()
    }
}

fn answers_of(kept: &[RawAnswer], round: Round) -> Vec<RawAnswer> {
    kept.iter().filter(|answer| (round.from..round.to).contains(&answer.order)).cloned().collect()
}

fn index(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

const fn reason_of(unanswered: &Unanswered) -> Fallback {
    match unanswered {
        Unanswered::Malformed { .. } => Fallback::UnusableAnswers,
        Unanswered::Refused { .. } | Unanswered::Unavailable { .. } => Fallback::ModelUnavailable,
    }
}

const fn tokens(spent: Spent) -> Tokens {
    Tokens { input: spent.input_tokens, output: spent.output_tokens }
}

fn cost(model: &clorp_judge::model::Model, tokens: Tokens) -> JudgingCost {
    JudgingCost {
        tokens: tokens.input.saturating_add(tokens.output),
        micro_cents: model.config().prices().cost_micro_cents(tokens).unwrap_or(u64::MAX),
    }
}

/// The cost of answers that were kept. Their model is not recorded by seat, so the dearer price counts.
fn cost_of_answers(judges: &Judges, answers: &[RawAnswer]) -> JudgingCost {
    let dearer = |answer: &RawAnswer| {
        let first = cost(&judges.first, tokens(answer.spent));
        let second = judges.second.as_ref().map_or(first, |model| cost(model, tokens(answer.spent)));
        JudgingCost { tokens: first.tokens, micro_cents: first.micro_cents.max(second.micro_cents) }
    };
    answers.iter().map(dearer).fold(JudgingCost::default(), add)
}

const fn add(a: JudgingCost, b: JudgingCost) -> JudgingCost {
    JudgingCost {
        tokens: a.tokens.saturating_add(b.tokens),
        micro_cents: a.micro_cents.saturating_add(b.micro_cents),
    }
}

const fn within(cost: JudgingCost, limit: JudgingCost) -> bool {
    cost.tokens <= limit.tokens && cost.micro_cents <= limit.micro_cents
}
