//! `GET /api/verify/{id}`: read a verification.

use axum::extract::State;
use clorp_domain::{Error, VerificationId};
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors};
use clorp_http::{ApiJson, Caller, NoParams, PathId, Problem};

use super::VerificationBody;
use crate::App;

/// Read a verification that you requested.
///
/// A verification never changes, and is kept until `expires_at`. Afterwards, and for any other caller, this
/// is a 404.
#[utoipa::path(
    get, path = "/api/verify/{id}", tag = "verify",
    params(("id" = String, Path, description = "Identifier of the verification")),
    responses(
        (status = 200, description = "The requested verification", body = VerificationBody),
        AuthErrors, IdErrors, AnyErrors)
)]
pub(crate) async fn get(
    caller: Caller,
    PathId(id): PathId<VerificationId>,
    _: NoParams,
    State(app): State<App>,
) -> Result<ApiJson<VerificationBody>, Problem> {
    let found = app.context.store.verifications().get(&caller.id, id).await?;
    // The table removes expired items late.
    let found = found.filter(|made| app.context.clock.now() < made.expires_at());
    Ok(ApiJson(found.ok_or(Error::NotFound)?.into()))
}
