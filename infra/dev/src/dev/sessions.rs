//! The source of browser sessions in the stack: the local issuer, or a real Supabase project.

use std::path::Path;

use anyhow::{Context, Result};
use clorp_context::var;
use clorp_secrets::Credential;
use clorp_sessions::Config;
use tokio::process::Command;

use super::{database, ports};
use crate::dev_file::{DevUser, Jwt};
use clorp_issuer::{Issuer, Options, Person};
use clorp_stand_in::files;

/// The origin at which most tools serve web pages during development.
pub const WEB_ORIGIN: &str = "http://localhost:3000";

/// The port of `supabase start`.
const DEFAULT_PORT: u16 = 54321;
/// The file with the issuer's key and sessions. It survives a restart, so browsers stay signed in.
const STATE: &str = "issuer.json";
/// Lifetime of a seeded user's token: a month, so that a pasted command keeps working.
const SEEDED_SECONDS: i64 = 30 * 24 * 60 * 60;

/// The source of sessions that the environment variables select.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The local issuer.
    Issuer,
    /// A real Supabase project. The functions read the same variables.
    Supabase {
        /// The project's URL.
        url: String,
    },
    /// None. A table on AWS accepts sessions only from a real project.
    None,
}

impl Choice {
    /// Reads the choice from the environment variables. `table` is the database in use.
    ///
    /// # Errors
    /// Fails if a real project is configured incompletely or with invalid values.
    pub fn from_env(table: &database::Choice) -> Result<Self> {
        Self::from_vars(table, |name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from_vars(table: &database::Choice, var: impl Fn(&str) -> Option<String>) -> Result<Self> {
        Ok(match (Config::from_vars(&var, |name| var(name).map(Credential::from))?, var("SUPABASE_URL")) {
            (Some(_), Some(url)) => Self::Supabase { url },
            _ if matches!(table, database::Choice::Aws { .. }) => Self::None,
            _ => Self::Issuer,
        })
    }
}

/// The source of sessions in use.
#[derive(Debug)]
pub struct Sessions {
    choice: Choice,
    issuer: Option<Issuer>,
}

impl Sessions {
    /// Starts the issuer, unless a real project was chosen. `port` is the port that the command line asked
    /// for.
    ///
    /// # Errors
    /// Fails if the port is in use, or if the issuer's state file is damaged.
    pub async fn open(choice: Choice, data_dir: &Path, port: Option<u16>) -> Result<Self> {
        let issuer = match &choice {
            Choice::Issuer => Some(start(data_dir, port).await?),
            Choice::Supabase { .. } | Choice::None => None,
        };
        Ok(Self { choice, issuer })
    }

    /// The URL of the issuer or of the project.
    pub fn url(&self) -> Option<&str> {
        match &self.choice {
            Choice::Issuer => self.issuer.as_ref().map(|issuer| issuer.url.as_str()),
            Choice::Supabase { url } => Some(url),
            Choice::None => None,
        }
    }

    /// The key with which tools sign their own tokens; `None` for a real project.
    ///
    /// # Errors
    /// Fails if the issuer's key is damaged.
    pub fn jwt(&self) -> Result<Option<Jwt>> {
        let Some(issuer) = &self.issuer else { return Ok(None) };
        let key = issuer.signing_key()?;
        Ok(Some(Jwt {
            issuer: issuer.issuer(),
            audience: "authenticated".to_owned(),
            kid: key.kid,
            alg: "ES256".to_owned(),
            private_key_pem: key.private_key_pem,
        }))
    }

    /// Signs in each seeded user and stores the session cookie.
    ///
    /// # Errors
    /// Fails if the issuer's state cannot be written.
    pub fn sign_in(&self, users: &mut [DevUser]) -> Result<()> {
        let Some(issuer) = &self.issuer else { return Ok(()) };
        for user in users {
            let signed_in = issuer.sign_in(&Person::new(&user.id, &user.name), SEEDED_SECONDS)?;
            user.cookie = Some(signed_in.cookie);
        }
        Ok(())
    }

    /// Sets the variables by which the functions find the issuer. They inherit those of a real project.
    pub fn set(&self, command: &mut Command) {
        if var("CLORP_WEB_ORIGINS").is_none() {
            command.env("CLORP_WEB_ORIGINS", WEB_ORIGIN);
        }
        if var("CLORP_CLI_LOGIN_URL").is_none() {
            command.env("CLORP_CLI_LOGIN_URL", format!("{WEB_ORIGIN}/cli/login"));
        }
        if let Some(issuer) = &self.issuer {
            command.env("SUPABASE_URL", &issuer.url).env("SUPABASE_ANON_KEY", issuer.anon_key());
            for name in ["SUPABASE_JWT_SECRET", "SUPABASE_COOKIE_NAME", "SUPABASE_COOKIE_DOMAIN"] {
                command.env_remove(name);
            }
        }
    }

    /// Stops the issuer.
    ///
    /// # Errors
    /// Fails if the issuer has failed.
    pub async fn close(self) -> Result<()> {
        match self.issuer {
            Some(issuer) => issuer.shutdown().await,
            None => Ok(()),
        }
    }

    /// Deletes the issuer's state, including its key.
    ///
    /// # Errors
    /// Fails if the file cannot be deleted.
    pub fn delete(data_dir: &Path) -> Result<()> {
        files::remove(&data_dir.join(STATE))
    }
}

async fn start(data_dir: &Path, asked: Option<u16>) -> Result<Issuer> {
    let port = match asked {
        Some(port) => {
            ports::require_free(port, "--supabase-port")?;
            Some(port)
        }
        None => ports::is_free(DEFAULT_PORT).then_some(DEFAULT_PORT),
    };
    let options = Options { port, state_path: Some(data_dir.join(STATE)), ..Options::default() };
    Issuer::start(options).await.context("starting the session issuer")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(table: &database::Choice, vars: &'static [(&str, &str)]) -> Result<Choice> {
        Choice::from_vars(table, |asked| {
            vars.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_table_on_aws_never_trusts_the_local_issuer() {
        let ours = database::Choice::Embedded { table: "clorp".to_owned() };
        let aws = database::Choice::Aws { table: "clorp".to_owned() };
        let url = "https://a.supabase.co";
        let real: &[_] = &[("SUPABASE_URL", "https://a.supabase.co"), ("SUPABASE_ANON_KEY", "anon")];
        assert_eq!(choose(&ours, &[]).unwrap(), Choice::Issuer);
        assert_eq!(choose(&aws, &[]).unwrap(), Choice::None);
        for table in [&ours, &aws] {
            assert_eq!(choose(table, real).unwrap(), Choice::Supabase { url: url.to_owned() });
        }
        let error = choose(&ours, &[("SUPABASE_URL", "https://a.supabase.co")]).unwrap_err().to_string();
        assert!(error.contains("SUPABASE_ANON_KEY"), "{error}");
    }

    #[tokio::test]
    async fn the_issuers_key_survives_a_restart_but_not_a_delete() {
        let directory = tempfile::tempdir().unwrap();
        let open = async || Sessions::open(Choice::Issuer, directory.path(), None).await.unwrap();
        let sessions = open().await;
        let user = DevUser {
            id: "u1".to_owned(),
            name: "sender".to_owned(),
            api_key: String::new(),
            balance_cents: 0,
            cookie: None,
        };
        let mut users = [user];
        sessions.sign_in(&mut users).unwrap();
        assert!(users[0].cookie.as_ref().unwrap().starts_with("sb-127-auth-token=base64-"));
        let key = sessions.jwt().unwrap().unwrap().private_key_pem;
        assert!(key.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        sessions.close().await.unwrap();
        let sessions = open().await;
        assert_eq!(sessions.jwt().unwrap().unwrap().private_key_pem, key);
        sessions.close().await.unwrap();
        Sessions::delete(directory.path()).unwrap();
        let sessions = open().await;
        assert_ne!(sessions.jwt().unwrap().unwrap().private_key_pem, key);
        sessions.close().await.unwrap();
    }
}
