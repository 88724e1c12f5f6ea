//! The hosted page on which the owner of an account provides their details.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State as Shared};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use maud::html;
use serde::Deserialize;

use super::layout::{lead_to, page, problem};
use crate::accounts;
use crate::core::Core;
use crate::refusal::Refusal;

/// `GET /connect/onboarding/{token}`: works once, before the link expires. Afterwards it leads to the refresh
/// URL.
pub async fn show(Shared(core): Shared<Arc<Core>>, Path(token): Path<String>, method: Method) -> Response {
    let now = core.now().as_second();
    // A HEAD request, such as a link preview's, must not use the link up.
    let opens = method == Method::GET;
    let link = core.change(None, |change| {
        let link = change.state.links.get_mut(&token)?;
        let usable = !link.opened && now < link.expires_at;
        link.opened |= usable && opens;
        Some((link.clone(), usable))
    });
    match link {
        None => problem(&unknown(&token)),
        Some((link, false)) => lead_to(&link.refresh_url),
        Some((link, true)) => {
            let body = html! {
                h1 { "Set up your payouts" }
                p { "Stripe would now ask for your identity and your bank account. In the sandbox one button completes it." }
                form method="post" action={ "/connect/onboarding/" (token) } aria-label="Onboarding" {
                    button.main name="action" value="complete" { "Complete onboarding" }
                    button name="action" value="later" { "Leave for later" }
                }
                p.soft { "Account " (link.account) }
            };
            page(StatusCode::OK, "Onboarding", &body)
        }
    }
}

#[derive(Debug, Deserialize)]
pub struct Submitted {
    action: Action,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Complete,
    Later,
}

/// `POST /connect/onboarding/{token}`: a second submission finds the account complete, and changes nothing.
pub async fn submit(
    Shared(core): Shared<Arc<Core>>,
    Path(token): Path<String>,
    Form(Submitted { action }): Form<Submitted>,
) -> Response {
    let link = core.look(|state| state.links.get(&token).filter(|link| link.opened).cloned());
    let Some(link) = link else { return problem(&unknown(&token)) };
    if action == Action::Complete
        && let Err(refusal) = core.change(None, |change| accounts::complete_onboarding(change, &link.account))
    {
        return problem(&refusal);
    }
    lead_to(&link.return_url)
}

fn unknown(token: &str) -> Refusal {
    Refusal::no_such("account_link", token)
}
