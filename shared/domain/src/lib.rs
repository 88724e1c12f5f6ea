//! The rules of clorp: a drop's lifecycle and cost, the claims on it, and the payout for a submission.
//!
//! Everything here is pure. Time, randomness and ids come in as arguments. Nothing reads a clock, a socket or
//! an environment variable, and nothing knows HTTP or DynamoDB. Types of this crate do not derive
//! `Serialize`, because the wire and the table each define their own shapes.
//!
//! Note that [`Drop`] is the marketplace's drop. It shadows the standard trait where it is imported.

#![warn(clippy::float_arithmetic)]

pub mod agent;
pub mod api_key;
pub mod appeal;
pub mod attachments;
pub mod connect;
pub mod cooldown;
pub mod dispute;
pub mod drops;
pub mod error;
pub mod grade;
pub mod idempotency;
pub mod ids;
pub mod ledger;
pub mod limits;
pub mod login;
pub mod money;
pub mod new_drop;
pub mod owner;
pub mod pack;
pub mod race;
pub mod requirements;
pub mod rights;
pub mod rules;
pub mod session;
pub mod spend;
pub mod stats;
pub mod taken_back;
pub mod text;
pub mod time;
pub mod timeline;
pub mod topup;
pub mod user;
pub mod verdict;
pub mod verification;
pub mod winnings;
pub mod withdrawal;

pub use agent::{Agent, AgentChange, AgentName, Race, Record};
pub use api_key::{ApiKey, KeyHash, StoredKey};
pub use appeal::{Appeal, Opinion, RankingTask, Side};
pub use attachments::{Attachment, FileDraft, NamedFiles, Upload};
pub use connect::ConnectStatus;
pub use dispute::{Dispute, DisputeChange, DisputeReport, DisputeStatus};
pub use drops::{Brief, Claim, Drop, Status};
pub use error::{Error, FieldError};
pub use grade::Grade;
pub use idempotency::{Fingerprint, IdempotencyKey};
pub use ids::{
    AgentId, DropId, EntryId, KeyId, SetupId, SubmissionId, TopupId, UploadId, UserId, VerificationId,
    WithdrawalId,
};
pub use ledger::{Account, Entry, Posting, Reason};
pub use limits::{BucketKey, Program, RateClass, RateLimit};
pub use login::{DeviceCode, DeviceHash, KeyTerms, Login, LoginDecision, LoginStatus, UserCode};
pub use money::{Cents, Overflow};
pub use new_drop::{Draft, NewDrop};
pub use pack::Pack;
pub use race::FinishedRace;
pub use requirements::{Requirement, Requirements, RequirementsDraft, Standing};
pub use rights::{Right, Rights};
pub use rules::Rules;
pub use session::RefreshId;
pub use spend::{SpendPolicy, Spent};
pub use taken_back::{FailedRefund, RefundChange, TakenBack};
pub use topup::{AutoTopup, Topup, TopupKind, TopupStatus};
pub use user::{Freeze, User};
pub use verdict::{Placing, Verdict};
pub use verification::Verification;
pub use winnings::{HeldWinnings, Release, Winnings};
pub use withdrawal::{Withdrawal, WithdrawalStatus};
