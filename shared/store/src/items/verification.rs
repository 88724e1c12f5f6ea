//! A verification: the criteria and the finding, without the output.

use clorp_domain::verification::Finding;
use clorp_domain::{Error, UserId, Verification, VerificationId};
use serde::{Deserialize, Serialize};

use crate::table::Item;
use crate::table::item::{decode, encode, instant};

#[derive(Debug, Serialize, Deserialize)]
struct VerificationItem {
    criteria: String,
    sha256: String,
    judge: String,
    judge_version: String,
    rubric_version: String,
    passed: bool,
    score: u32,
    rationale: String,
    created_at: i64,
    // In seconds, for the table's expiry. The domain derives it from `created_at`.
    #[serde(skip_deserializing)]
    expires_at: i64,
}

/// The attributes of a verification.
pub(crate) fn write_verification(verification: &Verification) -> Result<Item, Error> {
    let Finding { judge, judge_version, rubric_version, passed, score, rationale } =
        verification.finding.clone();
    encode(&VerificationItem {
        criteria: verification.criteria.clone(),
        sha256: verification.sha256.clone(),
        judge,
        judge_version,
        rubric_version,
        passed,
        score,
        rationale,
        created_at: verification.created_at.as_millisecond(),
        expires_at: verification.expires_at().as_second(),
    })
}

pub(crate) fn read_verification(
    owner: &UserId,
    id: VerificationId,
    item: Item,
) -> Result<Verification, Error> {
    let item: VerificationItem = decode(item)?;
    Ok(Verification {
        id,
        owner: owner.clone(),
        created_at: instant("created_at", item.created_at)?,
        criteria: item.criteria,
        sha256: item.sha256,
        finding: Finding {
            judge: item.judge,
            judge_version: item.judge_version,
            rubric_version: item.rubric_version,
            passed: item.passed,
            score: item.score,
            rationale: item.rationale,
        },
    })
}
