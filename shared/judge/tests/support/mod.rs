//! Helpers that build candidates and judge them.

#![expect(clippy::unwrap_used, reason = "helpers of tests are not marked as tests")]

use clorp_domain::ids::{DropId, SubmissionId};
use clorp_domain::time::from_unix_millis;
use clorp_domain::verdict::{Candidate, IncompleteVerdict};
use clorp_domain::{Pack, Verdict};
use clorp_judge::{Contest, judge_embedded};

/// Builds one candidate for each text, submitted one second apart by `worker-0`, `worker-1`, ….
pub fn candidates<S: AsRef<str>>(texts: &[S]) -> Vec<Candidate> {
    let drop: DropId = "01JD4B6Q4N0000000000000000".parse().unwrap();
    let candidate = |(n, text): (i64, &S)| {
        let worker = format!("worker-{n}").parse().unwrap();
        Candidate {
            submission: SubmissionId::of(drop, &worker),
            worker,
            submitted_at: from_unix_millis(1_795_512_600_000 + 1000 * n).unwrap(),
            output_text: text.as_ref().to_owned(),
        }
    };
    (0..).zip(texts).map(candidate).collect()
}

/// Returns the embedded judge's result.
pub fn ask(pack: Pack, prompt: &str, candidates: &[Candidate]) -> Result<Verdict, IncompleteVerdict> {
    judge_embedded(&Contest { pack, prompt, candidates })
}

/// Judges these texts.
pub fn judge<S: AsRef<str>>(pack: Pack, prompt: &str, texts: &[S]) -> Verdict {
    ask(pack, prompt, &candidates(texts)).unwrap()
}

/// Returns the rank of the text at index `text`.
pub fn rank_of(verdict: &Verdict, text: usize) -> u32 {
    let worker = format!("worker-{text}");
    verdict.placings().iter().find(|placing| placing.worker.as_str() == worker).unwrap().rank
}
