//! Logging a program in that has no browser: it begins a login, its user decides about it, it polls for its key.

pub(crate) mod approve;
pub(crate) mod begin;
pub(crate) mod deny;
pub(crate) mod show;
pub(crate) mod token;

use clorp_context::Context;
use clorp_domain::{Error, LoginDecision, UserCode};
use clorp_http::Caller;
use clorp_store::Decided;

/// Records what the caller, who has signed in, decides about a login.
async fn decide(
    context: &Context,
    caller: &Caller,
    code: &UserCode,
    decision: &LoginDecision,
) -> Result<(), Error> {
    caller.require_session()?;
    let now = context.clock.now();
    match context.store.decide_login(code, &caller.id, decision, now).await? {
        Decided::Done => Ok(()),
        Decided::Not(login) => login.decide_again(&caller.id, decision, now),
        Decided::Missing => Err(Error::NotFound),
    }
}
