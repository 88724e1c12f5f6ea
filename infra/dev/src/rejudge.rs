//! `cargo rejudge`: judges a drop again from what is stored, and compares the verdicts.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clorp_domain::verdict::Candidate;
use clorp_domain::{Brief, Drop, DropId, Placing, Verdict};
use clorp_files::Files;
use clorp_judge::{Contest, EMBEDDED_JUDGE, judge_embedded};
use clorp_local_aws::s3;
use clorp_stand_in::files::default_data_dir;
use serde::Serialize;

use crate::dev_file::DevFile;
use crate::table;
use crate::term::Style;

/// Judge a drop of the running `cargo dev`, or of a table on AWS, once more, and compare the verdicts.
///
/// The embedded judge repeats its verdicts exactly, so the command fails if its verdict differs from the
/// stored one. A verdict by a language model is only shown beside that of the embedded judge. Nothing is
/// written. Text files of submissions are read from the bucket, as the ranking function reads them.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Id of the drop.
    drop: String,
    /// Data directory of the running stack.
    #[arg(long, default_value_os_t = default_data_dir())]
    data_dir: PathBuf,
    /// Read this table on AWS instead, with AWS_REGION and your credentials.
    #[arg(long, requires = "bucket")]
    table: Option<String>,
    /// Bucket on AWS with the files of that table.
    #[arg(long, requires = "table")]
    bucket: Option<String>,
    /// Print both rankings as one JSON object.
    #[arg(long)]
    json: bool,
}

/// A stored verdict beside one by the embedded judge.
#[derive(Debug, Serialize)]
struct Comparison {
    drop: String,
    /// Judge and version of the stored verdict.
    stored_by: String,
    /// Name of the model that made the stored verdict, if one did.
    model: Option<String>,
    /// Judge and version of the new verdict.
    judged_by: String,
    stored: Vec<Place>,
    judged: Vec<Place>,
    /// True if both rank the submissions in the same order.
    same_ranking: bool,
    /// True if both are equal in everything: places, scores, rationales, checks and demands.
    same_verdict: bool,
    /// True if the new verdict is by the submissions' own texts, without their files.
    without_files: bool,
}

/// A place of a ranking.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Place {
    rank: u32,
    submission: String,
    worker: String,
    grade: &'static str,
    score: u32,
    refused: bool,
}

/// Judges the drop again and prints the comparison.
///
/// # Errors
/// Fails if the drop or its verdict cannot be read.
pub async fn run(args: Args) -> Result<ExitCode> {
    let id: DropId = args.drop.parse().ok().with_context(|| format!("{} is no id of a drop", args.drop))?;
    let (store, stack) = table::open(args.table, &args.data_dir).await?;
    let files = files(args.bucket, stack.as_ref()).await?;
    let found = store.drops().get_with_brief(id).await.map_err(|error| anyhow!("{error:?}"))?;
    let (drop, brief) = found.with_context(|| format!("there is no drop {id}"))?;
    let judged = store.verdicts().with_submissions(id).await.map_err(|error| anyhow!("{error:?}"))?;
    let stored = judged
        .verdict
        .with_context(|| format!("drop {id} has no verdict: its status is {}", drop.status.as_str()))?;
    let mut candidates = Vec::with_capacity(judged.submissions.len());
    for made in &judged.submissions {
        let text = files.read_for_judge(made).await.map_err(|error| anyhow!("{error:?}"))?;
        candidates.push(made.candidate(text));
    }
    let mut comparison = Comparison::new(id, &stored, judge(&drop, &brief, &candidates)?, false);
    if !comparison.is_sound() {
        // The ranking function judges without the files if the bucket cannot be read until the deadline.
        let candidates: Vec<Candidate> =
            judged.submissions.iter().map(|made| made.candidate(made.legible())).collect();
        let without = Comparison::new(id, &stored, judge(&drop, &brief, &candidates)?, true);
        comparison = if without.is_sound() { without } else { comparison };
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&comparison)?);
    } else {
        print(&comparison);
    }
    Ok(if comparison.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The bucket on AWS with this name, or else that of the running stack.
async fn files(bucket: Option<String>, stack: Option<&DevFile>) -> Result<Files> {
    let bucket = bucket.or_else(|| stack.map(|stack| stack.uploads_bucket.clone()));
    let bucket = bucket.context("the table's bucket is not known: name it with --bucket")?;
    let config = match stack.and_then(|stack| stack.s3_url.as_deref()) {
        Some(url) => s3::sdk_config(url),
        None => clorp_context::aws_config().await.map_err(|error| anyhow!("{error}"))?,
    };
    Ok(Files::new(&config, bucket))
}

/// Judges as the ranking function does without a model.
fn judge(drop: &Drop, brief: &Brief, candidates: &[Candidate]) -> Result<Verdict> {
    let contest = Contest { pack: drop.pack, prompt: &brief.prompt, candidates };
    judge_embedded(&contest).context("the drop cannot be judged")
}

impl Comparison {
    fn new(drop: DropId, stored: &Verdict, mut judged: Verdict, without_files: bool) -> Self {
        // The reason for which the embedded judge replaced a model is not its own finding.
        judged.method.fallback = stored.method.fallback;
        let judge = |verdict: &Verdict| {
            let method = &verdict.method;
            format!("{} {}, rubric {}", method.judge, method.judge_version, method.rubric_version)
        };
        let is_model = stored.method.judge != EMBEDDED_JUDGE;
        let model = || stored.method.model.clone().unwrap_or_else(|| stored.method.judge.clone());
        let order = |verdict: &Verdict| {
            verdict.placings().iter().map(|placing| placing.submission).collect::<Vec<_>>()
        };
        Self {
            drop: drop.to_string(),
            stored_by: judge(stored),
            model: is_model.then(model),
            judged_by: judge(&judged),
            stored: stored.placings().iter().map(Place::new).collect(),
            judged: judged.placings().iter().map(Place::new).collect(),
            same_ranking: order(stored) == order(&judged),
            same_verdict: *stored == judged,
            without_files,
        }
    }

    /// True unless the embedded judge fails to repeat its own verdict.
    const fn is_sound(&self) -> bool {
        self.model.is_some() || self.same_verdict
    }

    fn conclusion(&self) -> &'static str {
        match (&self.model, self.same_verdict, self.same_ranking) {
            (Some(_), _, true) => "the embedded judge ranks as the model did",
            (Some(_), _, false) => "the embedded judge ranks differently from the model",
            (None, true, _) if self.without_files => {
                "the verdict is repeated exactly without the files, which the judge could not read"
            }
            (None, true, _) => "the verdict is repeated exactly",
            (None, false, _) if self.stored_by != self.judged_by => {
                "the verdict differs, because another version of the judge made it"
            }
            (None, false, true) => "the ranking is the same, but the verdict differs in its details",
            (None, false, false) => "the ranking differs",
        }
    }
}

impl Place {
    fn new(placing: &Placing) -> Self {
        Self {
            rank: placing.rank,
            submission: placing.submission.to_string(),
            worker: placing.worker.to_string(),
            grade: placing.grade.as_str(),
            score: placing.score,
            refused: placing.refused,
        }
    }
}

fn print(comparison: &Comparison) {
    let style = Style::stdout();
    let by_model = |model: &String| format!("{}, by the model {model}", comparison.stored_by);
    let stored_by = comparison.model.as_ref().map_or_else(|| comparison.stored_by.clone(), by_model);
    for (title, judge, places) in
        [("stored:", &stored_by, &comparison.stored), ("again:", &comparison.judged_by, &comparison.judged)]
    {
        println!("{} {judge}", style.bold(title));
        for place in places {
            let refused = if place.refused { "  refused" } else { "" };
            let Place { rank, grade, score, worker, .. } = place;
            println!("{rank:>4}  {grade}  {score:>3}  {worker}{refused}");
        }
    }
    let conclusion = comparison.conclusion();
    println!("{}", if comparison.is_sound() { style.green(conclusion) } else { style.red(conclusion) });
}

#[cfg(test)]
mod tests {
    use clorp_domain::verdict::Fallback;
    use clorp_domain::{Pack, SubmissionId, UserId};
    use ulid::Ulid;

    use super::*;

    fn verdict() -> (DropId, Verdict) {
        let drop = DropId::new(Ulid::nil());
        let candidate = |(worker, text): (&str, &str)| {
            let worker: UserId = worker.parse().unwrap();
            Candidate {
                submission: SubmissionId::of(drop, &worker),
                worker,
                submitted_at: jiff::Timestamp::UNIX_EPOCH,
                output_text: text.to_owned(),
            }
        };
        let candidates: Vec<Candidate> =
            [("anna", "Your boat floats, which is its only talent."), ("bert", "Nice boat!")]
                .map(candidate)
                .into();
        let contest = Contest { pack: Pack::Roast, prompt: "Roast my boat", candidates: &candidates };
        (drop, judge_embedded(&contest).unwrap())
    }

    #[test]
    fn a_repeated_verdict_is_sound_also_after_a_fallback() {
        let (drop, again) = verdict();
        let mut stored = again.clone();
        stored.method.fallback = Some(Fallback::ModelUnavailable);
        let comparison = Comparison::new(drop, &stored, again, false);
        assert!(comparison.is_sound() && comparison.same_ranking && comparison.model.is_none());
        assert_eq!(comparison.conclusion(), "the verdict is repeated exactly");
    }

    #[test]
    fn a_changed_verdict_of_the_embedded_judge_is_not_sound() {
        let (drop, again) = verdict();
        let mut details = again.placings().to_vec();
        details[0].score -= 1;
        let mut swapped = again.placings().to_vec();
        swapped.reverse();
        for (placings, conclusion) in [(details, "details"), (swapped, "ranking differs")] {
            let stored = Verdict::from_stored(again.method.clone(), again.constraints.clone(), placings);
            let comparison = Comparison::new(drop, &stored.unwrap(), again.clone(), false);
            assert!(!comparison.is_sound() && comparison.conclusion().contains(conclusion));
        }
        let mut stored = again.clone();
        stored.method.judge_version = "0".to_owned();
        assert!(Comparison::new(drop, &stored, again, false).conclusion().contains("another version"));
    }

    #[test]
    fn a_verdict_of_a_model_is_sound_and_says_so() {
        let (drop, again) = verdict();
        let mut placings = again.placings().to_vec();
        placings.reverse();
        let mut method = again.method.clone();
        (method.judge, method.model) = ("clorp-model".to_owned(), Some("m-1".to_owned()));
        let stored = Verdict::from_stored(method, Vec::new(), placings).unwrap();
        let comparison = Comparison::new(drop, &stored, again, false);
        assert_eq!(comparison.model.as_deref(), Some("m-1"));
        assert!(comparison.is_sound() && !comparison.same_ranking);
    }
}
