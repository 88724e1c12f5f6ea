//! Verification: judges one output against criteria.

use clorp_domain::Pack;
use clorp_domain::verification::Finding;

use crate::ask::Ask;
use crate::checks::check_content;
use crate::constraints::{Constraint, extract};
use crate::integrity::{IntegrityFlag, manipulations_despite_criteria};
use crate::rationale::{describe_failure, describe_missed, findings, paragraph};
use crate::rubric::{RUBRIC_VERSION, Rubric};
use crate::text::Text;
use crate::{EMBEDDED_JUDGE, EMBEDDED_JUDGE_VERSION};

/// Lowest score that passes: that of grade C, an acceptable submission.
pub const PASSING_SCORE: u32 = 50;

/// Judges whether an output meets the criteria, as far as its words show.
///
/// The criteria take the place of a prompt. Plain checks come first: an output that is empty, repeats the
/// criteria or addresses the judge fails, whatever else it contains. The score then depends on how far the
/// output covers the subject of the criteria, how much it adds, and how clear it is. Like the ranking, this
/// is a pure function of the texts, and it cannot tell whether an output is correct.
pub fn verify(criteria: &str, output: &str) -> Finding {
    let (ask, text, rubric) = (Ask::new(criteria), Text::new(output), Rubric::of_criteria());
    let (score, found) = match gravest_flag(&ask, &text, output, rubric) {
        Some(flag) => (flag.score(), describe_criteria_failure(flag)),
        None => {
            let missed = missed(criteria, output);
            let marks = rubric.marks(&ask, &text);
            let most = if missed.is_empty() { 100 } else { PASSING_SCORE - 1 };
            (marks.score().min(most), [missed, findings(&ask, &text, marks)].join(" "))
        }
    };
    let passed = score >= PASSING_SCORE;
    let conclusion = if passed { "Passed" } else { "Not passed" };
    Finding {
        judge: EMBEDDED_JUDGE.to_owned(),
        judge_version: EMBEDDED_JUDGE_VERSION.to_owned(),
        rubric_version: RUBRIC_VERSION.to_owned(),
        passed,
        score,
        rationale: paragraph(&found, &format!("{conclusion}: {score} of 100 points, {PASSING_SCORE} pass.")),
    }
}

/// Names the demands that the criteria state and the output misses.
fn missed(criteria: &str, output: &str) -> String {
    let stated = extract(criteria, Pack::Wild).into_iter().filter(Constraint::is_stated);
    let checked = stated.map(|constraint| (constraint.sentence(), constraint.check(criteria, output)));
    describe_missed(&checked.collect::<Vec<_>>())
}

/// Returns the gravest check that the output fails.
fn gravest_flag(ask: &Ask, text: &Text, output: &str, rubric: &Rubric) -> Option<IntegrityFlag> {
    let manipulation = manipulations_despite_criteria(&ask.prompt, output).pop();
    manipulation.or_else(|| check_content(ask, text, &[], rubric.copy))
}

fn describe_criteria_failure(flag: IntegrityFlag) -> String {
    match flag {
        IntegrityFlag::CopiedPrompt => {
            "Failed a check: it mostly gives the text of the criteria back.".to_owned()
        }
        _ => describe_failure(&[flag]),
    }
}
