//! `POST /api/wallet/withdraw`: withdraw money to the user's bank.

use axum::extract::State;
use axum::http::StatusCode;
use clorp_domain::time::rfc3339;
use clorp_domain::topup::checked_amount;
use clorp_domain::{Error, Withdrawal, WithdrawalId, WithdrawalStatus};
use clorp_http::openapi::{AnyErrors, AuthErrors, BodyErrors, FreezeErrors, FundsErrors, PayoutErrors};
use clorp_http::{ApiJson, Caller, NewIds, NoParams, Problem, words};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// Amount to withdraw.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WithdrawRequest {
    /// Amount in cents, at least 500.
    #[schema(value_type = i64, minimum = 500, example = 1000)]
    amount_cents: Option<i64>,
}

/// A withdrawal from the wallet to a bank.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Withdrawal)]
pub(crate) struct WithdrawalBody {
    /// Identifier of the withdrawal, as in the ledger's reason `withdraw:<id>`.
    id: String,
    /// Amount of the withdrawal, in cents.
    amount_cents: i64,
    /// Status of the withdrawal: `paid` (the money is on its way to your bank) or `pending` (the wallet is
    /// debited, and Stripe has not confirmed the transfer yet).
    #[schema(value_type = words::WithdrawalStatus)]
    status: &'static str,
    /// Time at which the withdrawal was requested (RFC 3339, UTC).
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<Withdrawal> for WithdrawalBody {
    fn from(withdrawal: Withdrawal) -> Self {
        Self {
            id: withdrawal.id.to_string(),
            amount_cents: withdrawal.amount.get(),
            status: withdrawal.status.as_str(),
            created_at: rfc3339(withdrawal.created_at),
        }
    }
}

/// Withdraw money from your wallet to your bank.
///
/// Only winnings that have matured can be withdrawn, see `withdrawable_cents` of `GET /api/wallet/balance`:
/// money from a card is spent. A larger amount is a 402 `not_withdrawable`. Requires an `active` account, see
/// `GET /api/stripe/connect/status`. The wallet is debited at once, and credited back if Stripe rejects the
/// transfer.
#[utoipa::path(
    post, path = "/api/wallet/withdraw", tag = "wallet",
    request_body = WithdrawRequest,
    responses(
        (status = 201, description = "The withdrawal is on its way to your bank", body = WithdrawalBody),
        (status = 202, description = "The wallet is debited. The outcome of the transfer is not known yet, and will be reconciled", body = WithdrawalBody),
        AuthErrors, FreezeErrors, FundsErrors, PayoutErrors, BodyErrors, AnyErrors)
)]
pub(crate) async fn withdraw(
    caller: Caller,
    _: NoParams,
    State(app): State<App>,
    ids: NewIds,
    ApiJson(request): ApiJson<WithdrawRequest>,
) -> Result<(StatusCode, ApiJson<WithdrawalBody>), Problem> {
    let rules = &app.payments.context.rules;
    let amount =
        checked_amount("/amount_cents", request.amount_cents, rules.min_withdrawal, rules.max_withdrawal)?;
    let id = WithdrawalId::new(ids.ulid("withdrawal", app.payments.context.clock.now()));
    let withdrawal = app.payments.withdraw(&caller.id, id, amount).await?;
    let status = match withdrawal.status {
        WithdrawalStatus::Paid => StatusCode::CREATED,
        WithdrawalStatus::Pending => StatusCode::ACCEPTED,
        WithdrawalStatus::Refused => return Err(Error::WithdrawalRefused.into()),
    };
    Ok((status, ApiJson(withdrawal.into())))
}
