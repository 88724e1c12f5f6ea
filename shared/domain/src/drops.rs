//! Drops: their lifecycle, and who may do what to them when.
//!
//! Each action is a ladder of checks, every rejection a named [`Error`], after which what remains is to write the
//! decision under a condition that the checks still hold.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use crate::ledger::Unbalanced;
use crate::money::Overflow;
use crate::time::after_seconds;
use crate::{
    Account, AgentId, Attachment, Cents, DropId, EntryId, Error, FieldError, Grade, NamedFiles, NewDrop,
    Pack, Posting, Reason, Rules, SubmissionId, UserId,
};

/// Where a drop is in its life. It only moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Posted, not paid; invisible to workers.
    PendingPayment,
    /// Paid and on the board: takes claims and submissions until its window closes.
    Open,
    /// Closed to submissions, being judged.
    Ranking,
    /// Judged and paid out.
    Completed,
    /// Called off by the sender; what was paid went back.
    Cancelled,
    /// Its window closed without a submission; what was paid went back.
    Expired,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 6] =
        [Self::PendingPayment, Self::Open, Self::Ranking, Self::Completed, Self::Cancelled, Self::Expired];

    /// The status's word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PendingPayment => "pending_payment",
            Self::Open => "open",
            Self::Ranking => "ranking",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Whether nothing more can happen.
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::PendingPayment | Self::Open | Self::Ranking => false,
            Self::Completed | Self::Cancelled | Self::Expired => true,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownStatus;

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(word: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.as_str() == word).ok_or(UnknownStatus)
    }
}

/// What workers are given: written once, never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    /// The task, in plain text.
    pub prompt: String,
    /// Context for workers; never on public pages, never logged.
    pub env_vars: BTreeMap<String, String>,
    /// Files that belong to the task.
    pub attachments: Vec<Attachment>,
}

/// The time in which a drop takes claims and submissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// When the drop was paid and went on the board.
    pub opened_at: Timestamp,
    /// From this instant on nothing is accepted.
    pub closes_at: Timestamp,
}

/// A worker's hold on one of a drop's slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Since when.
    pub claimed_at: Timestamp,
    /// Until when nobody else can take the slot. Afterwards the claim stays good until somebody does.
    pub lease_expires_at: Timestamp,
    /// When the worker submitted; a submitted claim cannot be taken over.
    pub submitted_at: Option<Timestamp>,
    /// Which of the worker's agents it is for.
    pub agent: AgentId,
}

impl Claim {
    /// When it lapsed, as seen at `now`: its lease ended without a submission. If the worker submits after all, it
    /// has not lapsed.
    pub fn lapsed_at(&self, now: Timestamp) -> Option<Timestamp> {
        (self.submitted_at.is_none() && self.lease_expires_at <= now).then_some(self.lease_expires_at)
    }
}

/// How a completed drop ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Who was paid.
    pub winner: UserId,
    /// The winner's grade, which is the drop's.
    pub grade: Grade,
    /// When the winner was paid.
    pub completed_at: Timestamp,
}

/// A drop, without its brief.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drop {
    /// Which drop.
    pub id: DropId,
    /// Where it is in its life.
    pub status: Status,
    /// Who posted it.
    pub sender: UserId,
    /// Kind of work.
    pub pack: Pack,
    /// First line of the prompt.
    pub title: String,
    /// What the sender pays.
    pub price: Cents,
    /// The platform's part of the price, fixed when the drop is posted.
    pub fee: Cents,
    /// Length of the window, in seconds.
    pub time_limit_seconds: u32,
    /// How many slots it has.
    pub max_claims: u32,
    /// When it was posted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Set once it was opened, and kept.
    pub window: Option<Window>,
    /// When it was closed to submissions, to be judged.
    pub ranking_at: Option<Timestamp>,
    /// Money held for it: the price while open or ranking, else nothing.
    pub escrow: Cents,
    /// Who holds its slots.
    pub claims: BTreeMap<UserId, Claim>,
    /// Set once completed.
    pub outcome: Option<Outcome>,
}

/// What a caller is to a drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The sender.
    Sender,
    /// A holder of one of its slots.
    Claimant,
}

/// How a claim request is to be met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimDecision {
    /// The caller holds this claim already.
    Held(Claim),
    /// A free slot is there to be taken.
    Take(Claim),
    /// Every slot is held, but this worker's lease has lapsed and the slot passes on.
    TakeOver(Claim, UserId),
}

/// How a submission is to be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmitDecision {
    /// Accept it; if it `fills` the drop, the window is over.
    Accept {
        /// Whether every slot has submitted now.
        fills: bool,
    },
    /// The caller has submitted before; whether it was the same output is for the caller to compare.
    Again,
}

/// How a cancellation is to be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelDecision {
    /// It ended before; nothing changes.
    Already,
    /// Nothing was paid, so nothing goes back.
    Void,
    /// The escrow goes back to the sender.
    Refund,
}

/// What is due on a drop, seen at one instant by the ranking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing any more, or never: it is pending or has ended.
    Nothing,
    /// Its window is still open until then.
    NotBefore(Timestamp),
    /// Close it to submissions.
    Close,
    /// Refund it: nobody submitted.
    Expire,
    /// Judge and settle it.
    Judge,
}

impl Drop {
    /// The drop that `order` makes, not yet paid.
    pub fn pending(id: DropId, sender: UserId, new_drop: &NewDrop, rules: &Rules, now: Timestamp) -> Self {
        Self {
            id,
            status: Status::PendingPayment,
            sender,
            pack: new_drop.pack,
            title: new_drop.title.clone(),
            price: new_drop.price,
            fee: new_drop.fee,
            time_limit_seconds: new_drop.time_limit_seconds,
            max_claims: rules.max_claims,
            created_at: now,
            updated_at: now,
            window: None,
            ranking_at: None,
            escrow: Cents::ZERO,
            claims: BTreeMap::new(),
            outcome: None,
        }
    }

    /// The same drop opened at `now`. Its escrow is moved by the posting that pays for it.
    #[must_use]
    pub fn opened(mut self, now: Timestamp) -> Self {
        self.status = Status::Open;
        self.updated_at = now;
        self.window = Some(Window { opened_at: now, closes_at: after_seconds(now, self.time_limit_seconds) });
        self
    }

    /// When a change that is made at `now` happens: after every change before it, whatever clocks those went by. So each
    /// change has an instant of its own, and their order is the order in which they were made.
    pub fn next_change_at(&self, now: Timestamp) -> Timestamp {
        let next = self.updated_at.saturating_add(SignedDuration::from_millis(1));
        now.max(next.unwrap_or(Timestamp::MAX))
    }

    /// What the winner gets.
    ///
    /// # Errors
    /// [`Overflow`], which the rules' bounds exclude.
    pub fn payout(&self) -> Result<Cents, Overflow> {
        self.price.minus(self.fee)
    }

    /// The posting that pays for it: the price goes from the sender into its escrow.
    ///
    /// # Errors
    /// [`Unbalanced`], which the rules' bounds exclude.
    pub fn payment(&self, id: EntryId, now: Timestamp) -> Result<Posting, Unbalanced> {
        let (from, to) = (Account::User(self.sender.clone()), Account::Escrow(self.id));
        Posting::transfer(id, Reason::Drop(self.id), now, from, to, self.price)
    }

    /// The posting that returns the price to the sender.
    ///
    /// # Errors
    /// [`Unbalanced`], which the rules' bounds exclude.
    pub fn refund(&self, id: EntryId, now: Timestamp) -> Result<Posting, Unbalanced> {
        let (from, to) = (Account::Escrow(self.id), Account::User(self.sender.clone()));
        Posting::transfer(id, Reason::Refund(self.id), now, from, to, self.price)
    }

    /// The posting that pays the winner and the platform.
    ///
    /// # Errors
    /// [`Unbalanced`], which the rules' bounds exclude.
    pub fn award(&self, winner: &UserId, id: EntryId, now: Timestamp) -> Result<Posting, Unbalanced> {
        let entries = [
            (Account::Escrow(self.id), self.price.negated()?),
            (Account::User(winner.clone()), self.payout()?),
            (Account::Platform, self.fee),
        ];
        Posting::new(id, Reason::Win(self.id), now, entries)
    }

    /// The same drop after `worker` took a slot, from the `lapsed` one if there is one.
    #[must_use]
    pub fn claimed(mut self, worker: UserId, claim: Claim, lapsed: Option<&UserId>) -> Self {
        if let Some(lapsed) = lapsed {
            self.claims.remove(lapsed);
        }
        self.updated_at = claim.claimed_at;
        self.claims.insert(worker, claim);
        self
    }

    /// The same drop after `worker` gave up their slot.
    #[must_use]
    pub fn released(mut self, worker: &UserId, now: Timestamp) -> Self {
        self.claims.remove(worker);
        self.updated_at = now;
        self
    }

    /// The same drop after it ended without a verdict.
    #[must_use]
    pub fn ended(mut self, status: Status, now: Timestamp) -> Self {
        self.status = status;
        self.escrow = Cents::ZERO;
        self.updated_at = now;
        self
    }

    /// The same drop after it was judged.
    #[must_use]
    pub fn completed(mut self, outcome: Outcome) -> Self {
        self.status = Status::Completed;
        self.escrow = Cents::ZERO;
        self.updated_at = outcome.completed_at;
        self.outcome = Some(outcome);
        self
    }

    /// How many slots are held.
    pub fn claims_count(&self) -> u32 {
        count(self.claims.values())
    }

    /// How many submissions are in.
    pub fn submissions_count(&self) -> u32 {
        count(self.claims.values().filter(|claim| claim.submitted_at.is_some()))
    }

    /// The winning submission, once completed.
    pub fn winning_submission(&self) -> Option<SubmissionId> {
        self.outcome.as_ref().map(|outcome| SubmissionId::of(self.id, &outcome.winner))
    }

    /// By when it will have ended, once opened.
    pub fn settles_by(&self, rules: &Rules) -> Option<Timestamp> {
        self.window.map(|window| after_seconds(window.closes_at, rules.settlement_seconds))
    }

    /// What `caller` is to this drop; `None` means the drop is hidden from them.
    pub fn relation(&self, caller: &UserId) -> Option<Relation> {
        if *caller == self.sender {
            Some(Relation::Sender)
        } else if self.claims.contains_key(caller) {
            Some(Relation::Claimant)
        } else {
            None
        }
    }

    /// Lets the sender through.
    ///
    /// # Errors
    /// [`Error::NotTheSender`] for a claimant, [`Error::NotFound`] for a stranger.
    pub fn require_sender(&self, caller: &UserId) -> Result<(), Error> {
        match self.relation(caller) {
            Some(Relation::Sender) => Ok(()),
            Some(Relation::Claimant) => Err(Error::NotTheSender),
            None => Err(Error::NotFound),
        }
    }

    /// Lets the sender pay.
    ///
    /// # Errors
    /// As [`Drop::require_sender`]; [`Error::DropNotPending`] if it is not waiting for payment.
    pub fn pay(&self, caller: &UserId) -> Result<(), Error> {
        self.require_sender(caller)?;
        match self.status {
            Status::PendingPayment => Ok(()),
            Status::Open | Status::Ranking | Status::Completed | Status::Cancelled | Status::Expired => {
                Err(Error::DropNotPending)
            }
        }
    }

    /// Decides on a cancellation.
    ///
    /// # Errors
    /// As [`Drop::require_sender`]; [`Error::DropHasSubmissions`] once work has been delivered.
    pub fn cancel(&self, caller: &UserId) -> Result<CancelDecision, Error> {
        self.require_sender(caller)?;
        match self.status {
            Status::PendingPayment => Ok(CancelDecision::Void),
            Status::Open if self.submissions_count() == 0 => Ok(CancelDecision::Refund),
            Status::Open | Status::Ranking => Err(Error::DropHasSubmissions),
            Status::Completed | Status::Cancelled | Status::Expired => Ok(CancelDecision::Already),
        }
    }

    /// Decides on a claim, which is for the worker's default agent until it is said to be for another one.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it was never on the board, [`Error::OwnDrop`], [`Error::DropNotOpen`],
    /// [`Error::WindowClosed`], [`Error::MaxClaimsReached`].
    pub fn claim(&self, worker: &UserId, now: Timestamp, rules: &Rules) -> Result<ClaimDecision, Error> {
        if *worker == self.sender {
            return Err(Error::OwnDrop);
        }
        let Some(window) = self.window else {
            return Err(Error::NotFound);
        };
        if let Some(held) = self.claims.get(worker) {
            return Ok(ClaimDecision::Held(*held));
        }
        self.require_open(window, now)?;
        let claim = Claim {
            claimed_at: now,
            lease_expires_at: after_seconds(now, rules.lease_seconds).min(window.closes_at),
            submitted_at: None,
            agent: AgentId::default_of(worker),
        };
        if self.claims_count() < self.max_claims {
            return Ok(ClaimDecision::Take(claim));
        }
        match self.longest_lapsed(now) {
            Some(lapsed) => Ok(ClaimDecision::TakeOver(claim, lapsed.clone())),
            None => Err(Error::MaxClaimsReached),
        }
    }

    /// Decides on a submission.
    ///
    /// # Errors
    /// [`Error::OwnDrop`]; for who holds no claim [`Error::NotAClaimant`] while the drop is public on the board and
    /// [`Error::NotFound`] otherwise; [`Error::DropNotOpen`], [`Error::WindowClosed`].
    pub fn submit(&self, worker: &UserId, now: Timestamp) -> Result<SubmitDecision, Error> {
        let claim = self.claim_of(worker)?;
        if claim.submitted_at.is_some() {
            return Ok(SubmitDecision::Again);
        }
        let window = self.window.ok_or(Error::DropNotOpen)?;
        self.require_open(window, now)?;
        Ok(SubmitDecision::Accept { fills: self.submissions_count() + 1 >= self.max_claims })
    }

    /// Decides on the release of a slot: which claim ends.
    ///
    /// # Errors
    /// As [`Drop::submit`] for who holds no claim; [`Error::WorkDelivered`] once they have submitted;
    /// [`Error::DropNotOpen`], [`Error::WindowClosed`].
    pub fn release(&self, worker: &UserId, now: Timestamp) -> Result<Claim, Error> {
        let claim = self.claim_of(worker)?;
        if claim.submitted_at.is_some() {
            return Err(Error::WorkDelivered);
        }
        self.require_open(self.window.ok_or(Error::DropNotOpen)?, now)?;
        Ok(*claim)
    }

    /// What the ranking has to do at `now`.
    pub fn due(&self, now: Timestamp) -> Due {
        match (self.status, self.window) {
            (Status::Ranking, _) => Due::Judge,
            (Status::Open, Some(window)) if now < window.closes_at => Due::NotBefore(window.closes_at),
            (Status::Open, _) if self.submissions_count() == 0 => Due::Expire,
            (Status::Open, _) => Due::Close,
            (Status::PendingPayment | Status::Completed | Status::Cancelled | Status::Expired, _) => {
                Due::Nothing
            }
        }
    }

    /// The claim of who has to hold one.
    fn claim_of(&self, worker: &UserId) -> Result<&Claim, Error> {
        if *worker == self.sender {
            return Err(Error::OwnDrop);
        }
        match (self.claims.get(worker), self.status) {
            (Some(claim), _) => Ok(claim),
            (None, Status::Open) => Err(Error::NotAClaimant),
            (
                None,
                Status::PendingPayment
                | Status::Ranking
                | Status::Completed
                | Status::Cancelled
                | Status::Expired,
            ) => Err(Error::NotFound),
        }
    }

    fn require_open(&self, window: Window, now: Timestamp) -> Result<(), Error> {
        match self.status {
            // A full drop goes to ranking before its window closes; to a late worker the window is over either way.
            Status::Ranking => Err(Error::WindowClosed),
            Status::Open if now >= window.closes_at => Err(Error::WindowClosed),
            Status::Open => Ok(()),
            Status::PendingPayment | Status::Completed | Status::Cancelled | Status::Expired => {
                Err(Error::DropNotOpen)
            }
        }
    }

    /// The holder whose lease lapsed first, of those who have not submitted.
    fn longest_lapsed(&self, now: Timestamp) -> Option<&UserId> {
        self.claims
            .iter()
            .filter_map(|(worker, claim)| Some((claim.lapsed_at(now)?, worker)))
            .min_by_key(|(lapsed_at, _)| *lapsed_at)
            .map(|(_, worker)| worker)
    }
}

fn count<'a>(claims: impl Iterator<Item = &'a Claim>) -> u32 {
    claims.fold(0, |n, _| n + 1)
}

/// A worker's output, checked as far as it can be by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    text: String,
    files: NamedFiles,
}

impl Output {
    /// Checks an output. With files, the text may be empty or missing.
    ///
    /// # Errors
    /// [`FieldError`] if there is nothing in it, or more than fits.
    pub fn new(text: Option<String>, files: NamedFiles, rules: &Rules) -> Result<Self, FieldError> {
        let text = text.filter(|text| !text.trim().is_empty());
        if text.is_none() && files.is_empty() {
            return Err(FieldError::new("/output_text", "output_required", "Output is required"));
        }
        let text = text.unwrap_or_default();
        if text.len() > rules.max_output_bytes {
            let message = format!(
                "Output text must be at most {} bytes; put longer work into an attachment",
                rules.max_output_bytes
            );
            return Err(FieldError::new("/output_text", "output_too_long", message));
        }
        Ok(Self { text, files })
    }

    /// The text; may be empty.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The files to be attached.
    pub const fn files(&self) -> &NamedFiles {
        &self.files
    }

    /// Whether this is what was submitted before.
    pub fn is(&self, made: &Submission) -> bool {
        self.text == made.output_text && self.files.are(&made.output_attachments)
    }

    /// All that is known of it without opening its `attachments`, for a judge: the text, then a line for each of them.
    pub fn legible(&self, attachments: &[Attachment]) -> String {
        legible(&self.text, attachments)
    }

    /// The SHA-256 in lower-case hex of the text; with `attachments`, of one line for the text, which is its
    /// SHA-256, and one for each of them.
    pub fn sha256(&self, attachments: &[Attachment]) -> String {
        let text = sha256_hex(&self.text);
        if attachments.is_empty() {
            return text;
        }
        let lines = std::iter::once(text).chain(attachments.iter().map(Attachment::line));
        sha256_hex(&lines.map(|line| line + "\n").collect::<String>())
    }
}

fn legible(text: &str, attachments: &[Attachment]) -> String {
    let files = attachments.iter().map(|file| format!("\nAttached file: {}", file.line()));
    std::iter::once(text.to_owned()).chain(files).collect()
}

fn sha256_hex(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A submission as it was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Which submission.
    pub id: SubmissionId,
    /// To which drop.
    pub drop: DropId,
    /// By whom.
    pub worker: UserId,
    /// When.
    pub submitted_at: Timestamp,
    /// As [`Output::sha256`] has it.
    pub sha256: String,
    /// The text that was delivered; may be empty if there are files.
    pub output_text: String,
    /// The files that were delivered.
    pub output_attachments: Vec<Attachment>,
}

impl Submission {
    /// As [`Output::legible`].
    pub fn legible(&self) -> String {
        legible(&self.output_text, &self.output_attachments)
    }
}
