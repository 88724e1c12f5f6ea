//! `POST /api/stripe/connect`: add a bank account for withdrawals.

use axum::extract::State;
use clorp_http::openapi::{AnyErrors, AuthErrors, NoBodyErrors, RefusalErrors};
use clorp_http::{ApiJson, Caller, NoBody, NoParams, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// A page on which to add a bank account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OnboardingPage {
    /// URL of Stripe's page, for a person to open. It works once and expires soon; request another one if
    /// necessary.
    #[schema(format = "uri")]
    url: String,
}

/// Add a bank account for withdrawals, or continue to add one.
///
/// A person opens the returned page and enters the account there.
#[utoipa::path(
    post, path = "/api/stripe/connect", tag = "stripe",
    responses(
        (status = 200, description = "The page on which to continue", body = OnboardingPage),
        AuthErrors, RefusalErrors, NoBodyErrors, AnyErrors)
)]
pub(crate) async fn connect(
    caller: Caller,
    _: NoParams,
    State(app): State<App>,
    _: NoBody,
) -> Result<ApiJson<OnboardingPage>, Problem> {
    let url = app.payments.connect(&caller.id).await?;
    Ok(ApiJson(OnboardingPage { url }))
}
