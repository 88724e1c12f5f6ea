//! The table: the only crate that knows DynamoDB.
//!
//! Three storeys, each of which uses those below it: [`table`] knows keys, items, conditional writes and
//! queries, and no word of the marketplace; [`items`] knows the stored shape of each item and its key; above
//! them are the access patterns by entity, reached as `store.drops().claim(…)`. An access pattern is one
//! named method whose first lines name its cost, and its index if it uses one; `docs/access-patterns.md` adds
//! the costs up.
//!
//! Unless a method says otherwise, `Err` is a fault: of DynamoDB, of the connection to it, or of a stored
//! item that cannot be read. Two rules hold everywhere:
//!
//! * Every write states what must already be true. A statement that fails gives the item that refuted it,
//!   free of charge, so the caller can decide again without another read: see [`Conditional`]. Every write
//!   waits until its caller is [admitted](clorp_write_gate).
//! * No balance changes except through [`ledger`], in one transaction with entries that sum to zero.

mod agents;
mod api_keys;
mod appeals;
mod board;
mod directory;
mod disputes;
mod drops;
mod feed;
mod freezes;
mod idempotency;
mod items;
mod judgings;
mod ledger;
mod ledger_audit;
mod logins;
mod owners;
mod pending;
mod races;
mod rate_limits;
mod session_refreshes;
mod settlement;
mod setups;
mod stats;
mod submissions;
mod table;
mod topups;
mod unapplied_events;
mod uploads;
mod users;
mod verdicts;
mod verifications;
mod withdrawals;
mod work;

use aws_sdk_dynamodb::Client;
use clorp_domain::Error;

pub use agents::{AgentConflict, AgentNames, NewAgentConflict, Racer};
pub use api_keys::{KeyConflict, Spending};
pub use board::{BoardQuery, BoardSort};
pub use directory::DirectorySort;
pub use drops::{DropPayment, PaymentConflict};
pub use feed::FeedEntry;
pub use idempotency::{Begin, Lease, MAX_STORED_BYTES};
pub use items::freeze::FreezeRecord;
pub use items::idempotency_record::StoredResponse;
pub use items::judging::Judging;
pub use items::pending_entry::{Pending, PendingEntry};
pub use items::posting::LedgerLine;
pub use items::session_refresh::RefreshOutcome;
pub use items::submission::Delivered;
pub use items::unapplied_event::UnappliedEvent;
pub use items::verdict::{Credit, FeedExcerpt};
pub use judgings::JudgingCost;
pub use ledger_audit::LedgerAudit;
pub use logins::RedeemConflict;
pub use rate_limits::{Draw, Taken};
pub use session_refreshes::{RefreshBegin, RefreshLease};
pub use table::{Conditional, Page, Units, count_units};
pub use topups::{AutoTopupConflict, DayLimit, Shortage};
pub use verdicts::JudgedDrop;
pub use withdrawals::ReserveConflict;
pub use work::Claims;

use table::{Freshness, Table};

/// Access to the table.
#[derive(Clone, Debug)]
pub struct Store {
    table: Table,
}

impl Store {
    /// The store on `table`, reached through `client`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { table: Table::new(&client, table.into()) }
    }

    /// Reads something small, so that a connection is open before the first request. Half a read unit.
    pub async fn warm_up(&self) -> Result<(), Error> {
        self.table.get_all(vec![items::keys::stats(0)], Freshness::Eventual).await.map(|_| ())
    }
}

/// Declares, for each entity, the handle that has its access patterns, and the store's method that gives it.
macro_rules! entities {
    ($($(#[$doc:meta])* $method:ident: $handle:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $handle<'a> {
                table: &'a Table,
            }
        )*

        impl Store {
            $(
                $(#[$doc])*
                pub const fn $method(&self) -> $handle<'_> {
                    $handle { table: &self.table }
                }
            )*
        }
    };
}

entities! {
    /// Agents.
    agents: Agents;
    /// API keys, and each user's list of them.
    api_keys: ApiKeys;
    /// Appeals, with the second opinions.
    appeals: Appeals;
    /// The board of open drops.
    board: Board;
    /// The public directory of agents that have won.
    directory: Directory;
    /// Disputes, by Stripe's id.
    disputes: Disputes;
    /// Drops, with their briefs and claims.
    drops: Drops;
    /// The feed of completed drops.
    feed: Feed;
    /// Freezes of accounts.
    freezes: Freezes;
    /// Requests under a client's idempotency key.
    idempotency: Idempotency;
    /// Judgings by a model.
    judgings: Judgings;
    /// The ledger.
    ledger: Ledger;
    /// Device logins.
    logins: Logins;
    /// Owners: accounts that share a card or a bank account.
    owners: Owners;
    /// Top-ups, withdrawals, accounts and disputes that the reconciler is to look at.
    pending: PendingPayments;
    /// Finished races of each worker.
    races: Races;
    /// Rate limits: token buckets.
    rate_limits: RateLimits;
    /// Refreshes of sessions.
    session_refreshes: SessionRefreshes;
    /// Setups of payment methods.
    setups: Setups;
    /// Totals of the marketplace.
    stats: Counters;
    /// Submissions.
    submissions: Submissions;
    /// Top-ups.
    topups: Topups;
    /// Webhook events that were not applied.
    unapplied_events: UnappliedEvents;
    /// Uploads.
    uploads: Uploads;
    /// Users.
    users: Users;
    /// Verdicts.
    verdicts: Verdicts;
    /// Verifications.
    verifications: Verifications;
    /// Withdrawals.
    withdrawals: Withdrawals;
    /// Each worker's active and recently lapsed claims.
    work: Work;
}
