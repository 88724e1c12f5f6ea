//! `POST /api/jobs/{id}/reserve`: claim, under its former name.

use axum::extract::State;
use axum::http::StatusCode;
use clorp_domain::DropId;
use clorp_http::extract::OptionalJson;
use clorp_http::openapi::{
    AnyErrors, AuthErrors, ClaimRoleErrors, CooldownErrors, IdErrors, NoBodyErrors, StateErrors,
};
use clorp_http::{ApiJson, Caller, NoParams, PathId, Problem};

use super::claim::{ClaimRequest, claim};
use crate::App;
use crate::wire::DropBody;

/// Claim a slot under the former name of this operation.
///
/// Deprecated: use `POST /api/jobs/{id}/claim`, which is the same.
#[utoipa::path(
    post, path = "/api/jobs/{id}/reserve", tag = "drops",
    params(("id" = String, Path, description = "Identifier of the drop")),
    request_body(content = Option<ClaimRequest>),
    responses(
        (status = 201, description = "The drop, with your new claim", body = DropBody),
        (status = 200, description = "The drop, with the claim that you already hold", body = DropBody),
        AuthErrors, ClaimRoleErrors, IdErrors, StateErrors, CooldownErrors, NoBodyErrors, AnyErrors)
)]
#[deprecated]
pub(crate) async fn reserve(
    caller: Caller,
    id: PathId<DropId>,
    params: NoParams,
    app: State<App>,
    request: OptionalJson<ClaimRequest>,
) -> Result<(StatusCode, ApiJson<DropBody>), Problem> {
    claim(caller, id, params, app, request).await
}
