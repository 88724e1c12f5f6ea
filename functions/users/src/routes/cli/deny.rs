//! `POST /api/cli/login/deny`: deny a login.

use axum::extract::State;
use axum::http::StatusCode;
use clorp_context::Context;
use clorp_domain::LoginDecision;
use clorp_domain::login::checked_user_code;
use clorp_http::openapi::{AnyErrors, AuthErrors, BodyErrors, IdErrors};
use clorp_http::problem::ErrorBody;
use clorp_http::{ApiJson, Caller, NoParams, Problem};
use serde::Deserialize;
use utoipa::ToSchema;

use super::decide;

/// A login to deny.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Denial {
    /// User code that the program shows. Case and dash are ignored.
    #[schema(value_type = String, example = "WDJB-MJHT")]
    user_code: Option<String>,
}

/// Deny a login of a program. Requires a browser session.
///
/// The program receives `access_denied` at its next poll.
#[utoipa::path(
    post, path = "/api/cli/login/deny", tag = "cli",
    request_body = Denial,
    responses(
        (status = 204, description = "The login is denied"),
        (status = 409, description = "`login_decided`: you have already decided differently on this login.", body = ErrorBody),
        AuthErrors, IdErrors, BodyErrors, AnyErrors)
)]
pub(crate) async fn deny(
    caller: Caller,
    _: NoParams,
    State(context): State<Context>,
    ApiJson(denial): ApiJson<Denial>,
) -> Result<StatusCode, Problem> {
    let code = checked_user_code("/user_code", denial.user_code.as_deref())?;
    decide(&context, &caller, &code, &LoginDecision::Deny).await?;
    Ok(StatusCode::NO_CONTENT)
}
