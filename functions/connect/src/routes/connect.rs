//! `POST /api/stripe/connect`: add a bank account to withdraw to.

use axum::extract::State;
use clorp_http::openapi::{AnyErrors, AuthErrors, NoBodyErrors, RoleErrors};
use clorp_http::{ApiJson, Caller, NoBody, NoParams, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// Where to go on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OnboardingPage {
    /// Stripe's page, to be opened by a person, once and soon; ask again for another.
    #[schema(format = "uri")]
    url: String,
}

/// Add a bank account to withdraw to, or go on doing so.
#[utoipa::path(
    post, path = "/api/stripe/connect", tag = "stripe", security(("api_key" = [])),
    extensions(("x-rate-limit-class" = json!("money"))),
    responses(
        (status = 200, description = "Where to go on", body = OnboardingPage),
        AuthErrors, RoleErrors, NoBodyErrors, AnyErrors)
)]
pub(crate) async fn connect(
    caller: Caller,
    _: NoParams,
    State(app): State<App>,
    _: NoBody,
) -> Result<ApiJson<OnboardingPage>, Problem> {
    caller.require_unlimited()?;
    let url = app.payments.connect(&caller.id).await?;
    Ok(ApiJson(OnboardingPage { url }))
}
