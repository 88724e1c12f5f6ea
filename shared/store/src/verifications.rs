//! Verifications: written once, with the criteria and without the output.

use clorp_domain::verification::Finding;
use clorp_domain::{Error, UserId, Verification, VerificationId};
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::item::{Item, decode, encode, instant};
use crate::primary_key::Key;
use crate::tx::{TxError, Update};

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
}

impl From<&Verification> for VerificationItem {
    fn from(made: &Verification) -> Self {
        let Finding { judge, judge_version, rubric_version, passed, score, rationale } = made.finding.clone();
        Self {
            criteria: made.criteria.clone(),
            sha256: made.sha256.clone(),
            judge,
            judge_version,
            rubric_version,
            passed,
            score,
            rationale,
            created_at: made.created_at.as_millisecond(),
        }
    }
}

fn read_verification(owner: &UserId, id: VerificationId, item: Item) -> Result<Verification, Error> {
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

impl Store {
    /// Records a verification. One that is there already was made by an earlier try of the same request: it is left as it
    /// is, and is what is given. One write unit for each KB of criteria, and one for the rest.
    ///
    /// # Errors
    /// Faults only.
    pub async fn create_verification(&self, made: Verification) -> Result<Verification, Error> {
        let key = Key::verification(&made.owner, made.id);
        let mut update = Update::default();
        update.set_all(encode(&VerificationItem::from(&made))?).require_new();
        match self.update_if(key.clone(), update).await {
            Ok(()) => Ok(made),
            Err(TxError::Fault(error)) => Err(error),
            Err(TxError::Refused(mut refused)) => match refused.remove(&key).flatten() {
                Some(item) => read_verification(&made.owner, made.id, item),
                None => Err(Error::internal("a verification was refused by something else than itself")),
            },
        }
    }

    /// A verification of `owner`'s. One round trip, 1 read unit per 4 KB.
    ///
    /// # Errors
    /// Faults only.
    pub async fn verification(
        &self,
        owner: &UserId,
        id: VerificationId,
    ) -> Result<Option<Verification>, Error> {
        let item = self.get(Key::verification(owner, id)).await?;
        item.map(|item| read_verification(owner, id, item)).transpose()
    }
}
