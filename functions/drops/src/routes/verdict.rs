//! `GET /api/jobs/{id}/verdict`: the verdict on a drop.

use axum::extract::State;
use clorp_domain::{DropId, Error, Status};
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors, RoleErrors, StateErrors};
use clorp_http::{ApiJson, Caller, NoParams, PathId, Problem};

use crate::App;
use crate::wire::verdict::VerdictBody;

/// Read the verdict on a drop, as its sender or a worker who submitted.
///
/// The verdict names the judge and its method, the demands that it found in the prompt, and for each
/// submission the rank, the measurements and a rationale. Appeals and their second opinions are part of it.
///
/// Before the drop is judged, this is a 409 `verdict_not_ready`. A drop that ended without submissions has no
/// verdict, and this is a 404. A drop whose submissions were all refused by plain checks has `expired`, and
/// its verdict says why. For a claimant who did not submit, a verdict is a 403 `submission_required`.
#[utoipa::path(
    get, path = "/api/jobs/{id}/verdict", tag = "drops",
    params(("id" = String, Path, description = "Identifier of the drop")),
    responses(
        (status = 200, description = "The verdict on the drop", body = VerdictBody),
        AuthErrors, RoleErrors, IdErrors, StateErrors, AnyErrors)
)]
pub(crate) async fn verdict(
    caller: Caller,
    PathId(id): PathId<DropId>,
    _: NoParams,
    State(app): State<App>,
) -> Result<ApiJson<VerdictBody>, Problem> {
    let store = &app.context.store;
    let drop = store.drops().get(id).await?.ok_or(Error::NotFound)?;
    drop.relation(&caller.id).ok_or(Error::NotFound)?;
    match drop.status {
        Status::Completed | Status::Expired => {}
        Status::PendingPayment | Status::Open | Status::Ranking => return Err(Error::VerdictNotReady.into()),
        Status::Cancelled => return Err(Error::NotFound.into()),
    }
    if !drop.shows_results_to(&caller.id) {
        return Err(Error::SubmissionRequired.into());
    }
    let (verdict, appeals) = tokio::try_join!(store.verdicts().get(id), store.appeals().of_drop(id))?;
    let verdict = match (verdict, drop.status) {
        (Some(verdict), _) => verdict,
        (None, Status::Expired) => return Err(Error::NotFound.into()),
        (None, _) => return Err(Error::internal("a completed drop has no verdict").into()),
    };
    Ok(ApiJson(VerdictBody::new(id, &verdict, &appeals)))
}
