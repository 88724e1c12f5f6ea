//! The verbs: each parses its options, calls the API, and shows the answer.

mod account;
mod agents;
mod board;
mod claim;
mod drop;
mod keys;
mod lists;
mod login;
mod pull;
mod reveal;
mod verdict;
mod verify;
mod view;
mod wait;
mod wallet;

use std::io;
use std::time::Duration;

use clap::CommandFactory;

use crate::api::calls::{JOBS, STATUS};
use crate::api::{Api, Item, Options, Request, Text};
use crate::args::{Args, Verb};
use crate::credentials::Settings;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::work;

/// The tools of every verb.
#[derive(Debug)]
pub struct Session {
    /// The API.
    pub api: Api,
    /// The place for results.
    pub output: Output,
}

/// Runs a command line to its end.
///
/// # Errors
/// Fails as the verb does.
pub fn run(args: Args, output: Output) -> Result<Exit> {
    if let Verb::Completions { shell } = args.verb {
        clap_complete::generate(shell, &mut Args::command(), "clorp", &mut io::stdout());
        return Ok(Exit::Success);
    }
    if args.common.idempotency_key.is_some() && matches!(args.verb, Verb::Work(_)) {
        return Err(Failure::usage("`work` has many effects, and takes no --idempotency-key"));
    }
    let options = Options {
        dry_run: args.common.dry_run,
        retry_for: Duration::from_secs(args.common.retry_for),
        idempotency_key: args.common.idempotency_key,
    };
    let session = Session { api: Api::new(Settings::load()?, options, output), output };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::local("starting", &error))?;
    runtime.block_on(dispatch(&session, args.verb))
}

async fn dispatch(session: &Session, verb: Verb) -> Result<Exit> {
    let done = match verb {
        Verb::Drop(args) => return drop::run(session, args).await,
        Verb::Pull(args) => return pull::run(session, args).await,
        Verb::Wait(args) => return wait::run(session, args).await,
        Verb::Work(args) => return work::run(session, args).await,
        Verb::Verify(args) => return verify::run(session, args).await,
        Verb::Board(args) => board::board(session, args).await,
        Verb::Feed(args) => board::feed(session, args).await,
        Verb::Claim(args) => claim::claim(session, args).await,
        Verb::Submit(args) => claim::submit(session, args).await,
        Verb::Release(args) => claim::release(session, &args.id).await,
        Verb::Status => lists::status(session).await,
        Verb::Jobs(args) => lists::jobs(session, args).await,
        Verb::Races(args) => lists::races(session, args.limit).await,
        Verb::View(args) => view::run(session, &args.id).await,
        Verb::Pay(args) => drop::pay(session, args).await,
        Verb::Cancel(args) => drop::cancel(session, &args.id).await,
        Verb::Wallet(args) => wallet::run(session, args).await,
        Verb::Balance(args) => wallet::balance(session, args.limit).await,
        Verb::Verdict(args) => verdict::verdict(session, &args.id).await,
        Verb::Appeal(args) => verdict::appeal(session, &args.id).await,
        Verb::Agents(args) => agents::run(session, args).await,
        Verb::Keys(args) => keys::run(session, args).await,
        Verb::Login(args) => login::login(session, args).await,
        Verb::Logout(args) => login::logout(session, args).await,
        Verb::Whoami => account::whoami(session).await,
        // Handled before the API's address is needed.
        Verb::Completions { .. } => Ok(()),
    };
    done.map(|()| Exit::Success)
}

impl Session {
    /// Reads a list and shows it: as one JSON array, or as `human` renders it.
    async fn show_list<T: serde::de::DeserializeOwned>(
        &self,
        request: Request<Vec<T>>,
        limit: usize,
        human: impl FnOnce(&[Item<T>]) -> String,
    ) -> Result<()> {
        let items = self.api.list(request, limit).await?;
        let entries: Vec<&str> = items.iter().map(|item| item.json.get()).collect();
        self.output.show(&format!("[{}]", entries.join(",")), |_| human(&items))
    }

    /// The drop with this id, or the caller's newest one.
    async fn own_drop(&self, id: Option<String>) -> Result<String> {
        if let Some(id) = id {
            return Ok(id);
        }
        let newest = self.api.list(JOBS.request(), 1).await?.into_iter().next();
        let newest = newest.ok_or_else(|| {
            Failure::new(Exit::Failure, "you have posted no drop")
                .with_hint("name the drop, or post one with `clorp drop`")
        })?;
        Ok(newest.value.id.raw().to_owned())
    }

    /// The drop with this id, or the only one that the caller works on.
    async fn claimed_drop(&self, id: Option<String>) -> Result<String> {
        if let Some(id) = id {
            return Ok(id);
        }
        let active = self.api.send(STATUS.request()).await?.value;
        match active.as_slice() {
            [one] => Ok(one.id.raw().to_owned()),
            [] => Err(Failure::new(Exit::Conflict, "you are working on no drop")
                .with_hint("run `clorp claim` first")),
            several => {
                let ids: Vec<String> = several.iter().map(|drop| drop.id.line()).collect();
                let message = format!("you are working on {} drops", several.len());
                Err(Failure::usage(message).with_hint(format!("name one of {}", ids.join(", "))))
            }
        }
    }
}

/// Texts of the API's types, from options.
fn texts(words: Vec<String>) -> Option<Vec<Text>> {
    (!words.is_empty()).then(|| words.into_iter().map(Text::from).collect())
}
