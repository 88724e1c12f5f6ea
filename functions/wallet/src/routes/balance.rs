//! `GET /api/wallet/balance`: balance and ledger of the wallet.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use clorp_context::Context;
use clorp_domain::time::rfc3339;
use clorp_http::openapi::{AnyErrors, AuthErrors};
use clorp_http::paging::link_next;
use clorp_http::problem::NextRelease;
use clorp_http::{ApiJson, ApiQuery, Caller, Paging, Problem, RequestUrl};
use clorp_store::LedgerLine;
use serde::Serialize;
use utoipa::ToSchema;

/// Balance and ledger of a wallet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Balance {
    /// Balance of the wallet in cents: the sum of its whole ledger.
    balance_cents: i64,
    /// Amount in cents that may be withdrawn now: matured winnings, less withdrawals, and never more than the
    /// balance. 0 while the account is frozen.
    withdrawable_cents: i64,
    /// The next release of winnings; `null` if none are held.
    next_release: Option<NextRelease>,
    /// Winnings in cents that were paid out of a disputed payment, and wait for the end of the dispute.
    contested_cents: i64,
    /// Page of the ledger, newest entry first.
    ledger: Vec<LedgerEntry>,
}

/// One movement of money into or out of a wallet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LedgerEntry {
    /// Identifier of the entry.
    id: String,
    /// Amount in cents; positive for money into the wallet, negative for money out of it.
    delta: i64,
    /// Reason and its reference: `topup:<session>`, `auto_topup:<intent>`, `drop:<id>`, `refund:<id>`,
    /// `refund_failed:<refund>`, `win:<id>`, `withdraw:<id>`, `withdraw_reversed:<id>`, `dispute:<id>` or
    /// `chargeback_won:<id>`.
    reason: String,
    /// Time of the movement (RFC 3339, UTC).
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<LedgerLine> for LedgerEntry {
    fn from(line: LedgerLine) -> Self {
        Self {
            id: line.id.to_string(),
            delta: line.delta.get(),
            reason: line.reason,
            created_at: rfc3339(line.created_at),
        }
    }
}

/// Read the balance of your wallet, and its ledger.
///
/// The balance is the sum of the whole ledger, of which a response has one page.
#[utoipa::path(
    get, path = "/api/wallet/balance", tag = "wallet", params(Paging),
    responses(
        (status = 200, description = "The balance, with a page of the ledger", body = Balance, headers(
            ("Link" = String, description = "URL of the ledger's next page, with `rel=\"next\"`; absent on the last page"),
            ("X-Next-Cursor" = String, description = "Cursor of the ledger's next page; absent on the last page"))),
        AuthErrors, AnyErrors)
)]
pub(crate) async fn balance(
    caller: Caller,
    ApiQuery(paging): ApiQuery<Paging>,
    url: RequestUrl,
    State(context): State<Context>,
) -> Result<Response, Problem> {
    let limit = paging.limit()?;
    let ledger = context.store.ledger().page(&caller.id, limit, paging.cursor.as_deref());
    let (user, page) = tokio::try_join!(context.account(&caller.id), ledger)?;
    let ledger = page.items.into_iter().map(LedgerEntry::from).collect();
    let now = context.clock.now();
    let balance = Balance {
        balance_cents: user.balance.get(),
        withdrawable_cents: user.withdrawable(now).get(),
        next_release: user.winnings.next_release(now).map(NextRelease::from),
        contested_cents: user.winnings.contested.get(),
        ledger,
    };
    let mut response = ApiJson(balance).into_response();
    if let Some(cursor) = page.next {
        link_next(&mut response, &url, &cursor);
    }
    Ok(response)
}
