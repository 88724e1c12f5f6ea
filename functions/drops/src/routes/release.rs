//! `POST /api/jobs/{id}/release`: release a slot.

use axum::extract::State;
use clorp_deadline::{Decision, decide};
use clorp_domain::{Drop, DropId, Error};
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors, NoBodyErrors, RoleErrors, StateErrors};
use clorp_http::{ApiJson, Caller, NoBody, NoParams, PathId, Problem};
use clorp_store::Conditional;

use crate::App;
use crate::wire::DropBody;

/// Release your slot.
///
/// The slot is free at once, and the claim counts as lapsed. A retry gets the same response, with the current
/// state of the drop. Deprecated without a replacement: you never need to release a slot, because another
/// worker can take it over after its lease.
#[utoipa::path(
    post, path = "/api/jobs/{id}/release", tag = "drops",
    params(("id" = String, Path, description = "Identifier of the drop")),
    responses(
        (status = 200, description = "The drop, without your claim and without its context, which only claimants see",
            body = DropBody),
        AuthErrors, RoleErrors, IdErrors, StateErrors, NoBodyErrors, AnyErrors)
)]
#[deprecated]
pub(crate) async fn release(
    caller: Caller,
    PathId(id): PathId<DropId>,
    _: NoParams,
    State(app): State<App>,
    _: NoBody,
) -> Result<ApiJson<DropBody>, Problem> {
    Ok(ApiJson(give_up(&app, &caller, id).await?))
}

/// Releases the caller's slot, and returns the drop without it.
pub(crate) async fn give_up(app: &App, caller: &Caller, id: DropId) -> Result<DropBody, Error> {
    let (drop, brief) = app.context.store.drops().get_with_brief(id).await?.ok_or(Error::NotFound)?;
    let drop = release_slot(app, caller, drop).await?;
    app.render(&drop, brief, &caller.id).await
}

async fn release_slot(app: &App, caller: &Caller, drop: Drop) -> Result<Drop, Error> {
    let store = &app.context.store;
    decide("the drop", drop, |drop| async move {
        let now = drop.next_change_at(app.context.clock.now());
        let claim = match drop.release(&caller.id, now) {
            Ok(claim) => claim,
            // An earlier attempt of this same request may have released the slot.
            Err(refusal @ (Error::NotAClaimant | Error::NotFound)) => {
                let before = store.work().has_released(&caller.id, drop.id).await?;
                return if before { Ok(Decision::Made(drop)) } else { Err(refusal) };
            }
            Err(refusal) => return Err(refusal),
        };
        Ok(match store.drops().release(&drop, &caller.id, &claim, now).await? {
            Conditional::Applied => Decision::Made(drop.released(&caller.id, now)),
            Conditional::Conflict(changed) => Decision::Conflict(*changed),
        })
    })
    .await
}
