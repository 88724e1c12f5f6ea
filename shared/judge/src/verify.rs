//! Holding one output to criteria.

use clorp_domain::verification::Finding;

use crate::ask::Ask;
use crate::checks::{Flag, check};
use crate::instructions::instructs_despite;
use crate::rationale::{failed, findings, paragraph};
use crate::rubric::{RUBRIC_VERSION, Rubric};
use crate::text::Text;
use crate::{EMBEDDED_JUDGE, EMBEDDED_JUDGE_VERSION};

/// The lowest score that passes: that of a C, an acceptable submission.
pub const PASSING_SCORE: u32 = 50;

/// Whether an output meets criteria, as far as its words tell.
///
/// The criteria take the place of a prompt. Plain checks come first: what is empty, gives the criteria back or talks to
/// the judge does not pass, whatever else is in it. What passes them is scored by how much it is about what the criteria
/// name, how much it says beyond them, and how clearly. As the ranking, this is a pure function of the texts, and it does
/// not see whether an output is right.
pub fn verify(criteria: &str, output: &str) -> Finding {
    let (ask, text, rubric) = (Ask::new(criteria), Text::new(output), Rubric::of_criteria());
    let (score, found) = match gravest(&ask, &text, output, rubric) {
        Some(flag) => (flag.score(), said_of(flag).to_owned()),
        None => {
            let marks = rubric.marks(&ask, &text, rubric.originality(0));
            (rubric.score(marks), findings(&ask, &text, marks))
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

/// The gravest check that the output fails.
fn gravest(ask: &Ask, text: &Text, output: &str, rubric: &Rubric) -> Option<Flag> {
    if instructs_despite(text, output, &ask.text) {
        return Some(Flag::Instructions);
    }
    check(ask, text, output, &[], rubric.copy)
}

const fn said_of(flag: Flag) -> &'static str {
    match flag {
        Flag::CopiedPrompt => "Failed a check: it mostly gives the text of the criteria back.",
        Flag::CopiedSubmission | Flag::Empty | Flag::Instructions => failed(flag),
    }
}
