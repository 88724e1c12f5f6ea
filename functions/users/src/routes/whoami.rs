//! `POST /api/whoami`: identify the caller.

use axum::extract::State;
use clorp_context::Context;
use clorp_http::openapi::{AnyErrors, AuthErrors, NoBodyErrors};
use clorp_http::{ApiJson, Caller, NoBody, NoParams, Problem};
use serde::Serialize;
use utoipa::ToSchema;

/// The owner of the credential.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Whoami {
    /// User who owns the credential.
    user: WhoamiUser,
}

/// A user, as the owner of a credential.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WhoamiUser {
    /// Identifier of the user.
    id: String,
    /// Balance of the wallet, in cents.
    balance_cents: i64,
}

/// Identify the user who owns the credential.
///
/// The credential can be an API key, a session or an access token.
#[utoipa::path(
    post, path = "/api/whoami", tag = "users",
    responses((status = 200, description = "Your user, with the balance of your wallet", body = Whoami), AuthErrors, NoBodyErrors, AnyErrors)
)]
pub(crate) async fn whoami(
    caller: Caller,
    _: NoParams,
    State(context): State<Context>,
    _: NoBody,
) -> Result<ApiJson<Whoami>, Problem> {
    let user = context.account(&caller.id).await?;
    Ok(ApiJson(Whoami { user: WhoamiUser { id: user.id.to_string(), balance_cents: user.balance.get() } }))
}
