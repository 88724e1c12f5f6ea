//! `keys`.

use crate::api::Item;
use crate::api::calls::{KEYS, NEW_KEY, REVOKE_KEY};
use crate::api::types::{ApiKey, KeyRequest, SpendPolicy};
use crate::args::{self, KeysAction};
use crate::clean::clean;
use crate::failure::Result;
use crate::output::{Table, ago, dollars, left};

use super::{Session, texts};

/// Runs an action on API keys.
pub async fn run(session: &Session, args: args::Keys) -> Result<()> {
    let Session { api, output } = session;
    match args.action {
        None => list(session, 30).await,
        Some(KeysAction::List(count)) => list(session, count.limit).await,
        Some(KeysAction::New { name, rights, per_drop, per_day, expires }) => {
            let limits = SpendPolicy { per_drop_cents: per_drop, per_day_cents: per_day };
            let request = KeyRequest {
                name: name.into(),
                rights: texts(rights),
                spend_policy: per_drop.or(per_day).map(|_| limits),
                expires_at: expires,
            };
            let key = api.send(NEW_KEY.body(&request)).await?;
            output.show(&key.json, |style| match &key.value.secret {
                Some(secret) => format!(
                    "{}\nThis secret of key {} is not shown again.",
                    style.bold(&secret.line()),
                    key.value.id.line()
                ),
                None => format!("Key {} exists, and its secret was shown before.", key.value.id.line()),
            })
        }
        Some(KeysAction::Revoke { id }) => {
            let revoked = api.send(REVOKE_KEY.at(&id)).await?;
            output.show(&revoked.json, |_| format!("Revoked {}.", clean(&id)))
        }
    }
}

async fn list(session: &Session, limit: usize) -> Result<()> {
    let Session { api, output } = session;
    let render = |keys: &[Item<ApiKey>]| {
        let mut table = Table::new(&["id", "begins", "used", "expires", "limits", "rights", "name"]);
        for key in keys.iter().map(|key| &key.value) {
            let limit =
                |cents: Option<i64>, unit: &str| cents.map(|cents| format!("{}/{unit}", dollars(cents)));
            let limits = [
                limit(key.spend_policy.per_drop_cents, "drop"),
                limit(key.spend_policy.per_day_cents, "day"),
            ];
            let limits: Vec<String> = limits.into_iter().flatten().collect();
            let rights: Vec<String> = key.rights.iter().map(crate::api::Text::line).collect();
            table.row([
                key.id.line(),
                key.prefix.line(),
                key.last_used_at.map_or_else(|| "never".to_owned(), |at| ago(at, api.now())),
                key.expires_at.map_or_else(|| "never".to_owned(), |at| format!("in {}", left(at, api.now()))),
                if limits.is_empty() { "-".to_owned() } else { limits.join(" ") },
                rights.join(","),
                key.name.line(),
            ]);
        }
        table.render(output.style)
    };
    session.show_list(KEYS.request(), limit, render).await
}
