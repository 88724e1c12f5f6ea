//! The payment provider of the stack: the Stripe sandbox, or a real Stripe account.

use std::path::Path;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use super::database;
use super::ports;
use clorp_stand_in::files;
use clorp_stripe_sandbox::{Options, Sandbox};

const DEFAULT_PORT: u16 = 12111;
/// The file with the sandbox's state. It survives a restart, as the table survives with the payments it
/// recorded.
const STATE: &str = "stripe.json";
/// The sandbox accepts any key, as long as it is the same one at each start.
const SANDBOX_KEY: &str = "sk_test_sandbox";

/// The payment provider that the environment variables select.
#[derive(Clone, PartialEq, Eq)]
pub enum Choice {
    /// The local sandbox.
    Sandbox,
    /// Stripe itself, in the mode of the key (test or live).
    Stripe {
        /// Stripe's secret API key.
        secret_key: String,
        /// Secrets that sign Stripe's webhooks, separated by commas.
        webhook_secrets: String,
        /// The page to which Stripe's hosted pages return.
        wallet_url: String,
    },
}

impl Choice {
    /// Reads the choice from the environment variables. `table` is the database in use.
    ///
    /// # Errors
    /// Fails if only half of a Stripe account is configured, or if the sandbox would pay into a table on AWS.
    pub fn from_env(table: &database::Choice) -> Result<Self> {
        Self::from_vars(table, |name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from_vars(table: &database::Choice, var: impl Fn(&str) -> Option<String>) -> Result<Self> {
        match (var("STRIPE_SECRET_KEY"), var("STRIPE_WEBHOOK_SECRETS")) {
            (Some(secret_key), Some(webhook_secrets)) => {
                let wallet_url = var("CLORP_WALLET_URL").unwrap_or("http://localhost:3000/wallet".to_owned());
                Ok(Self::Stripe { secret_key, webhook_secrets, wallet_url })
            }
            (Some(_), None) => bail!(
                "STRIPE_SECRET_KEY is set but STRIPE_WEBHOOK_SECRETS is not: \
                 `stripe listen --forward-to <this API>/api/stripe/webhook` prints one"
            ),
            (None, _) if matches!(table, database::Choice::Aws { .. }) => bail!(
                "a table on AWS must not be paid into with the sandbox's play money: set STRIPE_SECRET_KEY and \
                 STRIPE_WEBHOOK_SECRETS"
            ),
            (None, _) => Ok(Self::Sandbox),
        }
    }
}

/// The payment provider in use: Stripe, or the running sandbox.
pub struct StripeServer {
    choice: Choice,
    sandbox: Option<Sandbox>,
}

impl std::fmt::Debug for StripeServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StripeServer").field("sandbox", &self.sandbox).finish_non_exhaustive()
    }
}

impl StripeServer {
    /// Starts the sandbox, unless a real account was chosen. `port` is the port that the command line asked
    /// for; `base_url` is the address of the API, which gets the webhooks.
    ///
    /// # Errors
    /// Fails if the port is in use, or if the sandbox's state file is damaged.
    pub async fn open(choice: Choice, data_dir: &Path, port: Option<u16>, base_url: &str) -> Result<Self> {
        let sandbox = match choice {
            Choice::Stripe { .. } => None,
            Choice::Sandbox => Some(start(data_dir, port, base_url).await?),
        };
        Ok(Self { choice, sandbox })
    }

    /// The sandbox's URL; `None` for Stripe itself.
    pub fn url(&self) -> Option<&str> {
        self.sandbox.as_ref().map(|sandbox| sandbox.url.as_str())
    }

    /// The sandbox's API key; `None` for Stripe itself, whose key belongs to the developer.
    pub fn sandbox_key(&self) -> Option<&'static str> {
        self.sandbox.as_ref().map(|_| SANDBOX_KEY)
    }

    /// The newest secret that signs the sandbox's webhooks; `None` for Stripe itself.
    pub fn webhook_secret(&self) -> Option<String> {
        self.sandbox.as_ref()?.webhook_secrets().into_iter().next()
    }

    /// Sets the variables by which the functions find Stripe.
    pub fn set(&self, command: &mut Command) {
        match (&self.choice, &self.sandbox) {
            (Choice::Stripe { secret_key, webhook_secrets, wallet_url }, _) => {
                command.env("STRIPE_SECRET_KEY", secret_key).env("STRIPE_WEBHOOK_SECRETS", webhook_secrets);
                command.env("CLORP_WALLET_URL", wallet_url);
            }
            (Choice::Sandbox, Some(sandbox)) => {
                command.env("STRIPE_SECRET_KEY", SANDBOX_KEY).env("STRIPE_API_URL", &sandbox.url);
                command.env("STRIPE_WEBHOOK_SECRETS", sandbox.webhook_secrets().join(","));
                command.env("CLORP_WALLET_URL", format!("{}/_sandbox/returned", sandbox.url));
            }
            (Choice::Sandbox, None) => {}
        }
    }

    /// Stops the sandbox after its state is written.
    ///
    /// # Errors
    /// Fails if the sandbox has failed.
    pub async fn close(self) -> Result<()> {
        match self.sandbox {
            Some(sandbox) => sandbox.shutdown().await,
            None => Ok(()),
        }
    }

    /// Deletes the sandbox's state.
    ///
    /// # Errors
    /// Fails if the file cannot be deleted.
    pub fn delete(data_dir: &Path) -> Result<()> {
        files::remove(&data_dir.join(STATE))
    }
}

async fn start(data_dir: &Path, asked: Option<u16>, base_url: &str) -> Result<Sandbox> {
    let port = match asked {
        Some(port) => {
            ports::require_free(port, "--stripe-port")?;
            Some(port)
        }
        None => ports::is_free(DEFAULT_PORT).then_some(DEFAULT_PORT),
    };
    let options = Options {
        port,
        state_path: Some(data_dir.join(STATE)),
        secret_key: SANDBOX_KEY.to_owned(),
        webhook_urls: vec![format!("{base_url}/api/stripe/webhook")],
        // The seeded balances were never paid in. Without a starting balance the seeded users could not
        // withdraw them.
        starting_balance_cents: 1_000_000,
        ..Options::default()
    };
    Sandbox::start(options).await.context("starting the Stripe sandbox")
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
    fn sandbox_money_never_reaches_a_table_on_aws() {
        let (ours, aws) = (
            database::Choice::Embedded { table: "clorp".to_owned() },
            database::Choice::Aws { table: "clorp".to_owned() },
        );
        let real: &[_] = &[("STRIPE_SECRET_KEY", "sk_test_1"), ("STRIPE_WEBHOOK_SECRETS", "whsec_1")];
        assert!(choose(&ours, &[]).unwrap() == Choice::Sandbox);
        assert!(matches!(choose(&ours, real).unwrap(), Choice::Stripe { .. }));
        assert!(matches!(choose(&aws, real).unwrap(), Choice::Stripe { .. }));
        let error = choose(&aws, &[]).err().unwrap().to_string();
        assert!(error.contains("STRIPE_SECRET_KEY"), "{error}");
        let error = choose(&ours, &[("STRIPE_SECRET_KEY", "sk_test_1")]).err().unwrap().to_string();
        assert!(error.contains("STRIPE_WEBHOOK_SECRETS") && !error.contains("sk_test"), "{error}");
    }
}
