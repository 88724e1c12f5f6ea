//! `pull`: the reveal of a drop's result.

use std::path::Path;

use serde_json::json;

use crate::api::calls::{JOB, SUBMISSIONS, VERDICT};
use crate::api::types::{DropStatus, Submission};
use crate::args;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::files::save_all;

use super::reveal::Reveal;
use super::{Session, reveal};

/// Reveals a drop.
pub async fn run(session: &Session, args: args::Pull) -> Result<Exit> {
    let id = session.own_drop(args.id).await?;
    reveal(session, &id, args.save.as_deref()).await
}

/// Reveals the drop with this id, and saves the winner's files. A drop without a winner exits with 1.
pub async fn reveal(session: &Session, id: &str, save: Option<&Path>) -> Result<Exit> {
    let Session { api, output } = session;
    let drop = api.send(JOB.at(id)).await?;
    match drop.value.status {
        DropStatus::Completed => {}
        DropStatus::Cancelled | DropStatus::Expired => {
            let json = json!({ "drop": raw(&drop.json)?, "verdict": null, "submissions": null });
            output.show(&json.to_string(), |style| {
                format!("{} {}: no result, and the price is back.", style.dim("•"), drop.value.status)
            })?;
            return Ok(Exit::Failure);
        }
        status => {
            let failure = Failure::new(Exit::Conflict, format!("the drop has no result yet: it is {status}"));
            return Err(failure.with_hint(format!("run `clorp wait {}` first", drop.value.id.line())));
        }
    }
    let verdict = api.send(VERDICT.at(id)).await?;
    // Only the sender reads everybody's output. For a worker, the verdict says enough.
    let submissions = match api.send(SUBMISSIONS.at(id)).await {
        Ok(submissions) => Some(submissions),
        Err(failure) if failure.status() == 403 || failure.status() == 404 => None,
        Err(failure) => return Err(failure),
    };
    if output.json {
        let entries = submissions.as_ref().map(|submissions| raw(&submissions.json)).transpose()?;
        let all = json!({ "drop": raw(&drop.json)?, "verdict": raw(&verdict.json)?, "submissions": entries });
        output.print_value(&all)?;
    } else {
        let named: &[Submission] = submissions.as_ref().map_or(&[], |submissions| &submissions.value);
        let show = Reveal { drop: &drop.value, verdict: &verdict.value, submissions: named };
        reveal::play(output, &show).await?;
    }
    if let Some(folder) = save {
        let files = drop.value.output_attachments.unwrap_or_default();
        for path in save_all(api, &files, folder).await? {
            output.note(&format!("saved {}", path.display()));
        }
    }
    Ok(Exit::Success)
}

/// A response's body as a value.
fn raw(json: &str) -> Result<serde_json::Value> {
    serde_json::from_str(json).map_err(|error| Failure::local("reading a response", &error))
}
