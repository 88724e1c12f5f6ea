//! `login` and `logout`: the device flow of RFC 8628, and its end.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::api::calls::{BEGIN_LOGIN, LOGIN_TOKEN, REVOKE_KEY};
use crate::api::types::{BegunLogin, LoginRequest, Token, TokenRequest};
use crate::args;
use crate::credentials::{KEY_VARIABLE, Stored};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Progress;

use super::{Session, texts};

/// Begins a login, waits for its approval, and keeps the key.
pub async fn login(session: &Session, args: args::Login) -> Result<()> {
    let Session { api, output } = session;
    let request =
        LoginRequest { name: args.name.or_else(machine).map(Into::into), rights: texts(args.rights) };
    let begun = api.send(BEGIN_LOGIN.body(&request)).await?.value;
    let (page, code) = (&begun.verification_uri, &begun.user_code);
    // The device code is the program's secret, and is never shown.
    let shown = json!({
        "verification_uri": page, "user_code": code, "expires_in": begun.expires_in,
        "verification_uri_complete": begun.verification_uri_complete,
    });
    output.show(&shown.to_string(), |style| {
        let (url, code) = (style.cyan(&begun.verification_uri_complete.line()), style.bold(&code.line()));
        format!(
            "Open this page in any browser:\n  {url}\nCheck that it shows this code, and approve:\n  {code}"
        )
    })?;
    let token = redeem(session, &begun).await?;
    let stored = Stored {
        api_key: token.api_key.raw().to_owned(),
        api_url: Some(api.url().to_owned()),
        key_id: Some(token.id.raw().to_owned()),
        user_id: Some(token.user.id.raw().to_owned()),
    };
    let path = stored.write()?;
    let rights: Vec<String> = token.rights.iter().map(crate::api::Text::line).collect();
    let done = json!({ "key_id": token.id, "user": token.user, "rights": token.rights, "file": path });
    output.show(&done.to_string(), |style| {
        let rights = rights.join(", ");
        format!("{} The key may {rights}, and is in {}.", style.green("Signed in."), path.display())
    })?;
    if std::env::var_os(KEY_VARIABLE).is_some_and(|key| !key.is_empty()) {
        output.warn(&format!("{KEY_VARIABLE} is set, and comes before the file"));
    }
    Ok(())
}

/// Polls until the user has decided, at the pace that the API asks for.
async fn redeem(session: &Session, begun: &BegunLogin) -> Result<Token> {
    let Session { api, output } = session;
    let progress = Progress::spinner(output, "waiting for the approval");
    let expires = Instant::now() + Duration::from_secs(begun.expires_in);
    let mut interval = begun.interval;
    let request = TokenRequest { device_code: begun.device_code.clone() };
    loop {
        tokio::time::sleep(Duration::from_secs(interval)).await;
        match api.send(LOGIN_TOKEN.body(&request)).await {
            Ok(token) => {
                drop(progress);
                return Ok(token.value);
            }
            Err(failure) if matches!(failure.code(), "authorization_pending" | "slow_down") => {
                interval = failure.retry_after().unwrap_or(interval);
            }
            // The login stays good until the user has made room for a key.
            Err(failure) if failure.code() == "too_many_keys" => output.note(&failure.sentence()),
            Err(failure) => return Err(failure),
        }
        if Instant::now() > expires {
            let failure = Failure::new(Exit::Auth, "nobody approved the login in time");
            return Err(failure.with_hint("run `clorp login` again"));
        }
    }
}

/// The name of this machine, for the list of keys.
fn machine() -> Option<String> {
    let name = machine_name()?;
    let name: String = name.chars().filter(|c| c.is_ascii_graphic()).take(80).collect();
    (!name.is_empty()).then(|| format!("clorp on {name}"))
}

#[cfg(unix)]
fn machine_name() -> Option<String> {
    Some(rustix::system::uname().nodename().to_string_lossy().into_owned())
}

#[cfg(not(unix))]
fn machine_name() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}

/// Revokes the stored key, and removes the file.
pub async fn logout(session: &Session, args: args::Logout) -> Result<()> {
    let Session { api, output } = session;
    let Some(stored) = Stored::read()? else {
        let hint = format!("a key in {KEY_VARIABLE} is revoked with `clorp keys revoke`");
        return Err(Failure::new(Exit::Failure, "there is no key of `clorp login` to forget").with_hint(hint));
    };
    let mut revoked = false;
    // The key revokes itself, at the API that issued it, whatever the environment names.
    let own = api.with_key(stored.api_url.as_deref(), &stored.api_key)?;
    if let Some(id) = stored.key_id.as_ref().filter(|_| !args.keep_key) {
        match own.send(REVOKE_KEY.at(id)).await {
            Ok(_) => revoked = true,
            // The key is already useless.
            Err(failure) if matches!(failure.status(), 401 | 404) => revoked = true,
            Err(failure) if failure.is_silent() => return Err(failure),
            Err(failure) => {
                return Err(failure.with_hint("try again, or forget the key with `clorp logout --keep-key`"));
            }
        }
    } else if api.is_dry_run() {
        return output.print_value(&json!({ "dry_run": true, "removes": Stored::path()? }));
    }
    Stored::remove()?;
    output.show(&json!({ "revoked": revoked }).to_string(), |_| {
        let key = if revoked {
            "The key is revoked and forgotten."
        } else {
            "The key is forgotten, and still valid."
        };
        format!("Signed out. {key}")
    })
}
