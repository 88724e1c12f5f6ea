//! `GET /api/wallet/balance`: what a wallet holds and how it came to.

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use clorp_context::Context;
use clorp_domain::time::rfc3339;
use clorp_http::openapi::{AnyErrors, AuthErrors};
use clorp_http::paging::link_next;
use clorp_http::{ApiJson, ApiQuery, Caller, Paging, Problem};
use clorp_store::LedgerLine;
use serde::Serialize;
use utoipa::ToSchema;

/// A wallet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Balance {
    /// What the wallet holds, in cents: the sum of all its ledger.
    balance_cents: i64,
    /// A page of the ledger, newest first.
    ledger: Vec<LedgerEntry>,
}

/// One movement.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LedgerEntry {
    /// Opaque.
    id: String,
    /// Cents; positive into the wallet.
    delta: i64,
    /// Why: `topup:<session>`, `auto_topup:<intent>`, `drop:<id>`, `refund:<id>`, `win:<id>`, `withdraw:<id>`,
    /// `withdraw_reversed:<id>`, `dispute:<id>` or `chargeback_won:<id>`.
    reason: String,
    /// When.
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

/// What your wallet holds, and its ledger.
#[utoipa::path(
    get, path = "/api/wallet/balance", tag = "wallet", security(("api_key" = [])), params(Paging),
    responses(
        (status = 200, description = "The wallet", body = Balance, headers(
            ("Link" = String, description = "The ledger's next page, `rel=\"next\"`, if there is one"),
            ("X-Next-Cursor" = String, description = "Cursor of the ledger's next page, if there is one"))),
        AuthErrors, AnyErrors)
)]
pub(crate) async fn balance(
    caller: Caller,
    ApiQuery(paging): ApiQuery<Paging>,
    OriginalUri(uri): OriginalUri,
    State(context): State<Context>,
) -> Result<Response, Problem> {
    let limit = paging.limit()?;
    let ledger = context.store.ledger(&caller.id, limit, paging.cursor.as_deref());
    let (user, page) = tokio::try_join!(context.account(&caller.id), ledger)?;
    let ledger = page.items.into_iter().map(LedgerEntry::from).collect();
    let mut response = ApiJson(Balance { balance_cents: user.balance.get(), ledger }).into_response();
    if let Some(cursor) = page.next {
        link_next(&mut response, &uri, &cursor);
    }
    Ok(response)
}
