//! Stripe's webhook: credits payments that complete outside of a request. The function holds the webhook's
//! secrets, but no key for Stripe's API.

mod routes;

use axum::Router;
use clorp_context::{BootError, Context};
use clorp_http::serve::finish;
use clorp_http::{Origins, Routes, route};
use clorp_payments::WebhookEvents;
use clorp_secrets::{Credential, Secret, Secrets};
use clorp_stripe_api::signature::{self, BadSignature};
use utoipa::openapi::OpenApi;

/// State of the handler.
#[derive(Clone, Debug)]
pub struct App {
    /// Applies webhook events, with the store, the rules and the clock.
    pub events: WebhookEvents,
    /// Secrets that verify the signature of an event, separated by commas.
    pub secrets: Credential,
}

impl App {
    /// Sets up from the credential `STRIPE_WEBHOOK_SECRETS`.
    ///
    /// # Errors
    /// [`BootError`] if it is missing or has no secret.
    pub fn from_env(context: Context, secrets: &Secrets) -> Result<Self, BootError> {
        let name = "STRIPE_WEBHOOK_SECRETS";
        let secrets = secrets.credential(name).ok_or(BootError::Missing(name))?;
        signature::Secrets::parse(secrets.known().expose()).ok_or(BootError::Unusable(name))?;
        Ok(Self { events: WebhookEvents { context }, secrets })
    }

    /// Verifies the signature of an event. One that fits no secret may be by a new one.
    pub(crate) async fn verify(&self, header: &str, body: &[u8]) -> Result<(), BadSignature> {
        let now = self.events.context.clock.now();
        let verify = |list: &Secret| {
            let secrets = signature::Secrets::parse(list.expose()).ok_or(BadSignature::Mismatch)?;
            secrets.verify(header, body, now)
        };
        let known = self.secrets.current().await;
        match verify(&known) {
            Err(BadSignature::Mismatch) => match self.secrets.after_refusal(&known).await {
                Some(rolled) => verify(&rolled),
                None => Err(BadSignature::Mismatch),
            },
            verified => verified,
        }
    }
}

/// The function's routes, with their policies and descriptions.
pub fn api() -> Routes<App> {
    Routes::new().open(route!(routes::webhook::webhook))
}

/// The function's router.
pub fn router(app: App) -> Router {
    let context = app.events.context.clone();
    // No web page calls the webhook.
    finish(api(), app, context, &Origins::default())
}

/// The function's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    api().into_openapi()
}
