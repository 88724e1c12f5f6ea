//! Logins for programs without a browser (RFC 8628): the program begins a login, its user approves or denies
//! it in a browser, and the program polls for its API key.

pub(crate) mod approve;
pub(crate) mod begin;
pub(crate) mod deny;
pub(crate) mod show;
pub(crate) mod token;

use clorp_context::Context;
use clorp_domain::{Error, LoginDecision, UserCode};
use clorp_http::Caller;
use clorp_store::Conditional;

/// Records the decision of the caller on a login.
async fn decide(
    context: &Context,
    caller: &Caller,
    code: &UserCode,
    decision: &LoginDecision,
) -> Result<(), Error> {
    let now = context.clock.now();
    match context.store.logins().decide(code, &caller.id, decision, now).await? {
        Conditional::Applied => Ok(()),
        Conditional::Conflict(Some(login)) => login.decide_again(&caller.id, decision, now),
        Conditional::Conflict(None) => Err(Error::NotFound),
    }
}
