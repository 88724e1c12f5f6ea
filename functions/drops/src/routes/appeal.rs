//! `POST /api/jobs/{id}/appeal`: ask for a second opinion on a verdict.

use axum::extract::State;
use axum::http::StatusCode;
use clorp_domain::{Appeal, DropId, Error, RankingTask};
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors, NoBodyErrors, RoleErrors, StateErrors};
use clorp_http::{ApiJson, Caller, NoBody, NoParams, PathId, Problem};
use clorp_store::Conditional;

use crate::App;
use crate::wire::verdict::AppealBody;

/// Ask for a second opinion on the verdict.
///
/// Each side can appeal once, within ten minutes of the verdict: the sender, and the workers who submitted
/// and did not win. The submissions are judged again, under new labels and in new orders, by a second model
/// if one is configured. The second opinion appears under `appeals` of the verdict, with the ranking that it
/// would have given. Money stays as settled, because the winner may have spent it.
///
/// A second request of the same side returns its first appeal. After ten minutes this is a 409
/// `appeal_window_closed`; for the winner and for claimants who did not submit it is a 403
/// `appeal_not_allowed`.
#[utoipa::path(
    post, path = "/api/jobs/{id}/appeal", tag = "drops",
    params(("id" = String, Path, description = "Identifier of the drop")),
    responses(
        (status = 202, description = "The appeal; its opinion follows on the verdict", body = AppealBody),
        (status = 200, description = "The appeal that your side has already made", body = AppealBody),
        AuthErrors, RoleErrors, IdErrors, StateErrors, NoBodyErrors, AnyErrors)
)]
pub(crate) async fn appeal(
    caller: Caller,
    PathId(id): PathId<DropId>,
    _: NoParams,
    State(app): State<App>,
    _: NoBody,
) -> Result<(StatusCode, ApiJson<AppealBody>), Problem> {
    let store = &app.context.store;
    let (drop, verdict) = tokio::try_join!(store.drops().get(id), store.verdicts().get(id))?;
    let drop = drop.ok_or(Error::NotFound)?;
    let now = app.context.clock.now();
    let side = drop.appeal(&caller.id, now, &app.context.rules)?;
    // The verdict may have been read before the settlement, and the drop after it.
    let verdict = match verdict {
        Some(verdict) => verdict,
        None => store.verdicts().get(id).await?.ok_or(Error::NotFound)?,
    };
    let appeal = Appeal { side, requested_by: caller.id, requested_at: now, opinion: None };
    match store.appeals().request(&drop, &appeal).await? {
        Conditional::Applied => {
            app.wake_ranking(RankingTask::Appeal(id, side), now).await;
            Ok((StatusCode::ACCEPTED, ApiJson(AppealBody::new(&appeal, &verdict))))
        }
        Conditional::Conflict(earlier) => Ok((StatusCode::OK, ApiJson(AppealBody::new(&earlier, &verdict)))),
    }
}
