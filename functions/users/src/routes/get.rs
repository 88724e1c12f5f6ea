//! `GET /api/users/{id}`: read the caller's own account.

use axum::extract::State;
use clorp_context::Context;
use clorp_domain::UserId;
use clorp_domain::time::rfc3339;
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors};
use clorp_http::{ApiJson, Caller, NoParams, PathId, Problem, words};
use serde::Serialize;
use utoipa::ToSchema;

/// An account, as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserBody {
    /// Identifier of the user.
    id: String,
    /// Balance of the wallet, in cents.
    balance_cents: i64,
    /// Display name of the user.
    name: String,
    /// URL of the user's picture; `null` if there is none.
    avatar_url: Option<String>,
    /// Identifier of the Stripe customer that pays top-ups; `null` before the first one.
    stripe_customer_id: Option<String>,
    /// Identifier of the Stripe account that receives withdrawals; `null` if there is none.
    stripe_account_id: Option<String>,
    /// Status of the Stripe account: `not_connected`, `pending` (Stripe requires more information) or
    /// `active` (withdrawals are possible).
    #[schema(value_type = words::StripeAccountStatus)]
    stripe_account_status: &'static str,
    /// Time at which the account was created (RFC 3339, UTC).
    #[schema(format = DateTime)]
    created_at: String,
}

/// Read your own account.
///
/// The account of any other user is a 404.
#[utoipa::path(
    get, path = "/api/users/{id}", tag = "users",
    params(("id" = String, Path, description = "Identifier of your user")),
    responses((status = 200, description = "Your own account", body = UserBody), AuthErrors, IdErrors, AnyErrors)
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
