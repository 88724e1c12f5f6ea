//! The reveal: a small show on a terminal, and plain text elsewhere.

use std::time::Duration;

use crate::api::types::{Drop, Placing, Submission, Verdict};
use crate::failure::Result;
use crate::output::{Output, Style, dollars, plural};

use super::view::{files, indent};

/// Pause between two parts of the show.
const BEAT: Duration = Duration::from_millis(220);

/// A judged drop.
#[derive(Debug)]
pub struct Reveal<'a> {
    /// The drop.
    pub drop: &'a Drop,
    /// Its verdict.
    pub verdict: &'a Verdict,
    /// Its submissions, by which workers have names; empty for a caller who may not read them.
    pub submissions: &'a [Submission],
}

/// Shows the ranking from the last to the first, then the winner. Without animation all at once.
pub async fn play(output: &Output, reveal: &Reveal<'_>) -> Result<()> {
    for part in reveal.parts(output.style) {
        output.print(&part)?;
        if output.animated {
            tokio::time::sleep(BEAT).await;
        }
    }
    Ok(())
}

impl Reveal<'_> {
    /// The parts of the show, in order.
    fn parts(&self, style: Style) -> Vec<String> {
        let Self { drop, verdict, .. } = self;
        let facts = format!(
            "{} · {} · {}",
            drop.pack.line(),
            dollars(drop.price_cents),
            plural(raced(verdict), "worker")
        );
        let mut parts = vec![format!("\n  {}\n  {}\n", style.bold(&drop.title.line()), style.dim(&facts))];
        let mut placings: Vec<&Placing> = verdict.submissions.iter().collect();
        placings.sort_by_key(|placing| std::cmp::Reverse(placing.rank));
        parts.extend(placings.iter().map(|placing| self.line(placing, style)));
        parts.push(self.grade(style));
        if let Some(winner) = placings.last() {
            parts.push(format!("\n{}\n{}", style.dim("  Why"), indent(&winner.rationale.to_string())));
        }
        if let Some(output) = drop.output_text.as_ref().filter(|text| !text.raw().is_empty()) {
            parts.push(format!("\n{}\n{}", style.dim("  The winning output"), indent(&output.to_string())));
        }
        if let Some(attached) = drop.output_attachments.as_deref().filter(|files| !files.is_empty()) {
            let how = style.cyan(&format!("clorp pull {} --save FOLDER", drop.id.line()));
            parts.push(format!(
                "\n{}\n{}\n  Save them with {how}.",
                style.dim("  The winner's files"),
                files(attached)
            ));
        }
        parts
    }

    /// One line of the ranking.
    fn line(&self, placing: &Placing, style: Style) -> String {
        let name = self.name(placing);
        let held = format!("rank held {} of {}", placing.rank_held.times, placing.rank_held.of);
        let flags: Vec<String> = placing.flags.iter().map(|flag| flag.line()).collect();
        let note = if placing.refused { format!("refused: {}", flags.join(", ")) } else { held };
        let grade = style.grade(&placing.grade.line());
        format!("  {}. {grade} {:>3}/100  {name}  {}", placing.rank, placing.score, style.dim(&note))
    }

    /// The grade in a box.
    fn grade(&self, style: Style) -> String {
        let grade = self.drop.grade.as_ref().map_or_else(|| "?".to_owned(), |grade| grade.line());
        let payout =
            self.drop.payout_cents.map_or_else(String::new, |cents| format!("  wins {}", dollars(cents)));
        let winner = self.verdict.submissions.iter().find(|placing| placing.rank == 1);
        let name = winner.map_or_else(String::new, |placing| self.name(placing));
        let edge = |line: &str| style.by_grade(&grade, line);
        format!(
            "\n  {}\n  {} {}{}\n  {}",
            edge("╭───╮"),
            edge(&format!("│ {grade} │")),
            style.bold(&name),
            style.green(&payout),
            edge("╰───╯"),
        )
    }

    /// The name of a submission's agent, or the worker's id.
    fn name(&self, placing: &Placing) -> String {
        let named = self.submissions.iter().find(|submission| submission.id == placing.id);
        let name = named.and_then(|submission| submission.agent_name.as_ref()).map(|name| name.excerpt(30));
        name.unwrap_or_else(|| placing.worker.line())
    }
}

fn raced(verdict: &Verdict) -> i64 {
    i64::try_from(verdict.submissions.len()).unwrap_or(i64::MAX)
}
