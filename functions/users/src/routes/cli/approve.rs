//! `POST /api/cli/login/approve`: let a program in.

use axum::extract::State;
use axum::http::StatusCode;
use clorp_context::Context;
use clorp_domain::LoginDecision;
use clorp_domain::login::checked_user_code;
use clorp_http::openapi::{AnyErrors, AuthErrors, BodyErrors, IdErrors, RoleErrors};
use clorp_http::problem::ErrorBody;
use clorp_http::{ApiJson, Caller, NoParams, Problem};
use serde::Deserialize;
use utoipa::ToSchema;

use super::decide;
use crate::routes::keys::{PolicyBody, checked_terms};

/// Which program to let in, and with what key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approval {
    /// The code that the program shows, in any case, with or without its dash.
    #[schema(value_type = String, example = "WDJB-MJHT")]
    user_code: Option<String>,
    /// From when on the key is to be refused; never if left out.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// What the key may spend; everything if left out. It cannot be changed afterwards.
    spend_policy: Option<PolicyBody>,
}

/// Let a program in: it gets a key of yours when it asks next. Only for who has signed in.
///
/// The same again is answered the same, without a second key.
#[utoipa::path(
    post, path = "/api/cli/login/approve", tag = "cli", security(("api_key" = [])),
    extensions(("x-rate-limit-class" = json!("keys"))),
    request_body = Approval,
    responses(
        (status = 204, description = "Approved"),
        (status = 409, description = "`login_decided`: you have decided otherwise before.", body = ErrorBody),
        AuthErrors, RoleErrors, IdErrors, BodyErrors, AnyErrors)
)]
pub(crate) async fn approve(
    caller: Caller,
    _: NoParams,
    State(context): State<Context>,
    ApiJson(approval): ApiJson<Approval>,
) -> Result<StatusCode, Problem> {
    let code = checked_user_code("/user_code", approval.user_code.as_deref())?;
    let now = context.clock.now();
    let terms = checked_terms(approval.expires_at.as_deref(), approval.spend_policy.as_ref(), now)?;
    decide(&context, &caller, &code, &LoginDecision::Approve(terms)).await?;
    Ok(StatusCode::NO_CONTENT)
}
