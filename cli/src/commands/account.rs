//! `whoami`.

use crate::api::calls::{USER, WHOAMI};
use crate::credentials::Source;
use crate::failure::Result;
use crate::output::dollars;

use super::Session;

/// Shows the owner of the key, and the origin of the key.
pub async fn whoami(session: &Session) -> Result<()> {
    let Session { api, output } = session;
    let known = api.send(WHOAMI.request().without_effect()).await?;
    if output.json {
        return output.print_json(&known.json);
    }
    let user = &known.value.user;
    let account = api.send(USER.at(user.id.raw())).await?.value;
    let from = match api.settings().key {
        Some((_, Source::Variable)) => "CLORP_API_KEY",
        _ => "the file of `clorp login`",
    };
    let style = output.style;
    output.print(&format!(
        "{} {}\nBalance {} · bank account {} · key from {from} · {}",
        style.bold(&account.name.line()),
        style.dim(&user.id.line()),
        dollars(user.balance_cents),
        account.stripe_account_status.line().replace('_', " "),
        api.url(),
    ))
}
