//! The pages that Stripe hosts: Checkout and the onboarding of an account. They are plain HTML with forms.

mod checkout;
mod onboarding;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::core::Core;
use crate::refusal::Refusal;

const STYLE: &str = include_str!("pages/style.css");

/// Content security policy: no scripts, no resources from elsewhere, no embedding in other pages.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'";

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

/// An HTML page with `body` as its content.
fn page(status: StatusCode, title: &str, body: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " – Stripe sandbox" }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                p.banner { "Stripe sandbox: no real money moves here" }
                main { (body) }
            }
        }
    };
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (HeaderName::from_static("content-security-policy"), HeaderValue::from_static(POLICY)),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (status, headers, Html(page.into_string())).into_response()
}

/// A page that shows an error.
fn problem(refusal: &Refusal) -> Response {
    let message = refusal.error()["message"].as_str().unwrap_or("This did not work.");
    let body = html! {
        h1 { "This did not work" }
        p { (message) }
    };
    page(refusal.status, "This did not work", &body)
}

/// Redirects after a form, so that a reload does not submit the form again.
fn lead_to(url: &str) -> Response {
    Redirect::to(url).into_response()
}

/// Formats cents as dollars.
fn dollars(cents: i64) -> String {
    format!("${}.{:02}", cents / 100, cents % 100)
}
