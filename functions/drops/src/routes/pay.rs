//! `POST /api/jobs/{id}/pay`: pay a pending drop from the wallet.

use axum::extract::State;
use clorp_domain::error::AutoTopupOutcome;
use clorp_domain::{DropId, Error};
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors, NoBodyErrors, PaymentErrors, RoleErrors};
use clorp_http::{ApiJson, Caller, NoBody, NoParams, PathId, Problem};
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
    _: NoBody,
) -> Result<ApiJson<DropBody>, Problem> {
    let service = &app.service;
    let (pending, brief) = service.store.drop_with_brief(id).await?.ok_or(Error::NotFound)?;
    pending.pay(&caller.id)?;
    let now = service.clock.now();
    let drop = pending.opened(now);
    let payment = drop.payment(App::new_entry_id(now), now).map_err(Error::from)?;
    match service.store.pay_drop(&drop, &payment).await? {
        Paid::Done => {}
        Paid::Changed(_) => return Err(Error::DropNotPending.into()),
        Paid::InsufficientBalance(available) => {
            return Err(Error::InsufficientBalance {
                required: drop.price,
                available,
                drop: id,
                auto_topup: AutoTopupOutcome::None,
            }
            .into());
        }
    }
    if let Some(window) = drop.window {
        app.wake_ranking(id, window.closes_at).await;
    }
    Ok(ApiJson(app.shown(&drop, brief, &caller.id).await?))
}
