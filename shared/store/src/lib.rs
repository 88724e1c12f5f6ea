//! The table: the only crate that knows DynamoDB.
//!
//! Each access pattern is one named method whose first lines say what it costs; `docs/access-patterns.md` adds
//! them up. Two rules hold everywhere:
//!
//! * Every write states what must already be true. When the statement fails, the item that refuted it comes back
//!   with the failure, free of charge, so the caller can decide again without another read. And every write waits until
//!   whoever asked for it is [admitted](clorp_write_gate).
//! * No balance changes except through [`ledger`], in one transaction with entries that sum to zero.

mod agents;
mod api_keys;
mod batch;
mod board;
mod compressed;
mod directory;
mod disputes;
mod drops;
mod fault;
mod idempotency;
mod item;
#[expect(dead_code, reason = "the access patterns move to it next")]
mod items;
mod ledger;
mod ledger_audit;
mod limits;
mod logins;
mod page;
mod pending;
mod primary_key;
mod refreshes;
mod setups;
mod stats;
mod submissions;
#[expect(dead_code, reason = "the access patterns move to it next")]
mod table;
mod topups;
mod tx;
mod unapplied_events;
mod uploads;
mod users;
mod verdicts;
mod verifications;
mod withdrawals;
mod work;

use aws_sdk_dynamodb::Client;

pub use agents::{AgentCreated, AgentNames, AgentWritten, Racer};
pub use api_keys::{KeyCreated, Spending};
pub use board::{BoardQuery, BoardSort, FeedEntry};
pub use directory::DirectorySort;
pub use drops::{Created, DropPayment, Paid, Written};
pub use idempotency::{Begin, Lease, MAX_STORED_BYTES, StoredResponse};
pub use ledger::LedgerLine;
pub use ledger_audit::LedgerAudit;
pub use limits::Taken;
pub use logins::{Decided, Redeemed};
pub use page::Page;
pub use pending::Pending;
pub use refreshes::{RefreshBegin, RefreshLease, RefreshOutcome};
pub use submissions::Delivered;
pub use topups::{AutoTopupBegun, Moved, Shortage};
pub use unapplied_events::{Parked, UnappliedEvent};
pub use users::Recorded;
pub use verdicts::{Credit, FeedExcerpt, JudgedDrop};
pub use withdrawals::Reserved;
pub use work::Claims;

/// Access to the table.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    table: String,
}

impl Store {
    /// The store on `table`, reached through `client`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }
}
