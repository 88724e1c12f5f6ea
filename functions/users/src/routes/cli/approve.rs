//! `POST /api/cli/login/approve`: approve a login.

use axum::extract::State;
use axum::http::StatusCode;
use clorp_context::Context;
use clorp_domain::login::checked_user_code;
use clorp_domain::{KeyTerms, LoginDecision};
use clorp_http::openapi::{AnyErrors, AuthErrors, BodyErrors, IdErrors};
use clorp_http::problem::ErrorBody;
use clorp_http::{ApiJson, Caller, NoParams, Problem};
use serde::Deserialize;
use utoipa::ToSchema;

use super::decide;
use crate::routes::keys::{PolicyBody, parse_rights, parse_terms};

/// A login to approve, and the terms of its API key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approval {
    /// User code that the program shows. Case and dash are ignored.
    #[schema(value_type = String, example = "WDJB-MJHT")]
    user_code: Option<String>,
    /// Time at which the key expires (RFC 3339); never if left out.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// Limits on what the key may spend; no limits if left out. They cannot be changed later.
    spend_policy: Option<PolicyBody>,
    /// Rights of the key, of `read`, `work`, `spend`, `cards`, `keys` and `payouts`: fewer or more than the
    /// program asks for. The default is what it asks for, without `cards`, `keys` and `payouts`.
    #[schema(example = json!(["read", "work"]))]
    rights: Option<Vec<String>>,
}

/// Approve a login of a program. Requires a browser session.
///
/// The program receives an API key of yours at its next poll. A retry gets the same response, and creates no
/// second key.
#[utoipa::path(
    post, path = "/api/cli/login/approve", tag = "cli",
    request_body = Approval,
    responses(
        (status = 204, description = "The login is approved"),
        (status = 403, description = "`second_factor_required`: you name `cards` or `payouts`, and your session has no second factor, which they require.", body = ErrorBody),
        (status = 409, description = "`login_decided`: you have already decided differently on this login.", body = ErrorBody),
        AuthErrors, IdErrors, BodyErrors, AnyErrors)
)]
pub(crate) async fn approve(
    caller: Caller,
    _: NoParams,
    State(context): State<Context>,
    ApiJson(approval): ApiJson<Approval>,
) -> Result<StatusCode, Problem> {
    let code = checked_user_code("/user_code", approval.user_code.as_deref())?;
    let now = context.clock.now();
    let terms = parse_terms(approval.expires_at.as_deref(), approval.spend_policy.as_ref(), now)?;
    let terms =
        KeyTerms { rights: parse_rights(approval.rights.as_deref(), &terms.policy, &caller)?, ..terms };
    decide(&context, &caller, &code, &LoginDecision::Approve(terms)).await?;
    Ok(StatusCode::NO_CONTENT)
}
