//! Verdicts, and the submissions that they are about. `settlement` writes them.

use std::collections::BTreeMap;

use clorp_domain::drops::Submission;
use clorp_domain::{DropId, Error, UserId, Verdict};

use crate::Verdicts;
use crate::items::keys;
use crate::items::keys::{OUTPUT, VERDICT, drop_pk};
use crate::items::submission::read_submission;
use crate::items::verdict::{Credit, read_verdict};
use crate::table::item::text;
use crate::table::{SK, fault};

/// A drop's submissions and the verdict on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedDrop {
    /// The submissions, by worker.
    pub submissions: Vec<Submission>,
    /// The verdict; `None` before the drop is completed.
    pub verdict: Option<Verdict>,
    /// The agent of each worker; empty before the drop is completed.
    pub credits: BTreeMap<UserId, Credit>,
}

impl Verdicts<'_> {
    /// The verdict on a drop. One round trip, 1 read unit per 4 KB.
    pub async fn get(self, drop: DropId) -> Result<Option<Verdict>, Error> {
        let item = self.table.get(keys::verdict(drop)).await?;
        item.map(|item| read_verdict(drop, item).map(|(verdict, _)| verdict)).transpose()
    }

    /// All submissions to a drop and the verdict on them. One round trip per MB (five full outputs are half
    /// of that), 1 read unit per 4 KB.
    pub async fn with_submissions(self, drop: DropId) -> Result<JudgedDrop, Error> {
        let query = self.table.between(drop_pk(drop), OUTPUT, VERDICT);
        let mut items = query.into_paginator().items().send();
        let mut judged = JudgedDrop { submissions: Vec::new(), verdict: None, credits: BTreeMap::new() };
        while let Some(item) = items.next().await {
            let item = item.map_err(|e| fault("query submissions", e))?;
            if text(&item, SK) == Some(VERDICT) {
                let (verdict, credits) = read_verdict(drop, item)?;
                (judged.verdict, judged.credits) = (Some(verdict), credits);
            } else {
                judged.submissions.push(read_submission(drop, item)?);
            }
        }
        Ok(judged)
    }
}
