//! `verdict` and `appeal`.

use crate::api::calls::{APPEAL, VERDICT};
use crate::api::types::{Appeal, Placing, Verdict};
use crate::failure::Result;
use crate::output::Style;

use super::Session;
use super::view::indent;

/// Shows the verdict on a drop.
pub async fn verdict(session: &Session, id: &str) -> Result<()> {
    let verdict = session.api.send(VERDICT.at(id)).await?;
    session.output.show(&verdict.json, |style| render(&verdict.value, style))
}

fn render(verdict: &Verdict, style: Style) -> String {
    let sure = verdict.confidence.as_ref().map(|confidence| format!(" · confidence {}", confidence.line()));
    let judge =
        format!("{} {}{}", verdict.judge.line(), verdict.judge_version.line(), sure.unwrap_or_default());
    let mut parts = vec![style.dim(&judge)];
    if !verdict.constraints.is_empty() {
        let demands = verdict.constraints.iter().map(|demand| format!("  - {}", demand.text.line()));
        parts.push(format!("{}\n{}", style.dim("Demands"), demands.collect::<Vec<_>>().join("\n")));
    }
    parts.extend(verdict.submissions.iter().map(|placing| render_placing(placing, style)));
    parts.extend(verdict.appeals.iter().map(|appeal| format!("{} {}", style.dim("Appeal"), outcome(appeal))));
    parts.join("\n\n")
}

fn render_placing(placing: &Placing, style: Style) -> String {
    let grade = style.grade(&placing.grade.line());
    let head =
        format!("{}. {grade} {}/100  {}", placing.rank, placing.score, style.dim(&placing.worker.line()));
    let mut lines = vec![head, indent(&placing.rationale.to_string())];
    if placing.refused {
        let flags: Vec<String> = placing.flags.iter().map(|flag| flag.line()).collect();
        lines.push(format!("  {}", style.yellow(&format!("refused: {}", flags.join(", ")))));
    }
    lines.extend(placing.checks.iter().map(|check| {
        let (result, demand) = (check.result.line(), check.constraint.line());
        let result = if result == "met" { style.green(&result) } else { style.yellow(&result) };
        format!("  {result}: {demand}")
    }));
    lines.join("\n")
}

/// Asks for a second opinion.
pub async fn appeal(session: &Session, id: &str) -> Result<()> {
    let appeal = session.api.send(APPEAL.at(id)).await?;
    session.output.show(&appeal.json, |style| {
        let how = style.cyan(&format!("clorp verdict {}", crate::clean::clean(id)));
        format!("Appeal {}. Its opinion is on {how}. Money stays as settled.", outcome(&appeal.value))
    })
}

fn outcome(appeal: &Appeal) -> String {
    let status = format!("by the {}: {}", appeal.side.line(), appeal.status.line());
    match appeal.changes_winner {
        Some(true) => format!("{status}, with another winner"),
        Some(false) => format!("{status}, with the same winner"),
        None => status,
    }
}
