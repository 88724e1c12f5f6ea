//! The pages that Stripe hosts: Checkout and the onboarding of an account. They are plain HTML with forms.

mod checkout;
mod layout;
mod onboarding;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use maud::html;

use crate::core::Core;
use layout::page;

/// The routes of all pages.
pub fn router() -> Router<Arc<Core>> {
    Router::new()
        .route("/c/pay/{id}", get(checkout::show).post(checkout::submit))
        .route("/c/pay/{id}/authenticate", get(checkout::show_authentication))
        .route("/connect/onboarding/{token}", get(onboarding::show).post(onboarding::submit))
        .route("/_sandbox/returned", get(returned))
}

/// A landing page for success, cancel and return URLs, for a stack without web pages.
async fn returned() -> Response {
    let body = html! {
        h1 { "You can go back" }
        p { "Stripe's part is done. Close this page, and continue where you started." }
    };
    page(StatusCode::OK, "You can go back", &body)
}
