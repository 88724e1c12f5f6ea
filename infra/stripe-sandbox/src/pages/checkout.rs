//! The hosted page on which a payer pays.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, Query, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::layout::{dollars, lead_to, page, problem};
use crate::checkout::{DECLINED_CARD, Visit, open_session, visit};
use crate::control::DEBIT_DELAY;
use crate::core::Core;
use crate::payments::NOT_AUTHENTICATED;
use crate::refusal::Refusal;
use crate::state::{Debit, Kind, SessionPlan, amount, text};

/// Reasons for a failed attempt: their code in the page's query, and their text. The page never shows any
/// other text from its URL.
const PROBLEMS: [(&str, &str); 2] = [
    ("declined", "Your card was declined. Nothing was charged. Try again, or use another card."),
    (
        "not_authenticated",
        "We could not authenticate your card. Nothing was charged. Try again, or use another card.",
    ),
];

#[derive(Debug, Deserialize)]
pub struct Shown {
    problem: Option<String>,
}

/// `GET /c/pay/{id}`
pub async fn show(
    Shared(core): Shared<Arc<Core>>,
    Path(id): Path<String>,
    Query(Shown { problem: last }): Query<Shown>,
) -> Response {
    core.expire_overdue();
    match core.look(|state| open_session(state, &id)) {
        Ok((session, plan)) => {
            page(StatusCode::OK, "Checkout", &payment_form(&session, &plan, last.as_deref()))
        }
        Err(refusal) => show_closed(&core, &id, &refusal),
    }
}

fn payment_form(session: &Value, plan: &SessionPlan, last: Option<&str>) -> Markup {
    let total = dollars(amount(session, "amount_total"));
    html! {
        h1 { "Pay " (plan.lines.first().map_or("", |line| line.name.as_str())) }
        p.amount { (total) }
        table {
            caption.soft { "Items" }
            tbody {
                @for line in &plan.lines {
                    tr {
                        th scope="row" { (line.name) @if line.quantity > 1 { " × " (line.quantity) } }
                        td { (dollars(line.quantity.saturating_mul(line.unit_amount))) }
                    }
                }
            }
        }
        @for (_, words) in PROBLEMS.iter().filter(|(problem, _)| last == Some(problem)) {
            p.bad role="alert" { (words) }
        }
        form method="post" action={ "/c/pay/" (text(session, "id")) } aria-label="Payment" {
            button.main name="action" value="pay" { "Pay " (total) }
            button name="action" value="decline" { "Pay with a card that is declined" }
            button name="action" value="authenticate" { "Pay with 3-D Secure" }
            button name="action" value="debit" { "Pay by bank debit" }
            button name="action" value="failing_debit" { "Pay by bank debit that fails" }
        }
        div.beside {
            @match session["cancel_url"].as_str() {
                Some(url) => a.leave href=(url) { "Abandon" },
                None => p.soft { "To abandon the payment, close this page." },
            }
        }
        p.soft { "Session " (text(session, "id")) }
    }
}

/// The page of a session that cannot be paid, because it is complete, expired or unknown.
fn show_closed(core: &Core, id: &str, refusal: &Refusal) -> Response {
    let Some(session) = core.look(|state| state.get(Kind::CheckoutSession, id).cloned()) else {
        return problem(refusal);
    };
    let (title, words) = match text(&session, "status") {
        "complete" => ("This payment is complete", "Nothing is left to do. You will not be charged again."),
        _ => ("This payment page has expired", "Nothing was charged. Go back, and start again."),
    };
    let link = match text(&session, "status") {
        "complete" => Some(success_url(&session)),
        _ => session["cancel_url"].as_str().map(str::to_owned),
    };
    let body = html! {
        h1 { (title) }
        p { (words) }
        @if let Some(url) = link { a.leave href=(url) { "Go back" } }
    };
    page(StatusCode::OK, title, &body)
}

/// `GET /c/pay/{id}/authenticate`
pub async fn show_authentication(Shared(core): Shared<Arc<Core>>, Path(id): Path<String>) -> Response {
    core.expire_overdue();
    let session = match core.look(|state| open_session(state, &id)) {
        Ok((session, _)) => session,
        Err(refusal) => return show_closed(&core, &id, &refusal),
    };
    let body = html! {
        h1 { "Authenticate with your bank" }
        p.amount { (dollars(amount(&session, "amount_total"))) }
        p { "A real bank would now send a code to your phone. In the sandbox you choose the outcome." }
        form method="post" action={ "/c/pay/" (id) } aria-label="3-D Secure" {
            button.main name="action" value="authenticated" { "Complete authentication" }
            button name="action" value="not_authenticated" { "Fail authentication" }
        }
    };
    page(StatusCode::OK, "3-D Secure", &body)
}

#[derive(Debug, Deserialize)]
pub struct Submitted {
    action: Action,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Pay,
    Decline,
    Authenticate,
    Authenticated,
    NotAuthenticated,
    Debit,
    FailingDebit,
}

/// `POST /c/pay/{id}`
pub async fn submit(
    Shared(core): Shared<Arc<Core>>,
    Path(id): Path<String>,
    Form(Submitted { action }): Form<Submitted>,
) -> Response {
    let (outcome, on_failure) = match action {
        Action::Pay | Action::Authenticated => (Visit::Paid, ""),
        Action::Decline => (DECLINED_CARD, "?problem=declined"),
        Action::NotAuthenticated => (Visit::Declined(NOT_AUTHENTICATED), "?problem=not_authenticated"),
        Action::Authenticate => return lead_to(&format!("/c/pay/{id}/authenticate")),
        Action::Debit => (Visit::Debit(Some(Debit::Paid)), ""),
        Action::FailingDebit => (Visit::Debit(Some(Debit::Failed)), ""),
    };
    let session = match core.change(None, |change| visit(change, &id, outcome, None)) {
        Ok(session) => session,
        Err(refusal) => return replay_submission(&core, &id, &refusal),
    };
    if let Visit::Debit(_) = outcome {
        core.end_debit_later(id.clone(), DEBIT_DELAY);
    }
    match text(&session, "status") {
        "complete" => lead_to(&success_url(&session)),
        _ => lead_to(&format!("/c/pay/{id}{on_failure}")),
    }
}

/// Answers a form that was submitted twice. A paid session leads to the same page as the first submission.
fn replay_submission(core: &Core, id: &str, refusal: &Refusal) -> Response {
    match core.look(|state| state.get(Kind::CheckoutSession, id).cloned()) {
        Some(session) if text(&session, "status") == "complete" => lead_to(&success_url(&session)),
        _ => show_closed(core, id, refusal),
    }
}

/// The URL to which the payer goes after paying.
fn success_url(session: &Value) -> String {
    text(session, "success_url").replace("{CHECKOUT_SESSION_ID}", text(session, "id"))
}
