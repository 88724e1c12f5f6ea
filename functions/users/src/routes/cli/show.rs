//! `GET /api/cli/login`: read a login, before the user decides on it.

use axum::extract::State;
use clorp_context::Context;
use clorp_domain::login::checked_user_code;
use clorp_domain::time::rfc3339;
use clorp_domain::{Error, Login, LoginStatus, Right};
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors};
use clorp_http::{ApiJson, ApiQuery, Caller, Problem, words};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The login to read.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LoginQuery {
    /// User code that the program shows. Case and dash are ignored.
    #[param(value_type = String, required, example = "WDJB-MJHT")]
    user_code: Option<String>,
}

/// A login, as its user sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Login)]
pub(crate) struct LoginBody {
    /// User code, as the program shows it.
    #[schema(example = "WDJB-MJHT")]
    user_code: String,
    /// Name for the API key, which the program chose. Untrusted text.
    name: String,
    /// Rights that the program asks for. Approving grants only `read`, `work` and `spend` of them, unless the
    /// approval names others.
    #[schema(example = json!(["read", "work", "spend"]))]
    asked_rights: Vec<&'static str>,
    /// IP address from which the program began the login; `null` if unknown.
    #[schema(example = "203.0.113.7")]
    asked_from: Option<String>,
    /// Status of the login: `pending`, `approved`, `denied`, or `redeemed` once the program has its key.
    #[schema(value_type = words::LoginStatus)]
    status: &'static str,
    /// Time at which the program began the login (RFC 3339, UTC).
    #[schema(format = DateTime)]
    created_at: String,
    /// Time at which the login expires (RFC 3339, UTC).
    #[schema(format = DateTime)]
    expires_at: String,
}

impl From<Login> for LoginBody {
    fn from(login: Login) -> Self {
        Self {
            user_code: login.user_code.to_string(),
            name: login.name,
            asked_rights: login.asked.iter().map(Right::as_str).collect(),
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

/// Read a login of a program. Requires a browser session.
///
/// Once a user has decided on the login, only that user can read it. Before you approve it, ask the user to
/// check that the program in front of them shows this code.
#[utoipa::path(
    get, path = "/api/cli/login", tag = "cli",
    params(LoginQuery),
    responses(
        (status = 200, description = "The requested login", body = LoginBody),
        AuthErrors, IdErrors, AnyErrors)
)]
pub(crate) async fn show(
    caller: Caller,
    ApiQuery(query): ApiQuery<LoginQuery>,
    State(context): State<Context>,
) -> Result<ApiJson<LoginBody>, Problem> {
    let code = checked_user_code("user_code", query.user_code.as_deref())?;
    let login = context.store.logins().by_code(&code).await?.ok_or(Error::NotFound)?;
    login.visible_to(&caller.id, context.clock.now())?;
    Ok(ApiJson(login.into()))
}
