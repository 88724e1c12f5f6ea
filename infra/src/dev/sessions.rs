//! Where the stack's browser sessions come from: the issuer, or a real Supabase project.

use std::path::Path;

use anyhow::{Context, Result};
use clorp_context::var;
use clorp_sessions::Config;
use tokio::process::Command;

use super::{database, ports};
use crate::dev_file::{DevUser, Jwt};
use crate::files;
use crate::issuer::{Issuer, Options, Person};

/// Where web pages are served during development, as most tools do it.
pub const WEB_ORIGIN: &str = "http://localhost:3000";

/// Where `supabase start` answers.
const DEFAULT_PORT: u16 = 54321;
/// Keeps the issuer's key and sessions over a restart, so that browsers stay signed in.
const STATE: &str = "issuer.json";
/// A seeded user's token lasts a month, so that a command that was pasted goes on working.
const SEEDED_SECONDS: i64 = 30 * 24 * 60 * 60;

/// What the variables ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The issuer.
    Issuer,
    /// A real project, which the functions know by the same variables.
    Supabase {
        /// Where it answers.
        url: String,
    },
    /// None: people of a real table sign in with a real project or not at all.
    None,
}

impl Choice {
    /// What the environment's variables ask for, given the table that is used.
    ///
    /// # Errors
    /// When a real project is named by half, or badly.
    pub fn from_env(table: &database::Choice) -> Result<Self> {
        Self::from_vars(table, |name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from_vars(table: &database::Choice, var: impl Fn(&str) -> Option<String>) -> Result<Self> {
        Ok(match (Config::from_vars(&var)?, var("SUPABASE_URL")) {
            (Some(_), Some(url)) => Self::Supabase { url },
            _ if matches!(table, database::Choice::Aws { .. }) => Self::None,
            _ => Self::Issuer,
        })
    }
}

/// Who says who is who.
#[derive(Debug)]
pub struct Sessions {
    choice: Choice,
    issuer: Option<Issuer>,
}

impl Sessions {
    /// Starts the issuer, unless a real project was chosen. `port` is the one asked for.
    ///
    /// # Errors
    /// When the port is taken, or the issuer's file is damaged.
    pub async fn open(choice: Choice, data_dir: &Path, port: Option<u16>) -> Result<Self> {
        let issuer = match &choice {
            Choice::Issuer => Some(start(data_dir, port).await?),
            Choice::Supabase { .. } | Choice::None => None,
        };
        Ok(Self { choice, issuer })
    }

    /// Where sessions come from.
    pub fn url(&self) -> Option<&str> {
        match &self.choice {
            Choice::Issuer => self.issuer.as_ref().map(|issuer| issuer.url.as_str()),
            Choice::Supabase { url } => Some(url),
            Choice::None => None,
        }
    }

    /// How tools make tokens of their own; `None` for a real project.
    ///
    /// # Errors
    /// When the issuer's key is damaged.
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

    /// Gives each of the seeded users a session.
    ///
    /// # Errors
    /// When the issuer's file cannot be written.
    pub fn sign_in(&self, users: &mut [DevUser]) -> Result<()> {
        let Some(issuer) = &self.issuer else { return Ok(()) };
        for user in users {
            let signed_in = issuer.sign_in(&Person::new(&user.id, &user.name), SEEDED_SECONDS)?;
            user.cookie = Some(signed_in.cookie);
        }
        Ok(())
    }

    /// Tells the functions where sessions come from. A real project's variables they have from the environment.
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
    /// When it has failed.
    pub async fn close(self) -> Result<()> {
        match self.issuer {
            Some(issuer) => issuer.shutdown().await,
            None => Ok(()),
        }
    }

    /// Forgets what the issuer knows, its key included.
    ///
    /// # Errors
    /// The file system's.
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
    Issuer::start(options).await.context("starting the issuer of sessions")
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
    fn nobody_is_let_into_a_real_table_with_a_key_of_this_machine() {
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
    async fn a_seeded_users_session_and_the_key_outlive_a_restart() {
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
