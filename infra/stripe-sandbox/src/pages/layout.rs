//! The layout that all pages share.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::refusal::Refusal;

const STYLE: &str = include_str!("style.css");

/// Content security policy: no scripts, no resources from elsewhere, no embedding in other pages.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'";

/// An HTML page with `body` as its content.
pub fn page(status: StatusCode, title: &str, body: &Markup) -> Response {
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
pub fn problem(refusal: &Refusal) -> Response {
    let message = refusal.error()["message"].as_str().unwrap_or("This did not work.");
    let body = html! {
        h1 { "This did not work" }
        p { (message) }
    };
    page(refusal.status, "This did not work", &body)
}

/// Redirects after a form, so that a reload does not submit the form again.
pub fn lead_to(url: &str) -> Response {
    Redirect::to(url).into_response()
}

/// Formats cents as dollars.
pub fn dollars(cents: i64) -> String {
    format!("${}.{:02}", cents / 100, cents % 100)
}
