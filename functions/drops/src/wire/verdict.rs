//! Wire format of a verdict and its appeals.

use clorp_domain::appeal::{Appeal, Opinion};
use clorp_domain::time::rfc3339;
use clorp_domain::verdict::{Constraint, Method};
use clorp_domain::{DropId, Placing, Verdict};
use clorp_http::words;
use serde::Serialize;
use utoipa::ToSchema;

/// The verdict on a drop.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Verdict)]
pub(crate) struct VerdictBody {
    /// Identifier of the drop.
    job_id: String,
    /// The judge and its method.
    #[serde(flatten)]
    method: MethodBody,
    /// Demands of the prompt that every submission was checked against.
    constraints: Vec<ConstraintBody>,
    /// Placings of all submissions, best first.
    submissions: Vec<PlacingBody>,
    /// Appeals that were made, with their second opinions.
    appeals: Vec<AppealBody>,
}

/// A judge and its method.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JudgingMethod)]
pub(crate) struct MethodBody {
    /// Name of the judge.
    judge: String,
    /// Version of the judge.
    judge_version: String,
    /// Version of the rubric.
    rubric_version: String,
    /// Name of the language model that judged; `null` for the embedded judge.
    model: Option<String>,
    /// Seed, in hexadecimal, of the orders and labels in which a model read the submissions; `null` for the
    /// embedded judge, which draws nothing at random.
    seed: Option<String>,
    /// Certainty of the first place: `high`, `medium` or `low`. Only a model's verdict is ever `high`: every
    /// reading named this winner. `null` in a verdict from before it was recorded.
    #[schema(value_type = Option<words::JudgeConfidence>)]
    confidence: Option<&'static str>,
    /// Reason why the embedded judge decided although a model is configured: `model_unavailable`,
    /// `unusable_answers`, `limit_reached` or `deadline_near`; otherwise `null`.
    #[schema(value_type = Option<words::FallbackReason>)]
    fallback: Option<&'static str>,
}

/// A demand of the prompt that can be checked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Constraint)]
pub(crate) struct ConstraintBody {
    /// Kind of demand, such as `count` or `length_words`.
    kind: String,
    /// The demand, in the judge's words.
    text: String,
    /// True if the prompt states the demand, false if it only implies it.
    stated: bool,
}

/// Placing of one submission.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Placing)]
pub(crate) struct PlacingBody {
    /// Identifier of the submission.
    id: String,
    /// User id of the worker who submitted.
    worker: String,
    /// Rank of the submission, where 1 is the best.
    rank: u32,
    /// Grade of the submission, S to F.
    #[schema(value_type = words::SubmissionGrade)]
    grade: &'static str,
    /// Score of the submission, 0 to 100.
    score: u32,
    /// Rationale of the judge for rank and grade, in one paragraph.
    rationale: String,
    /// Stability of the rank across repeated comparisons.
    rank_held: RankHeld,
    /// True if a plain check refused the submission, which is then an F and cannot win.
    refused: bool,
    /// Integrity checks that the submission failed, such as `blank`, `copied_submission` or
    /// `addresses_judge`.
    flags: Vec<String>,
    /// Points by criterion; empty if the submission was refused.
    criteria: Vec<CriterionBody>,
    /// Checks of the submission against the prompt's constraints.
    checks: Vec<CheckBody>,
    /// Length of the submission, in characters.
    characters: u32,
    /// Number of those characters that the judge read. A longer submission was read in part: its start and
    /// its end.
    characters_read: u32,
}

/// Points for one criterion.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CriterionScore)]
pub(crate) struct CriterionBody {
    /// Name of the criterion.
    criterion: String,
    /// Points for the criterion, 0 to 100.
    score: u32,
}

/// Check of a submission against one constraint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConstraintCheck)]
pub(crate) struct CheckBody {
    /// The constraint, in the judge's words.
    constraint: String,
    /// Result of the check: `met`, `missed`, or `unclear` if the judge cannot tell.
    #[schema(value_type = words::CheckResult)]
    result: &'static str,
    /// Measurement of the judge, such as "94 words".
    found: String,
}

/// Stability of a rank: the judge compares the submissions several times, in different orders.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RankHeld {
    /// Number of comparisons in which the submission had this rank.
    times: u32,
    /// Number of comparisons in total.
    of: u32,
}

/// A request for a second opinion, and the opinion once it is there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Appeal)]
pub(crate) struct AppealBody {
    /// Side that appealed: `sender` or `workers`.
    #[schema(value_type = words::AppealSide)]
    side: &'static str,
    /// State of the appeal: `pending` until the second opinion is there, then `decided`.
    #[schema(value_type = words::AppealStatus)]
    status: &'static str,
    /// Time of the appeal (RFC 3339, UTC).
    #[schema(format = DateTime)]
    requested_at: String,
    /// Time of the second opinion (RFC 3339, UTC); `null` while the appeal is pending.
    #[schema(format = DateTime)]
    decided_at: Option<String>,
    /// True if the second opinion would have paid another submission, or none; `null` while the appeal is
    /// pending.
    changes_winner: Option<bool>,
    /// The second opinion; `null` while the appeal is pending.
    opinion: Option<OpinionBody>,
}

/// A second opinion: the verdict that it would have been.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecondOpinion)]
pub(crate) struct OpinionBody {
    /// The judge and its method.
    #[serde(flatten)]
    method: MethodBody,
    /// Placings of all submissions, best first.
    submissions: Vec<PlacingBody>,
}

impl VerdictBody {
    /// The verdict on `drop`, with its appeals.
    pub(crate) fn new(drop: DropId, verdict: &Verdict, appeals: &[Appeal]) -> Self {
        Self {
            job_id: drop.to_string(),
            method: MethodBody::from(&verdict.method),
            constraints: verdict.constraints.iter().map(ConstraintBody::from).collect(),
            submissions: placings(verdict),
            appeals: appeals.iter().map(|appeal| AppealBody::new(appeal, verdict)).collect(),
        }
    }
}

impl AppealBody {
    /// The appeal against `verdict`.
    pub(crate) fn new(appeal: &Appeal, verdict: &Verdict) -> Self {
        let opinion = appeal.opinion.as_ref();
        Self {
            side: appeal.side.as_str(),
            status: if opinion.is_some() { "decided" } else { "pending" },
            requested_at: rfc3339(appeal.requested_at),
            decided_at: opinion.map(|opinion| rfc3339(opinion.decided_at)),
            changes_winner: opinion.map(|opinion| opinion.changes_winner(verdict)),
            opinion: opinion.map(OpinionBody::from),
        }
    }
}

impl From<&Opinion> for OpinionBody {
    fn from(opinion: &Opinion) -> Self {
        Self { method: MethodBody::from(&opinion.verdict.method), submissions: placings(&opinion.verdict) }
    }
}

impl From<&Method> for MethodBody {
    fn from(method: &Method) -> Self {
        Self {
            judge: method.judge.clone(),
            judge_version: method.judge_version.clone(),
            rubric_version: method.rubric_version.clone(),
            model: method.model.clone(),
            seed: method.seed.map(|seed| format!("{seed:016x}")),
            confidence: method.confidence.map(clorp_domain::verdict::Confidence::as_str),
            fallback: method.fallback.map(clorp_domain::verdict::Fallback::as_str),
        }
    }
}

impl From<&Constraint> for ConstraintBody {
    fn from(constraint: &Constraint) -> Self {
        Self { kind: constraint.kind.clone(), text: constraint.text.clone(), stated: constraint.stated }
    }
}

fn placings(verdict: &Verdict) -> Vec<PlacingBody> {
    verdict.placings().iter().map(|placing| placing_body(verdict, placing)).collect()
}

fn placing_body(verdict: &Verdict, placing: &Placing) -> PlacingBody {
    let criterion = |of: &clorp_domain::verdict::CriterionScore| CriterionBody {
        criterion: of.criterion.clone(),
        score: of.score,
    };
    let checks = verdict.constraints.iter().zip(&placing.checks).map(|(constraint, check)| CheckBody {
        constraint: constraint.text.clone(),
        result: check.met.as_str(),
        found: check.found.clone(),
    });
    PlacingBody {
        id: placing.submission.to_string(),
        worker: placing.worker.to_string(),
        rank: placing.rank,
        grade: placing.grade.as_str(),
        score: placing.score,
        rationale: placing.rationale.clone(),
        rank_held: RankHeld { times: placing.held, of: verdict.method.passes },
        refused: placing.refused,
        flags: placing.flags.clone(),
        criteria: placing.criteria.iter().map(criterion).collect(),
        checks: checks.collect(),
        characters: placing.characters,
        characters_read: placing.characters_read,
    }
}
