//! `work`: claims drops from the board, and has a command do them.

mod brief;
mod command;
mod race;
mod report;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::api::calls::BOARD;
use crate::api::types::OpenDrop;
use crate::api::{Item, Text};
use crate::args;
use crate::commands::Session;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::signals::{Signals, Stop};
use race::{Outcome, Race};
use report::Report;

/// The most entries of the board that are looked at.
const LOOK: usize = 100;
/// Pause after a look at the board that failed.
const FAULT_PAUSE: Duration = Duration::from_secs(10);

/// Works until a stop condition holds, and until all that was claimed is done.
pub async fn run(session: &Session, args: args::Work) -> Result<Exit> {
    let mut signals = Signals::listen().map_err(|error| Failure::local("listening for signals", &error))?;
    let report = Report::new(session);
    if session.api.is_dry_run() {
        let mut look = Look::new(session, &args);
        for drop in look.candidates().await? {
            report.would_claim(&drop)?;
        }
        return Ok(Exit::Success);
    }
    let (stop, stopped) = watch::channel(false);
    let mut shift = Shift {
        look: Look::new(session, &args),
        args: &args,
        report: &report,
        claims: 0,
        failures: 0,
        next_look: Instant::now(),
        ending: None,
        uncertain: HashSet::new(),
    };
    let mut races = FuturesUnordered::new();
    report.started(&args)?;
    loop {
        shift.check_conditions(races.len());
        if races.is_empty() && shift.ending.is_some() {
            break;
        }
        let free = shift.ending.is_none() && shift.has_room(races.len());
        tokio::select! {
            stopping = signals.next() => shift.stop(stopping, &stop, races.len())?,
            () = time_is_up(session, args.until), if shift.ending.is_none() => {}
            Some(outcome) = races.next(), if !races.is_empty() => shift.finish(outcome)?,
            found = shift.look.after(shift.next_look), if free => {
                for drop in shift.choose(found, races.len())? {
                    let may_be_held = shift.uncertain.remove(&drop.id);
                    let race = Race { session, args: &args, report: &report, drop, may_be_held };
                    races.push(race.run(stopped.clone()));
                }
            }
        }
    }
    let ending = shift.ending.unwrap_or(Ending::Asked);
    report.stopped(ending.reason())?;
    ending.exit()
}

/// Waits for the time of `--until`.
async fn time_is_up(session: &Session, until: Option<Timestamp>) {
    let Some(until) = until else { return std::future::pending().await };
    let left = Duration::try_from(until.duration_since(session.api.now()));
    tokio::time::sleep(left.unwrap_or_default() + Duration::from_millis(1)).await;
}

/// The reason for which no more drops are claimed.
#[derive(Debug)]
enum Ending {
    /// `--max`.
    Claims,
    /// `--until`.
    Time,
    /// Ctrl-C.
    Asked,
    /// A termination, or a second Ctrl-C.
    Forced,
    /// The command fails again and again.
    Failures,
    /// A failure that waiting does not cure.
    Fatal(Failure),
}

impl Ending {
    fn reason(&self) -> &'static str {
        match self {
            Self::Claims => "max",
            Self::Time => "until",
            Self::Asked => "interrupted",
            Self::Forced => "terminated",
            Self::Failures => "failures",
            Self::Fatal(_) => "error",
        }
    }

    fn exit(self) -> Result<Exit> {
        match self {
            Self::Claims | Self::Time | Self::Asked => Ok(Exit::Success),
            Self::Forced => Ok(Exit::Interrupted),
            Self::Failures => {
                let failure = Failure::new(Exit::Failure, "the command failed several times in a row");
                Err(failure.with_hint("try it on a prompt by hand"))
            }
            Self::Fatal(failure) => Err(failure),
        }
    }
}

/// The state between two events.
struct Shift<'a> {
    look: Look<'a>,
    args: &'a args::Work,
    report: &'a Report<'a>,
    /// Claims that are over.
    claims: u64,
    /// Failures of the command since its last success.
    failures: u32,
    next_look: Instant,
    ending: Option<Ending>,
    /// Drops whose claim may have succeeded, although its answer was lost.
    uncertain: HashSet<Text>,
}

impl Shift<'_> {
    /// True if one more race stays within the concurrency and the number of claims.
    fn has_room(&self, running: usize) -> bool {
        self.room(running) > 0
    }

    /// The number of races that may begin. Every running one may still become a claim.
    fn room(&self, running: usize) -> usize {
        let slots = usize::from(self.args.concurrency).saturating_sub(running);
        let used = self.claims + running as u64;
        let left = self.args.max.map_or(u64::MAX, |max| max.saturating_sub(used));
        slots.min(usize::try_from(left).unwrap_or(usize::MAX))
    }

    fn check_conditions(&mut self, running: usize) {
        if self.ending.is_some() {
            return;
        }
        if self.args.max.is_some_and(|max| self.claims >= max) && running == 0 {
            self.ending = Some(Ending::Claims);
        } else if self.args.until.is_some_and(|until| self.look.session.api.now() >= until) {
            self.ending = Some(Ending::Time);
        } else if self.failures >= self.args.max_failures {
            self.ending = Some(Ending::Failures);
        }
    }

    /// Chooses drops after a look at the board.
    fn choose(&mut self, found: Result<Vec<OpenDrop>>, running: usize) -> Result<Vec<OpenDrop>> {
        self.next_look = Instant::now() + Duration::from_secs(self.args.poll.max(1));
        match found {
            Ok(drops) => {
                let chosen: Vec<OpenDrop> = drops.into_iter().take(self.room(running)).collect();
                self.look.tried.extend(chosen.iter().map(|drop| drop.id.clone()));
                Ok(chosen)
            }
            Err(failure) if self.look.has_succeeded && is_passing(&failure) => {
                self.next_look = Instant::now() + pause_after(&failure);
                self.report.waiting(&failure)?;
                Ok(Vec::new())
            }
            Err(failure) => {
                self.ending.get_or_insert(Ending::Fatal(failure));
                Ok(Vec::new())
            }
        }
    }

    /// Takes note of a race that is over.
    fn finish(&mut self, outcome: Result<Outcome>) -> Result<()> {
        match outcome? {
            Outcome::Submitted => {
                self.claims += 1;
                self.failures = 0;
            }
            Outcome::Failed => {
                self.claims += 1;
                self.failures += 1;
            }
            Outcome::GivenUp => self.claims += 1,
            Outcome::NotClaimed => self.next_look = Instant::now(),
            Outcome::Later(failure, drop) => {
                self.look.tried.remove(&drop);
                if failure.exit() == Exit::Unavailable {
                    self.uncertain.insert(drop);
                }
                self.next_look = Instant::now() + pause_after(&failure);
                self.report.waiting(&failure)?;
            }
            Outcome::Fatal(failure) => {
                self.ending.get_or_insert(Ending::Fatal(failure));
            }
        }
        Ok(())
    }

    /// Reacts to a signal. The first Ctrl-C lets running commands finish. Anything more ends them, and their
    /// slots are released.
    fn stop(&mut self, stopping: Stop, stop: &watch::Sender<bool>, running: usize) -> Result<()> {
        let again = matches!(self.ending, Some(Ending::Asked | Ending::Forced));
        if stopping == Stop::Now || again {
            self.ending = Some(Ending::Forced);
            stop.send_replace(true);
        } else {
            self.ending = Some(Ending::Asked);
            if running > 0 {
                self.report.finishing(running)?;
            }
        }
        Ok(())
    }
}

/// True for a failure that time may cure.
fn is_passing(failure: &Failure) -> bool {
    matches!(failure.exit(), Exit::RateLimit | Exit::Unavailable)
}

fn pause_after(failure: &Failure) -> Duration {
    failure.retry_after().map_or(FAULT_PAUSE, Duration::from_secs)
}

/// Looks at the board for drops that fit the options.
struct Look<'a> {
    session: &'a Session,
    args: &'a args::Work,
    /// Drops that were claimed or refused.
    tried: HashSet<Text>,
    has_succeeded: bool,
}

impl<'a> Look<'a> {
    fn new(session: &'a Session, args: &'a args::Work) -> Self {
        Self { session, args, tried: HashSet::new(), has_succeeded: false }
    }

    /// Waits until `at`, or until the time is over, and then looks.
    async fn after(&mut self, at: Instant) -> Result<Vec<OpenDrop>> {
        tokio::time::sleep_until(at.into()).await;
        self.candidates().await
    }

    /// Drops to claim, the best paid first.
    async fn candidates(&mut self) -> Result<Vec<OpenDrop>> {
        let Self { session, args, .. } = self;
        // The API filters by one pack. Several are picked here.
        let pack = (args.pack.len() == 1).then(|| args.pack[0].clone());
        let request = BOARD.request().query("pack", pack).query("min_price_cents", args.min_price);
        let listed = session.api.list(request, LOOK).await?;
        self.has_succeeded = true;
        let on_board: HashSet<&Text> = listed.iter().map(|drop| &drop.value.id).collect();
        // A drop that has left the board does not return.
        self.tried.retain(|id| on_board.contains(id));
        let now = self.session.api.now();
        let mut fitting: Vec<OpenDrop> =
            listed.into_iter().map(|Item { value, .. }| value).filter(|drop| self.fits(drop, now)).collect();
        fitting.sort_by_key(|drop| (std::cmp::Reverse(drop.payout_cents), drop.window_closes_at));
        Ok(fitting)
    }

    fn fits(&self, drop: &OpenDrop, now: Timestamp) -> bool {
        let Self { args, tried, .. } = self;
        let least = SignedDuration::from_secs(i64::try_from(args.min_window).unwrap_or(i64::MAX));
        let has_time = drop.window_closes_at.is_some_and(|closes| closes.duration_since(now) >= least);
        let is_wanted = args.pack.is_empty() || args.pack.iter().any(|pack| drop.pack == **pack);
        has_time && is_wanted && drop.claims_count < drop.max_claims && !tried.contains(&drop.id)
    }
}
