//! One race: claim, work, submit, and give the slot up if that fails.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::watch;

use crate::api::Text;
use crate::api::calls::{CLAIM, RELEASE, SUBMIT};
use crate::api::types::{ClaimRequest, Drop, OpenDrop, SubmitRequest};
use crate::args;
use crate::commands::Session;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::files::{LocalFile, upload_all};

use super::brief::Brief;
use super::command;
use super::report::Report;

/// The end of a race.
#[derive(Debug)]
pub enum Outcome {
    /// The output is in.
    Submitted,
    /// The command failed, and the slot was given up.
    Failed,
    /// The slot was given up for a reason that is not the command's.
    GivenUp,
    /// There was no slot for this worker.
    NotClaimed,
    /// The API takes no claim of this worker for now. The drop may be tried again.
    Later(Failure, Text),
    /// No claim can succeed.
    Fatal(Failure),
}

/// A race that has not begun.
pub struct Race<'a> {
    /// The API and the output.
    pub session: &'a Session,
    /// The options.
    pub args: &'a args::Work,
    /// The report.
    pub report: &'a Report<'a>,
    /// The drop on the board.
    pub drop: OpenDrop,
    /// True if an earlier claim of this process may have succeeded, although its answer was lost.
    pub may_be_held: bool,
}

/// An output of the command.
struct Made {
    text: Option<String>,
    files: Vec<LocalFile>,
}

impl Race<'_> {
    /// Runs the race. It is never abandoned halfway, so that no claim is forgotten.
    pub async fn run(self, mut stopped: watch::Receiver<bool>) -> Result<Outcome> {
        let claim = ClaimRequest { agent_id: self.args.agent.as_deref().map(Text::from) };
        let claimed = match self.session.api.send(CLAIM.body_at(self.drop.id.raw(), &claim)).await {
            // The claim is another process's, which works on it or has died.
            Ok(claimed) if claimed.status == 200 && !self.may_be_held => {
                self.report.skipped(&self.drop, "you hold a slot of it already")?;
                return Ok(Outcome::NotClaimed);
            }
            Ok(claimed) => claimed,
            Err(failure) => return self.refused(failure),
        };
        let drop = claimed.value;
        self.report.claimed(&drop, self.drop.payout_cents)?;
        let made = match self.make(&drop, &claimed.json, &mut stopped).await {
            Ok(made) => made,
            Err(reason) => {
                let forced = *stopped.borrow();
                self.release(&drop, &reason).await?;
                return Ok(if forced { Outcome::GivenUp } else { Outcome::Failed });
            }
        };
        self.submit(&drop, made).await
    }

    fn refused(self, failure: Failure) -> Result<Outcome> {
        match failure.exit() {
            Exit::RateLimit | Exit::Unavailable => Ok(Outcome::Later(failure, self.drop.id)),
            Exit::Conflict | Exit::Failure => {
                self.report.skipped(&self.drop, &failure.sentence())?;
                Ok(Outcome::NotClaimed)
            }
            _ => Ok(Outcome::Fatal(failure)),
        }
    }

    /// Has the command do the work. The error is the reason for giving up.
    async fn make(
        &self,
        drop: &Drop,
        json: &str,
        stopped: &mut watch::Receiver<bool>,
    ) -> std::result::Result<Made, String> {
        if *stopped.borrow() {
            return Err(command::STOPPED.to_owned());
        }
        let time = self.time_for(drop).ok_or("its window closes too soon")?;
        let brief =
            Brief::write(&self.session.api, drop, json).await.map_err(|failure| failure.sentence())?;
        let deadline = self.session.api.now().checked_add(time).ok();
        let environment = brief.environment(drop, self.drop.payout_cents, deadline);
        let limit = Duration::try_from(time).unwrap_or_default();
        let bytes = command::run(&self.args.exec, drop.prompt.raw(), environment, limit, stopped).await?;
        let mut files = brief.outputs().map_err(|failure| failure.sentence())?;
        let text = match String::from_utf8(bytes) {
            Ok(text) => text.trim_end().to_owned(),
            Err(bytes) => {
                files.push(LocalFile::new("output.bin".to_owned(), bytes.into_bytes()));
                String::new()
            }
        };
        if text.is_empty() && files.is_empty() {
            return Err("the command printed nothing".to_owned());
        }
        Ok(Made { text: (!text.is_empty()).then_some(text), files })
    }

    /// The time that the command has: by its own limit, and by the end of the window.
    fn time_for(&self, drop: &Drop) -> Option<SignedDuration> {
        let seconds = |seconds: u64| SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        let window = drop.window_closes_at?.duration_since(self.session.api.now());
        let time = window.checked_sub(seconds(self.args.margin))?.min(seconds(self.args.timeout));
        time.is_positive().then_some(time)
    }

    /// Submits, as a file if the text is too long for the API.
    async fn submit(&self, drop: &Drop, made: Made) -> Result<Outcome> {
        let Made { text, mut files } = made;
        let bytes = text.as_ref().map_or(0, String::len);
        let mut sent = self.send(drop, text.clone(), &files).await;
        let too_long = |failure: &Failure| matches!(failure.code(), "output_too_long" | "payload_too_large");
        if sent.as_ref().is_err_and(too_long) {
            files.push(LocalFile::new("output.txt".to_owned(), text.unwrap_or_default().into_bytes()));
            sent = self.send(drop, Some("The output is in output.txt.".to_owned()), &files).await;
        }
        match sent {
            Ok(()) => {
                self.report.submitted(drop, bytes, files.len())?;
                Ok(Outcome::Submitted)
            }
            Err(failure) => {
                self.release(drop, &failure.sentence()).await?;
                Ok(if failure.exit() == Exit::Usage { Outcome::Failed } else { Outcome::GivenUp })
            }
        }
    }

    async fn send(&self, drop: &Drop, text: Option<String>, files: &[LocalFile]) -> Result<()> {
        let Session { api, output } = self.session;
        let request = SubmitRequest {
            output_text: text.map(Text::from),
            output_attachments: upload_all(api, output, files).await?,
            agent_id: None,
        };
        api.send(SUBMIT.body_at(drop.id.raw(), &request)).await.map(|_| ())
    }

    /// Gives the slot up, so that another worker can have it at once.
    async fn release(&self, drop: &Drop, reason: &str) -> Result<()> {
        let released = self.session.api.send(RELEASE.at(drop.id.raw())).await;
        self.report.released(drop, reason, released.err().as_ref())
    }
}
