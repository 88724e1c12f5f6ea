//! `POST /api/cli/login/deny`: keep a program out.

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

/// Which program to keep out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Denial {
    /// The code that the program shows, in any case, with or without its dash.
    #[schema(value_type = String, example = "WDJB-MJHT")]
    user_code: Option<String>,
}

/// Keep a program out: it is told so when it asks next. Only for who has signed in.
#[utoipa::path(
    post, path = "/api/cli/login/deny", tag = "cli", security(("api_key" = [])),
    extensions(("x-rate-limit-class" = json!("keys"))),
    request_body = Denial,
    responses(
        (status = 204, description = "Denied"),
        (status = 409, description = "`login_decided`: you have decided otherwise before.", body = ErrorBody),
        AuthErrors, RoleErrors, IdErrors, BodyErrors, AnyErrors)
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
