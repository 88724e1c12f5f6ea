//! `POST /api/whoami`: whose key this is.

use axum::extract::State;
use clorp_context::Context;
use clorp_http::openapi::{AnyErrors, AuthErrors, NoBodyErrors};
use clorp_http::{ApiJson, Caller, NoBody, NoParams, Problem};
use serde::Serialize;
use utoipa::ToSchema;

/// Whose key this is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Whoami {
    /// The key's owner.
    user: WhoamiUser,
}

/// A key's owner.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WhoamiUser {
    /// Opaque.
    id: String,
    /// What the wallet holds, in cents.
    balance_cents: i64,
}

/// Whose key this is.
#[utoipa::path(
    post, path = "/api/whoami", tag = "users", security(("api_key" = [])),
    extensions(("x-rate-limit-class" = json!("read"))),
    responses((status = 200, description = "You, and what your wallet holds", body = Whoami), AuthErrors, NoBodyErrors, AnyErrors)
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
