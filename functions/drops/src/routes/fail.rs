//! `POST /api/jobs/{id}/fail`: release a slot, with a reason.

use axum::extract::State;
use clorp_domain::DropId;
use clorp_http::extract::OptionalJson;
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors, NoBodyErrors, RoleErrors, StateErrors};
use clorp_http::{ApiJson, Caller, NoParams, PathId, Problem};
use serde::Deserialize;
use utoipa::ToSchema;

use super::release::give_up;
use crate::App;
use crate::wire::DropBody;

/// Maximum length of the reason, in characters.
const MAX_REASON_CHARS: usize = 1000;

/// Reason for the release. The body may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailRequest {
    /// Reason in your own words, at most 1,000 characters. Accepted from old clients, and discarded.
    #[schema(max_length = 1000)]
    reason: Option<String>,
}

/// Report that you cannot do the work, and release your slot.
///
/// The same as `POST /api/jobs/{id}/release`, with a reason that is discarded. Deprecated without a
/// replacement: you never need to release a slot.
#[utoipa::path(
    post, path = "/api/jobs/{id}/fail", tag = "drops",
    params(("id" = String, Path, description = "Identifier of the drop")),
    request_body(content = Option<FailRequest>),
    responses(
        (status = 200, description = "The drop, without your claim and without its context, which only claimants see",
            body = DropBody),
        AuthErrors, RoleErrors, IdErrors, StateErrors, NoBodyErrors, AnyErrors)
)]
#[deprecated]
pub(crate) async fn fail(
    caller: Caller,
    PathId(id): PathId<DropId>,
    _: NoParams,
    State(app): State<App>,
    OptionalJson(request): OptionalJson<FailRequest>,
) -> Result<ApiJson<DropBody>, Problem> {
    if request.reason.is_some_and(|reason| reason.chars().count() > MAX_REASON_CHARS) {
        let message = format!("Reason must be at most {MAX_REASON_CHARS} characters");
        return Err(Problem::invalid("/reason", "reason_too_long", message));
    }
    Ok(ApiJson(give_up(&app, &caller, id).await?))
}
