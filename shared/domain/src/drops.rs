//! Drops: their lifecycle, and the rules for each action on them.
//!
//! Each action is a ladder of checks, and every rejection is a named [`Error`]. The caller then writes the
//! decision, on the condition that the checks still hold.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use crate::ledger::Unbalanced;
use crate::money::Overflow;
use crate::text::require_plain;
use crate::time::after_seconds;
use crate::verdict::Candidate;
use crate::{
    Account, AgentId, Attachment, Cents, DropId, EntryId, Error, FieldError, Grade, NamedFiles, NewDrop,
    Pack, Posting, Reason, Requirements, Rules, SubmissionId, UserId,
};

/// The state of a drop. It only moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Posted but not paid; invisible to workers.
    PendingPayment,
    /// Paid and on the board. Takes claims and submissions until its window closes.
    Open,
    /// Closed to submissions and being judged.
    Ranking,
    /// Judged and paid out.
    Completed,
    /// Cancelled by the sender; any payment was refunded.
    Cancelled,
    /// The window closed without a submission, or plain checks refused every one; the payment was refunded.
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

    /// True if the drop can no longer change.
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

/// The error for a word that is no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownStatus;

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(word: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.as_str() == word).ok_or(UnknownStatus)
    }
}

/// The task as workers receive it: written once, never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    /// The task, in plain text.
    pub prompt: String,
    /// Context for workers. Never shown on public pages, never logged.
    pub env_vars: BTreeMap<String, String>,
    /// Files that belong to the task.
    pub attachments: Vec<Attachment>,
}

/// Time for which an unpaid drop can be paid, in seconds. The files that it names are uploads until then, so
/// this and the time for which an upload can be attached are together shorter than the life of an upload's
/// bytes.
pub const UNPAID_SECONDS: u32 = 24 * 60 * 60;

/// The period in which a drop takes claims and submissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Time at which the drop was paid and went on the board.
    pub opened_at: Timestamp,
    /// Time from which claims and submissions are rejected.
    pub closes_at: Timestamp,
}

impl Window {
    /// The earliest time at which the drop is ranked, reached only if every slot has submitted before the end
    /// of the window. Without such a minimum, a handful of programs could end a race that nobody saw.
    pub fn earliest_ranking_at(&self, rules: &Rules) -> Timestamp {
        after_seconds(self.opened_at, rules.min_race_seconds).min(self.closes_at)
    }
}

/// A worker's hold on one of a drop's slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Time of the claim.
    pub claimed_at: Timestamp,
    /// Time until which no other worker can take the slot. The claim stays valid after it, until another
    /// worker does.
    pub lease_expires_at: Timestamp,
    /// Time of the submission. A submitted claim cannot be taken over.
    pub submitted_at: Option<Timestamp>,
    /// Agent of the worker for which the claim was made.
    pub agent: AgentId,
}

impl Claim {
    /// The time at which the claim lapsed, seen at `now`: its lease ended without a submission. A late
    /// submission undoes the lapse.
    pub fn lapsed_at(&self, now: Timestamp) -> Option<Timestamp> {
        (self.submitted_at.is_none() && self.lease_expires_at <= now).then_some(self.lease_expires_at)
    }
}

/// The result of a completed drop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Worker who was paid.
    pub winner: UserId,
    /// Grade of the winning submission, and so of the drop.
    pub grade: Grade,
    /// Time of the payout.
    pub completed_at: Timestamp,
}

/// A drop, without its brief.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drop {
    /// Id of the drop.
    pub id: DropId,
    /// State of the drop.
    pub status: Status,
    /// User who posted the drop.
    pub sender: UserId,
    /// Kind of work it asks for.
    pub pack: Pack,
    /// First line of the prompt, cut at a word to at most 80 characters.
    pub title: String,
    /// Price that the sender pays.
    pub price: Cents,
    /// The platform's part of the price, fixed when the drop is posted.
    pub fee: Cents,
    /// Length of the window for claims and submissions, in seconds.
    pub time_limit_seconds: u32,
    /// Number of slots.
    pub max_claims: u32,
    /// Requirements that a worker must meet to claim.
    pub requirements: Requirements,
    /// Time of posting.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
    /// Window for claims and submissions. Set when the drop opens, and kept.
    pub window: Option<Window>,
    /// Time at which it closed to submissions.
    pub ranking_at: Option<Timestamp>,
    /// Money held for the drop: the price while open or ranking, zero otherwise.
    pub escrow: Cents,
    /// Claims by worker, one per held slot.
    pub claims: BTreeMap<UserId, Claim>,
    /// Account that stood for the sender's owner when the drop was posted, if it was another one.
    pub sender_owner: Option<UserId>,
    /// Workers whose owners are other accounts, by the account that stood for the owner at the claim.
    pub owners: BTreeMap<UserId, UserId>,
    /// Result, set once completed.
    pub outcome: Option<Outcome>,
}

/// A caller's role in a drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The sender.
    Sender,
    /// A worker who holds a slot.
    Claimant,
}

/// Decision on a claim request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimDecision {
    /// The caller already holds this claim.
    Held(Claim),
    /// The caller takes a free slot with this claim.
    Take(Claim),
    /// Every slot is held, but this worker's lease has lapsed. The caller takes over that slot.
    TakeOver(Claim, UserId),
}

/// Decision on a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmitDecision {
    /// The submission is accepted.
    Accept {
        /// Time at which the drop closes because every slot has now submitted: at once, or at the end of the
        /// minimum race. `None` if slots are left.
        closes_at: Option<Timestamp>,
    },
    /// The caller has submitted before. The calling code must compare the outputs.
    Again,
}

/// Decision on a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelDecision {
    /// The drop has already ended; nothing changes.
    Already,
    /// The drop is cancelled without a refund, because it was never paid.
    Void,
    /// The drop is cancelled and the escrow returns to the sender.
    Refund,
}

/// The ranking's next step for a drop at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing to do: the drop is pending payment or has ended.
    Nothing,
    /// Wait until this time, at which the drop closes to submissions.
    NotBefore(Timestamp),
    /// Close the drop to submissions.
    Close,
    /// Refund the drop, because it has no submission.
    Expire,
    /// Judge and settle the drop.
    Judge,
}

impl Drop {
    /// Creates the unpaid drop for an order.
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
            requirements: new_drop.requirements,
            created_at: now,
            updated_at: now,
            window: None,
            ranking_at: None,
            escrow: Cents::ZERO,
            claims: BTreeMap::new(),
            sender_owner: None,
            owners: BTreeMap::new(),
            outcome: None,
        }
    }

    /// The drop after it opened at `now`. The payment's posting moves its escrow.
    #[must_use]
    pub fn opened(mut self, now: Timestamp) -> Self {
        self.status = Status::Open;
        self.updated_at = now;
        self.window = Some(Window { opened_at: now, closes_at: after_seconds(now, self.time_limit_seconds) });
        self
    }

    /// The timestamp for the next change: `now`, or 1 ms after the last change if this clock is behind. It
    /// increases strictly per drop, so the order of timestamps is the order of changes.
    pub fn next_change_at(&self, now: Timestamp) -> Timestamp {
        let next = self.updated_at.saturating_add(SignedDuration::from_millis(1));
        now.max(next.unwrap_or(Timestamp::MAX))
    }

    /// The winner's payout: the price minus the fee.
    ///
    /// # Errors
    /// [`Overflow`], which the rules' bounds exclude.
    pub fn payout(&self) -> Result<Cents, Overflow> {
        self.price.minus(self.fee)
    }

    /// The posting that pays for the drop: it moves the price from the sender into escrow.
    ///
    /// # Errors
    /// [`Unbalanced`], which the rules' bounds exclude.
    pub fn payment(&self, id: EntryId, now: Timestamp) -> Result<Posting, Unbalanced> {
        let (from, to) = (Account::User(self.sender.clone()), Account::Escrow(self.id));
        Posting::transfer(id, Reason::Drop(self.id), now, from, to, self.price)
    }

    /// The posting that returns the price from escrow to the sender.
    ///
    /// # Errors
    /// [`Unbalanced`], which the rules' bounds exclude.
    pub fn refund(&self, id: EntryId, now: Timestamp) -> Result<Posting, Unbalanced> {
        let (from, to) = (Account::Escrow(self.id), Account::User(self.sender.clone()));
        Posting::transfer(id, Reason::Refund(self.id), now, from, to, self.price)
    }

    /// The posting that pays the winner and the platform from escrow.
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

    /// The drop after `worker` of `owner` claimed a slot, taking over that of `lapsed` if given.
    #[must_use]
    pub fn claimed(mut self, worker: UserId, owner: &UserId, claim: Claim, lapsed: Option<&UserId>) -> Self {
        if let Some(lapsed) = lapsed {
            self.claims.remove(lapsed);
            self.owners.retain(|_, holder| holder != lapsed);
        }
        self.updated_at = claim.claimed_at;
        if worker != *owner {
            self.owners.insert(owner.clone(), worker.clone());
        }
        self.claims.insert(worker, claim);
        self
    }

    /// The drop after `worker` released their slot.
    #[must_use]
    pub fn released(mut self, worker: &UserId, now: Timestamp) -> Self {
        self.claims.remove(worker);
        self.owners.retain(|_, holder| holder != worker);
        self.updated_at = now;
        self
    }

    /// The account that stood for a worker's owner at the claim, if it is another one.
    pub fn other_owner_of(&self, worker: &UserId) -> Option<&UserId> {
        self.owners.iter().find_map(|(owner, holder)| (holder == worker).then_some(owner))
    }

    /// True if a worker holds a slot whose owner is this one.
    fn is_held_by_owner(&self, owner: &UserId) -> bool {
        self.claims.contains_key(owner) || self.owners.contains_key(owner)
    }

    /// The drop after it ended without a verdict.
    #[must_use]
    pub fn ended(mut self, status: Status, now: Timestamp) -> Self {
        self.status = status;
        self.escrow = Cents::ZERO;
        self.updated_at = now;
        self
    }

    /// The drop after it was judged: completed if there is an outcome, expired if every submission was
    /// refused.
    #[must_use]
    pub fn judged(self, outcome: Option<Outcome>, now: Timestamp) -> Self {
        match outcome {
            Some(outcome) => self.completed(outcome),
            None => self.ended(Status::Expired, now),
        }
    }

    /// The drop after it was judged and paid.
    #[must_use]
    pub fn completed(mut self, outcome: Outcome) -> Self {
        self.status = Status::Completed;
        self.escrow = Cents::ZERO;
        self.updated_at = outcome.completed_at;
        self.outcome = Some(outcome);
        self
    }

    /// Number of held slots.
    pub fn claims_count(&self) -> u32 {
        count(self.claims.values())
    }

    /// Number of submissions.
    pub fn submissions_count(&self) -> u32 {
        count(self.claims.values().filter(|claim| claim.submitted_at.is_some()))
    }

    /// The winning submission, once completed.
    pub fn winning_submission(&self) -> Option<SubmissionId> {
        self.outcome.as_ref().map(|outcome| SubmissionId::of(self.id, &outcome.winner))
    }

    /// The deadline for the drop's settlement, once opened.
    pub fn settles_by(&self, rules: &Rules) -> Option<Timestamp> {
        self.window.map(|window| after_seconds(window.closes_at, rules.settlement_seconds))
    }

    /// The role of `caller`, or `None` if the drop is hidden from them.
    pub fn relation(&self, caller: &UserId) -> Option<Relation> {
        if *caller == self.sender {
            Some(Relation::Sender)
        } else if self.claims.contains_key(caller) {
            Some(Relation::Claimant)
        } else {
            None
        }
    }

    /// True if `caller` may read the results of the drop, outputs among them, once it is judged: the sender,
    /// and workers who submitted. A claim alone delivers nothing, so it shows nothing.
    pub fn shows_results_to(&self, caller: &UserId) -> bool {
        let submitted = self.claims.get(caller).is_some_and(|claim| claim.submitted_at.is_some());
        *caller == self.sender || submitted
    }

    /// Checks that the caller is the sender.
    ///
    /// # Errors
    /// [`Error::NotTheSender`] for a claimant, [`Error::NotFound`] for anyone else.
    pub fn require_sender(&self, caller: &UserId) -> Result<(), Error> {
        match self.relation(caller) {
            Some(Relation::Sender) => Ok(()),
            Some(Relation::Claimant) => Err(Error::NotTheSender),
            None => Err(Error::NotFound),
        }
    }

    /// Time until which an unpaid drop can be paid.
    pub fn payable_until(&self) -> Timestamp {
        after_seconds(self.created_at, UNPAID_SECONDS)
    }

    /// Checks that the caller may pay for the drop at `now`.
    ///
    /// # Errors
    /// See [`Drop::require_sender`]; [`Error::DropNotPending`] if the drop does not await payment, or no
    /// longer.
    pub fn pay(&self, caller: &UserId, now: Timestamp) -> Result<(), Error> {
        self.require_sender(caller)?;
        match self.status {
            Status::PendingPayment if now < self.payable_until() => Ok(()),
            Status::PendingPayment
            | Status::Open
            | Status::Ranking
            | Status::Completed
            | Status::Cancelled
            | Status::Expired => Err(Error::DropNotPending),
        }
    }

    /// Decides on a cancellation.
    ///
    /// # Errors
    /// See [`Drop::require_sender`]; [`Error::DropHasSubmissions`] once work has been submitted.
    pub fn cancel(&self, caller: &UserId) -> Result<CancelDecision, Error> {
        self.require_sender(caller)?;
        match self.status {
            Status::PendingPayment => Ok(CancelDecision::Void),
            Status::Open if self.submissions_count() == 0 => Ok(CancelDecision::Refund),
            Status::Open | Status::Ranking => Err(Error::DropHasSubmissions),
            Status::Completed | Status::Cancelled | Status::Expired => Ok(CancelDecision::Already),
        }
    }

    /// Decides on a claim of `worker`, for whose owner the account `owner` stands. It is made for the
    /// worker's default agent until another agent is assigned.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the drop was never on the board; [`Error::OwnDrop`], [`Error::DropNotOpen`],
    /// [`Error::WindowClosed`], [`Error::OwnerHoldsSlot`], [`Error::MaxClaimsReached`].
    pub fn claim(
        &self,
        worker: &UserId,
        owner: &UserId,
        now: Timestamp,
        rules: &Rules,
    ) -> Result<ClaimDecision, Error> {
        if *worker == self.sender || owner == self.sender_owner.as_ref().unwrap_or(&self.sender) {
            return Err(Error::OwnDrop);
        }
        let Some(window) = self.window else {
            return Err(Error::NotFound);
        };
        if let Some(held) = self.claims.get(worker) {
            return Ok(ClaimDecision::Held(*held));
        }
        self.require_open(window, now)?;
        if self.is_held_by_owner(owner) {
            return Err(Error::OwnerHoldsSlot);
        }
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
    /// [`Error::OwnDrop`] for the sender. For a caller without a claim, [`Error::NotAClaimant`] while the
    /// drop is on the public board and [`Error::NotFound`] otherwise. [`Error::DropNotOpen`],
    /// [`Error::WindowClosed`].
    pub fn submit(&self, worker: &UserId, now: Timestamp, rules: &Rules) -> Result<SubmitDecision, Error> {
        let claim = self.claim_of(worker)?;
        if claim.submitted_at.is_some() {
            return Ok(SubmitDecision::Again);
        }
        let window = self.window.ok_or(Error::DropNotOpen)?;
        self.require_open(window, now)?;
        let fills = self.submissions_count() + 1 >= self.max_claims;
        Ok(SubmitDecision::Accept { closes_at: fills.then(|| window.earliest_ranking_at(rules).max(now)) })
    }

    /// Decides on the release of a slot. Returns the claim that ends.
    ///
    /// # Errors
    /// See [`Drop::submit`] for a caller without a claim; [`Error::WorkDelivered`] after a submission;
    /// [`Error::DropNotOpen`], [`Error::WindowClosed`].
    pub fn release(&self, worker: &UserId, now: Timestamp) -> Result<Claim, Error> {
        let claim = self.claim_of(worker)?;
        if claim.submitted_at.is_some() {
            return Err(Error::WorkDelivered);
        }
        self.require_open(self.window.ok_or(Error::DropNotOpen)?, now)?;
        Ok(*claim)
    }

    /// True if every slot has submitted.
    pub fn is_full(&self) -> bool {
        self.submissions_count() >= self.max_claims
    }

    /// The ranking's next step at `now`.
    pub fn due(&self, now: Timestamp, rules: &Rules) -> Due {
        let closes_at = self.window.map(|window| match self.is_full() {
            true => window.earliest_ranking_at(rules),
            false => window.closes_at,
        });
        match (self.status, closes_at) {
            (Status::Ranking, _) => Due::Judge,
            (Status::Open, Some(closes_at)) if now < closes_at => Due::NotBefore(closes_at),
            (Status::Open, _) if self.submissions_count() == 0 => Due::Expire,
            (Status::Open, _) => Due::Close,
            (Status::PendingPayment | Status::Completed | Status::Cancelled | Status::Expired, _) => {
                Due::Nothing
            }
        }
    }

    /// The worker's claim, or the error for not holding one.
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
            // A full drop goes to ranking before its window closes. A late worker gets the same error in both
            // cases.
            Status::Ranking => Err(Error::WindowClosed),
            Status::Open if now >= window.closes_at => Err(Error::WindowClosed),
            Status::Open => Ok(()),
            Status::PendingPayment | Status::Completed | Status::Cancelled | Status::Expired => {
                Err(Error::DropNotOpen)
            }
        }
    }

    /// The worker whose lease lapsed first, among those who have not submitted.
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

/// A worker's output, validated except for the existence of its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    text: String,
    files: NamedFiles,
}

impl Output {
    /// Validates an output. The text may be empty or missing if there are files.
    ///
    /// # Errors
    /// [`FieldError`] if the output is empty or too large.
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
        require_plain("/output_text", "Output text", &text)?;
        Ok(Self { text, files })
    }

    /// The text, possibly empty.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The files to attach.
    pub const fn files(&self) -> &NamedFiles {
        &self.files
    }

    /// True if this output equals an earlier submission.
    pub fn is(&self, submission: &Submission) -> bool {
        self.text == submission.output_text && self.files.are(&submission.output_attachments)
    }

    /// The output's text for a judge, followed by one line for each of its `attachments`. Files are not
    /// opened.
    pub fn legible(&self, attachments: &[Attachment]) -> String {
        legible(&self.text, attachments)
    }

    /// The SHA-256 of the output, in lower-case hex. Without `attachments` it covers the text. With them it
    /// covers one line with the text's SHA-256, then one line per file.
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

/// A stored submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Id of the submission.
    pub id: SubmissionId,
    /// Drop that it was made to.
    pub drop: DropId,
    /// Worker who made it.
    pub worker: UserId,
    /// Time of the submission.
    pub submitted_at: Timestamp,
    /// Hash of the output, see [`Output::sha256`].
    pub sha256: String,
    /// Submitted text; may be empty if there are files.
    pub output_text: String,
    /// Submitted files.
    pub output_attachments: Vec<Attachment>,
}

impl Submission {
    /// The submission's text for a judge, see [`Output::legible`].
    pub fn legible(&self) -> String {
        legible(&self.output_text, &self.output_attachments)
    }

    /// The submission as a judge sees it, with this text.
    pub fn candidate(&self, output_text: String) -> Candidate {
        Candidate {
            submission: self.id,
            worker: self.worker.clone(),
            submitted_at: self.submitted_at,
            output_text,
        }
    }
}
