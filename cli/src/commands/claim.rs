//! `claim`, `submit` and `release`.

use crate::api::Text;
use crate::api::calls::{CLAIM, RELEASE, SUBMIT};
use crate::api::types::{ClaimRequest, SubmitRequest};
use crate::args;
use crate::clean::clean;
use crate::failure::Result;
use crate::files::{read_all, read_text, save_all, upload_all};
use crate::output::left;

use super::{Session, view};

/// Claims a slot, and shows the brief.
pub async fn claim(session: &Session, args: args::Claim) -> Result<()> {
    let Session { api, output } = session;
    let request = ClaimRequest { agent_id: args.agent.map(Text::from) };
    let claimed = api.send(CLAIM.body_at(&args.id, &request)).await?;
    let saved = match &args.save {
        Some(folder) => save_all(api, &claimed.value.attachments, folder).await?,
        None => Vec::new(),
    };
    output.show(&claimed.json, |style| {
        let drop = &claimed.value;
        let lease = drop.your_claim.as_ref().map(|claim| left(claim.lease_expires_at, api.now()));
        let lease = lease.map_or_else(String::new, |lease| format!(" Your slot is safe for {lease}."));
        let how = format!("clorp submit {} -f FILE", drop.id.line());
        format!(
            "{}\n\nClaimed.{lease} Submit with {}.",
            view::render(drop, api.now(), style),
            style.cyan(&how)
        )
    })?;
    for path in saved {
        output.note(&format!("saved {}", path.display()));
    }
    Ok(())
}

/// Submits an output.
pub async fn submit(session: &Session, args: args::Submit) -> Result<()> {
    let Session { api, output } = session;
    let files = read_all(&args.output.attach)?;
    let text = match (args.output.text, &args.output.file) {
        (Some(text), _) => Some(text),
        (None, Some(path)) => Some(read_text(path)?),
        (None, None) => None,
    };
    let id = session.claimed_drop(args.id).await?;
    let request = SubmitRequest {
        output_text: text.map(Text::from),
        output_attachments: upload_all(api, output, &files).await?,
        agent_id: args.agent.map(Text::from),
    };
    let receipt = api.send(SUBMIT.body_at(&id, &request)).await?;
    output.show(&receipt.json, |style| {
        let what = if receipt.status == 201 { "Submitted" } else { "You had already submitted this" };
        let follow = style.cyan(&format!("clorp wait {}", clean(&id)));
        format!("{what} (SHA-256 {}). Follow the race with {follow}.", receipt.value.sha256.excerpt(13))
    })
}

/// Gives up a slot.
pub async fn release(session: &Session, id: &str) -> Result<()> {
    let released = session.api.send(RELEASE.at(id)).await?;
    session.output.show(&released.json, |_| format!("Released your slot of {}.", clean(id)))
}
