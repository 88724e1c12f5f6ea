//! `POST /api/jobs/{id}/pay`: pay a pending drop from the wallet.

use axum::extract::State;
use clorp_domain::error::AutoTopupOutcome;
use clorp_domain::{Account, Drop, DropId, Error};
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors, NoBodyErrors, PaymentErrors, RoleErrors};
use clorp_http::{ApiJson, Caller, NewIds, NoBody, NoParams, PathId, Problem};
use clorp_store::Paid;

use crate::App;
use crate::wire::DropBody;

/// Pay for a drop that is waiting for payment.
///
/// The price leaves the wallet, the drop goes on the board, and its window begins.
#[utoipa::path(
    post, path = "/api/jobs/{id}/pay", tag = "drops", security(("api_key" = [])),
    params(("id" = String, Path, description = "The drop")),
    responses(
        (status = 200, description = "The drop, open", body = DropBody),
        PaymentErrors, AuthErrors, RoleErrors, IdErrors, NoBodyErrors, AnyErrors)
)]
pub(crate) async fn pay(
    caller: Caller,
    PathId(id): PathId<DropId>,
    _: NoParams,
    State(app): State<App>,
    ids: NewIds,
    _: NoBody,
) -> Result<ApiJson<DropBody>, Problem> {
    let (pending, brief) = app.service.store.drop_with_brief(id).await?.ok_or(Error::NotFound)?;
    let drop = open(&app, &caller, pending, &ids).await?;
    if let Some(window) = drop.window {
        app.wake_ranking(id, window.closes_at).await;
    }
    Ok(ApiJson(app.shown(&drop, brief, &caller.id).await?))
}

async fn open(app: &App, caller: &Caller, pending: Drop, ids: &NewIds) -> Result<Drop, Error> {
    let store = &app.service.store;
    let now = app.service.clock.now();
    let entry = ids.entry("payment", now);
    let not_pending = match pending.pay(&caller.id) {
        Ok(()) => {
            let drop = pending.opened(now);
            match store.pay_drop(&drop, &drop.payment(entry, now)?).await? {
                Paid::Done => return Ok(drop),
                Paid::Changed(changed) => *changed,
                Paid::InsufficientBalance(available) => {
                    return Err(Error::InsufficientBalance {
                        required: drop.price,
                        available,
                        drop: drop.id,
                        auto_topup: AutoTopupOutcome::None,
                    });
                }
            }
        }
        Err(Error::DropNotPending) => pending,
        Err(error) => return Err(error),
    };
    // It may have been this very request that paid.
    let escrow = Account::Escrow(not_pending.id);
    let paid_by_us = ids.may_be_taken() && store.has_entry(&escrow, entry).await?;
    if paid_by_us { Ok(not_pending) } else { Err(Error::DropNotPending) }
}
