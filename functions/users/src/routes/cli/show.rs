//! `GET /api/cli/login`: what a program asks for, for its user to decide.

use axum::extract::State;
use clorp_context::Context;
use clorp_domain::login::checked_user_code;
use clorp_domain::time::rfc3339;
use clorp_domain::{Error, Login, LoginStatus};
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors, RoleErrors};
use clorp_http::{ApiJson, ApiQuery, Caller, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which login.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LoginQuery {
    /// The code that the program shows, in any case, with or without its dash.
    #[param(value_type = String, required, example = "WDJB-MJHT")]
    user_code: Option<String>,
}

/// A login, as its user sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Login)]
pub(crate) struct LoginBody {
    /// The code, as the program shows it.
    #[schema(example = "WDJB-MJHT")]
    user_code: String,
    /// What the key is to be called, in the program's words: whoever wrote it may lie.
    name: String,
    /// The address that the program called from, if that is known.
    #[schema(example = "203.0.113.7")]
    asked_from: Option<String>,
    /// `pending`; once you have decided, `approved` or `denied`, and `redeemed` when the program has its key.
    status: &'static str,
    /// When the program asked.
    #[schema(format = DateTime)]
    created_at: String,
    /// When the login ends.
    #[schema(format = DateTime)]
    expires_at: String,
}

impl From<Login> for LoginBody {
    fn from(login: Login) -> Self {
        Self {
            user_code: login.user_code.to_string(),
            name: login.name,
            asked_from: login.asked_from,
            status: match login.status {
                LoginStatus::Pending => "pending",
                LoginStatus::Approved(..) => "approved",
                LoginStatus::Denied(_) => "denied",
                LoginStatus::Redeemed(..) => "redeemed",
            },
            created_at: rfc3339(login.created_at),
            expires_at: rfc3339(login.expires_at),
        }
    }
}

/// What a program asks for. Only for who has signed in, and once it is decided, only for who decided.
///
/// Ask the user whether the program in front of them shows this code before you approve it in their name.
#[utoipa::path(
    get, path = "/api/cli/login", tag = "cli", security(("api_key" = [])),
    extensions(("x-rate-limit-class" = json!("keys"))),
    params(LoginQuery),
    responses(
        (status = 200, description = "The login", body = LoginBody),
        AuthErrors, RoleErrors, IdErrors, AnyErrors)
)]
pub(crate) async fn show(
    caller: Caller,
    ApiQuery(query): ApiQuery<LoginQuery>,
    State(context): State<Context>,
) -> Result<ApiJson<LoginBody>, Problem> {
    caller.require_session()?;
    let code = checked_user_code("user_code", query.user_code.as_deref())?;
    let login = context.store.login_by_code(&code).await?.ok_or(Error::NotFound)?;
    login.visible_to(&caller.id, context.clock.now())?;
    Ok(ApiJson(login.into()))
}
