//! `DELETE /api/keys/{id}`: revoke an API key.

use axum::extract::State;
use axum::http::StatusCode;
use clorp_context::Context;
use clorp_domain::{Error, KeyId};
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors, NoBodyErrors};
use clorp_http::{Caller, NoBody, NoParams, PathId, Problem, Right};
use clorp_store::Conditional;

/// Revoke an API key. The next request with it is a 401.
///
/// An API key can revoke itself, and other keys only with the right `keys`.
#[utoipa::path(
    delete, path = "/api/keys/{id}", tag = "keys",
    params(("id" = String, Path, description = "Identifier of the key")),
    responses(
        (status = 204, description = "The key is revoked"),
        AuthErrors, IdErrors, NoBodyErrors, AnyErrors)
)]
pub(crate) async fn revoke(
    caller: Caller,
    PathId(id): PathId<KeyId>,
    _: NoParams,
    State(context): State<Context>,
    _: NoBody,
) -> Result<StatusCode, Problem> {
    if caller.key().is_none_or(|key| key.id != id) {
        caller.require(Right::Keys)?;
    }
    match context.store.api_keys().revoke(&caller.id, id, context.clock.now()).await? {
        Conditional::Applied => Ok(StatusCode::NO_CONTENT),
        Conditional::Conflict(()) => Err(Error::NotFound.into()),
    }
}
