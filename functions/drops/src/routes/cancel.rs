//! `POST /api/jobs/{id}/cancel`: cancel a drop.

use axum::extract::State;
use clorp_deadline::{Decision, decide};
use clorp_domain::drops::CancelDecision;
use clorp_domain::{Drop, DropId, Error, Status};
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors, NoBodyErrors, RoleErrors, StateErrors};
use clorp_http::{ApiJson, Caller, NewIds, NoBody, NoParams, PathId, Problem};
use clorp_store::Conditional;

use crate::App;
use crate::wire::DropBody;

/// Cancel a drop that you posted.
///
/// Before the first submission, the price is refunded. Afterwards the work will be judged, and this is a 409
/// `drop_has_submissions`. A drop that has already ended is returned unchanged.
#[utoipa::path(
    post, path = "/api/jobs/{id}/cancel", tag = "drops",
    params(("id" = String, Path, description = "Identifier of the drop")),
    responses(
        (status = 200, description = "The drop after it has ended", body = DropBody),
        AuthErrors, RoleErrors, IdErrors, StateErrors, NoBodyErrors, AnyErrors)
)]
pub(crate) async fn cancel(
    caller: Caller,
    PathId(id): PathId<DropId>,
    _: NoParams,
    State(app): State<App>,
    ids: NewIds,
    _: NoBody,
) -> Result<ApiJson<DropBody>, Problem> {
    let (drop, brief) = app.context.store.drops().get_with_brief(id).await?.ok_or(Error::NotFound)?;
    let drop = end(&app, &caller, drop, &ids).await?;
    Ok(ApiJson(app.render(&drop, brief, &caller.id).await?))
}

async fn end(app: &App, caller: &Caller, drop: Drop, ids: &NewIds) -> Result<Drop, Error> {
    decide("the drop", drop, |drop| async move {
        let now = drop.next_change_at(app.context.clock.now());
        let refund = match drop.cancel(&caller.id)? {
            CancelDecision::Already => return Ok(Decision::Made(drop)),
            CancelDecision::Void => None,
            CancelDecision::Refund => Some(drop.refund(ids.entry("refund", now), now)?),
        };
        Ok(match app.context.store.drops().end(&drop, Status::Cancelled, refund.as_ref(), now).await? {
            Conditional::Applied => Decision::Made(drop.ended(Status::Cancelled, now)),
            Conditional::Conflict(changed) => Decision::Conflict(*changed),
        })
    })
    .await
}
