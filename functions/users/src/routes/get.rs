//! `GET /api/users/{id}`: the caller's own account.

use axum::extract::State;
use clorp_context::Context;
use clorp_domain::UserId;
use clorp_domain::time::rfc3339;
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors};
use clorp_http::{ApiJson, Caller, NoParams, PathId, Problem};
use serde::Serialize;
use utoipa::ToSchema;

/// An account, as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserBody {
    /// Opaque.
    id: String,
    /// What the wallet holds, in cents.
    balance_cents: i64,
    /// Display name.
    name: String,
    /// Picture, if there is one.
    avatar_url: Option<String>,
    /// The Stripe customer that pays top-ups, if there is one.
    stripe_customer_id: Option<String>,
    /// The Stripe account that receives withdrawals, if there is one.
    stripe_account_id: Option<String>,
    /// `not_connected`, `pending` or `active`.
    stripe_account_status: &'static str,
    /// When the account was made.
    #[schema(format = DateTime)]
    created_at: String,
}

/// Your own account. Everybody else's does not exist for you.
#[utoipa::path(
    get, path = "/api/users/{id}", tag = "users", security(("api_key" = [])),
    params(("id" = String, Path, description = "Your id")),
    responses((status = 200, description = "Your account", body = UserBody), AuthErrors, IdErrors, AnyErrors)
)]
pub(crate) async fn get(
    caller: Caller,
    PathId(id): PathId<UserId>,
    _: NoParams,
    State(context): State<Context>,
) -> Result<ApiJson<UserBody>, Problem> {
    if id != caller.id {
        return Err(Problem::not_found());
    }
    let user = context.account(&caller.id).await?;
    Ok(ApiJson(UserBody {
        id: user.id.to_string(),
        balance_cents: user.balance.get(),
        name: user.name,
        avatar_url: user.avatar_url,
        stripe_customer_id: user.stripe.customer,
        stripe_account_id: user.stripe.account,
        stripe_account_status: user.stripe.account_status.as_str(),
        created_at: rfc3339(user.created_at),
    }))
}
