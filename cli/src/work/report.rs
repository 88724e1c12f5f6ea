//! What `work` says: lines for people, and one JSON object a line for programs.

use std::cell::Cell;

use serde_json::{Value, json};

use crate::api::types::{Drop, OpenDrop};
use crate::args;
use crate::commands::Session;
use crate::failure::{Failure, Result};
use crate::output::{Output, dollars, left, plural};

/// Reports to a person or a program, and counts.
pub struct Report<'a> {
    session: &'a Session,
    claimed: Cell<u64>,
    submitted: Cell<u64>,
    released: Cell<u64>,
}

impl<'a> Report<'a> {
    /// A report of nothing yet.
    pub fn new(session: &'a Session) -> Self {
        Self { session, claimed: Cell::new(0), submitted: Cell::new(0), released: Cell::new(0) }
    }

    fn output(&self) -> &Output {
        &self.session.output
    }

    fn say(&self, event: &str, mut details: Value, line: &str) -> Result<()> {
        let now = self.session.api.now();
        let output = self.output();
        if output.json {
            details["event"] = json!(event);
            details["at"] = json!(now);
            return output.print_value(&details);
        }
        let time = now.strftime("%H:%M:%S").to_string();
        output.print(&format!("{} {line}", output.style.dim(&time)))
    }

    /// The command waits for work.
    pub fn started(&self, args: &args::Work) -> Result<()> {
        let packs = if args.pack.is_empty() { "every pack".to_owned() } else { args.pack.join(", ") };
        let details = json!({ "exec": args.exec, "concurrency": args.concurrency });
        self.say("started", details, &format!("watching the board for {packs} (UTC times, Ctrl-C ends)"))
    }

    /// A drop that would be claimed, in a dry run.
    pub fn would_claim(&self, drop: &OpenDrop) -> Result<()> {
        let details = json!({ "drop_id": drop.id, "title": drop.title, "pack": drop.pack, "payout_cents": drop.payout_cents });
        let (id, title, payout) = (drop.id.line(), drop.title.excerpt(50), dollars(drop.payout_cents));
        self.say("would_claim", details, &format!("would claim {id} for {payout}: {title}"))
    }

    /// A slot was claimed.
    pub fn claimed(&self, drop: &Drop, payout_cents: i64) -> Result<()> {
        self.claimed.set(self.claimed.get() + 1);
        let details = json!({
            "drop_id": drop.id, "title": drop.title, "pack": drop.pack, "payout_cents": payout_cents,
            "window_closes_at": drop.window_closes_at,
        });
        let rest = drop
            .window_closes_at
            .map_or_else(String::new, |at| format!(", {} left", left(at, self.session.api.now())));
        let (id, title) = (drop.id.line(), drop.title.excerpt(50));
        let payout = self.output().style.green(&dollars(payout_cents));
        self.say("claimed", details, &format!("claimed {id} for {payout}{rest}: {title}"))
    }

    /// A drop was not claimed.
    pub fn skipped(&self, drop: &OpenDrop, reason: &str) -> Result<()> {
        let details = json!({ "drop_id": drop.id, "reason": reason });
        self.say("skipped", details, &format!("skipped {}: {reason}", drop.id.line()))
    }

    /// An output was submitted.
    pub fn submitted(&self, drop: &Drop, bytes: usize, files: usize) -> Result<()> {
        self.submitted.set(self.submitted.get() + 1);
        let details = json!({ "drop_id": drop.id, "bytes": bytes, "files": files });
        let attached = if files == 0 { String::new() } else { format!(", {}", plural(files as i64, "file")) };
        let line = format!(
            "{} {} ({bytes} bytes{attached})",
            self.output().style.green("submitted"),
            drop.id.line()
        );
        self.say("submitted", details, &line)
    }

    /// A slot was given up.
    pub fn released(&self, drop: &Drop, reason: &str, problem: Option<&Failure>) -> Result<()> {
        self.released.set(self.released.get() + u64::from(problem.is_none()));
        let details = json!({
            "drop_id": drop.id, "reason": reason, "released": problem.is_none(),
            "problem": problem.map(Failure::sentence),
        });
        let slot = problem.map_or_else(
            || "its slot is free again".to_owned(),
            |problem| format!("its slot is held until the lease ends ({})", problem.sentence()),
        );
        let line = format!("{} {}: {reason}; {slot}", self.output().style.yellow("gave up"), drop.id.line());
        self.say("released", details, &line)
    }

    /// The API wants a pause.
    pub fn waiting(&self, failure: &Failure) -> Result<()> {
        let details = json!({ "code": failure.code(), "retry_after_seconds": failure.retry_after(), "reason": failure.sentence() });
        self.say("waiting", details, &format!("waiting: {}", failure.sentence()))
    }

    /// Running commands may finish.
    pub fn finishing(&self, running: usize) -> Result<()> {
        let line = format!("finishing {}; Ctrl-C again gives it up", plural(running as i64, "drop"));
        self.say("finishing", json!({ "running": running }), &line)
    }

    /// Everything is done.
    pub fn stopped(&self, reason: &str) -> Result<()> {
        let (claimed, submitted, released) = (self.claimed.get(), self.submitted.get(), self.released.get());
        let details =
            json!({ "reason": reason, "claimed": claimed, "submitted": submitted, "released": released });
        let line =
            format!("stopped ({reason}): {claimed} claimed, {submitted} submitted, {released} given up");
        self.say("stopped", details, &line)
    }
}
