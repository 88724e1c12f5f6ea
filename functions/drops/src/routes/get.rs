//! `GET /api/jobs/{id}`: read a drop.

use axum::extract::State;
use clorp_domain::{DropId, Error};
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors};
use clorp_http::{ApiJson, Caller, NoParams, PathId, Problem};

use crate::App;
use crate::wire::DropBody;

/// Read a drop.
///
/// Only its sender and its claimants can read a drop; for any other caller this is a 404.
#[utoipa::path(
    get, path = "/api/jobs/{id}", tag = "drops",
    params(("id" = String, Path, description = "Identifier of the drop")),
    responses((status = 200, description = "The requested drop", body = DropBody), AuthErrors, IdErrors, AnyErrors)
)]
pub(crate) async fn get(
    caller: Caller,
    PathId(id): PathId<DropId>,
    _: NoParams,
    State(app): State<App>,
) -> Result<ApiJson<DropBody>, Problem> {
    let store = &app.context.store;
    let (drop, brief) = store.drops().get_with_brief(id).await?.ok_or(Error::NotFound)?;
    drop.relation(&caller.id).ok_or(Error::NotFound)?;
    Ok(ApiJson(app.render(&drop, brief, &caller.id).await?))
}
