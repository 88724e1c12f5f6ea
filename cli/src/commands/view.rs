//! `view`: one drop.

use crate::api::calls::JOB;
use crate::api::types::{Attachment, Drop, DropStatus};
use crate::failure::Result;
use crate::output::{Style, dollars, left, plural};

use super::Session;

/// Shows a drop.
pub async fn run(session: &Session, id: &str) -> Result<()> {
    let drop = session.api.send(JOB.at(id)).await?;
    session.output.show(&drop.json, |style| render(&drop.value, session.api.now(), style))
}

/// A drop with its whole prompt, its context and its files.
pub fn render(drop: &Drop, now: jiff::Timestamp, style: Style) -> String {
    let facts = format!(
        "{} · {} · {} · {} of {} slots · {}",
        drop.status,
        style.cyan(&drop.pack.line()),
        style.bold(&dollars(drop.price_cents)),
        drop.claims_count,
        drop.max_claims,
        plural(drop.submissions_count, "submission"),
    );
    let closes = drop.window_closes_at.filter(|_| drop.status == DropStatus::Open);
    let closes = closes.map_or_else(String::new, |at| format!(" · {} left", left(at, now)));
    let mut text =
        format!("{} {facts}{closes}\n\n{}", style.dim(&drop.id.line()), indent(&drop.prompt.to_string()));
    if !drop.env_vars.is_empty() {
        text += &format!("\n\n{}", style.dim("Context"));
        for (name, value) in &drop.env_vars {
            text += &format!("\n  {}={}", crate::clean::one_line(name), value.line());
        }
    }
    if !drop.attachments.is_empty() {
        text += &format!("\n\n{}\n{}", style.dim("Files"), files(&drop.attachments));
    }
    if let Some(grade) = &drop.grade {
        let how = style.cyan(&format!("clorp pull {}", drop.id.line()));
        text += &format!("\n\nGrade {}. Reveal it with {how}.", style.grade(&grade.line()));
    }
    text
}

/// One line for each file.
pub fn files(files: &[Attachment]) -> String {
    let line = |file: &Attachment| {
        let (name, kind) = (file.filename.line(), file.content_type.line());
        format!("  {name} ({kind}, {} bytes)", file.size_bytes)
    };
    files.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A text with an indent before each line.
pub fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
