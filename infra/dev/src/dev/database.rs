//! The database of the stack: an embedded DynamoDB, another endpoint, or a table on AWS.

use std::path::Path;

use anyhow::{Context, Result};
use aws_sdk_dynamodb::Client;

use super::ports;
use clorp_local_aws::dynamo::{self, Dynamo};
use clorp_sam::TableSpec;
use clorp_stand_in::files;

const DEFAULT_PORT: u16 = 8000;
const DEFAULT_TABLE: &str = "clorp";

/// The files that make up an embedded database, beginning with the database itself.
const FILES: [&str; 4] =
    ["dynamodb.sqlite", "dynamodb.sqlite-wal", "dynamodb.sqlite-shm", "dynamodb.sqlite-journal"];

/// The database that the environment variables select.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// An embedded DynamoDB, started by the stack.
    Embedded {
        /// The table's name.
        table: String,
    },
    /// A DynamoDB that runs already, such as DynamoDB Local.
    Endpoint {
        /// The endpoint's URL.
        url: String,
        /// The table's name.
        table: String,
    },
    /// A table on AWS, reached with the developer's own credentials.
    Aws {
        /// The table's name.
        table: String,
    },
}

impl Choice {
    /// Reads the choice from the environment variables.
    pub fn from_env() -> Self {
        Self::from_vars(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from_vars(var: impl Fn(&str) -> Option<String>) -> Self {
        let url = var("DYNAMODB_ENDPOINT_URL").or_else(|| var("AWS_ENDPOINT_URL_DYNAMODB"));
        match (url, var("CLORP_TABLE")) {
            (Some(url), table) => Self::Endpoint { url, table: table.unwrap_or(DEFAULT_TABLE.to_owned()) },
            (None, Some(table)) => Self::Aws { table },
            (None, None) => Self::Embedded { table: DEFAULT_TABLE.to_owned() },
        }
    }

    /// The table's name.
    pub fn table(&self) -> &str {
        match self {
            Self::Embedded { table } | Self::Endpoint { table, .. } | Self::Aws { table } => table,
        }
    }
}

/// An open database.
#[derive(Debug)]
pub struct Database {
    /// The choice that was opened.
    pub choice: Choice,
    server: Option<Dynamo>,
}

impl Database {
    /// Starts or joins the chosen database and creates its table. Creates nothing on AWS. `port` is the port
    /// that the command line asked for.
    ///
    /// # Errors
    /// Fails if the port is in use, or if the database does not answer.
    pub async fn open(choice: Choice, data_dir: &Path, port: Option<u16>, spec: &TableSpec) -> Result<Self> {
        let server = match &choice {
            Choice::Embedded { .. } => Some(serve(data_dir, port).await?),
            Choice::Endpoint { url, table } => {
                println!("using DynamoDB at {url}, table {table}");
                None
            }
            Choice::Aws { table } => {
                println!(
                    "using table {table} on AWS with your credentials; nothing is created there, nor users seeded"
                );
                None
            }
        };
        let database = Self { choice, server };
        if let Some(client) = database.client() {
            dynamo::create_table(&client, spec, database.choice.table())
                .await
                .context("creating the table")?;
        }
        Ok(database)
    }

    /// The database's URL; `None` for AWS.
    pub fn url(&self) -> Option<&str> {
        match &self.choice {
            Choice::Embedded { .. } => self.server.as_ref().map(|server| server.url.as_str()),
            Choice::Endpoint { url, .. } => Some(url),
            Choice::Aws { .. } => None,
        }
    }

    /// A client of the database; `None` for AWS, where the stack changes nothing.
    pub fn client(&self) -> Option<Client> {
        self.url().map(dynamo::client)
    }

    /// Writes pending changes to disk and stops the embedded server.
    ///
    /// # Errors
    /// Fails if the embedded server has failed.
    pub async fn close(self) -> Result<()> {
        match self.server {
            Some(server) => server.shutdown().await,
            None => Ok(()),
        }
    }

    /// Deletes the files of the embedded database.
    ///
    /// # Errors
    /// Fails if a file cannot be deleted.
    pub fn delete(data_dir: &Path) -> Result<()> {
        FILES.iter().try_for_each(|name| files::remove(&data_dir.join(name)))
    }
}

async fn serve(data_dir: &Path, asked: Option<u16>) -> Result<Dynamo> {
    let port = match asked {
        Some(port) => {
            ports::require_free(port, "--dynamodb-port")?;
            Some(port)
        }
        None => ports::is_free(DEFAULT_PORT).then_some(DEFAULT_PORT),
    };
    Dynamo::on_file(&data_dir.join(FILES[0]), port).await.context("starting the embedded DynamoDB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_choose_the_database() {
        let choose = |vars: &'static [(&str, &str)]| {
            Choice::from_vars(move |asked| {
                vars.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned())
            })
        };
        let table = |name: &str| name.to_owned();
        assert_eq!(choose(&[]), Choice::Embedded { table: table("clorp") });
        assert_eq!(choose(&[("CLORP_TABLE", "mine")]), Choice::Aws { table: table("mine") });
        let url = "http://127.0.0.1:8001".to_owned();
        for name in ["DYNAMODB_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"] {
            let vars: &'static [(&str, &str)] = Vec::leak(vec![(name, "http://127.0.0.1:8001")]);
            assert_eq!(choose(vars), Choice::Endpoint { url: url.clone(), table: table("clorp") });
        }
        assert_eq!(
            choose(&[("DYNAMODB_ENDPOINT_URL", "http://127.0.0.1:8001"), ("CLORP_TABLE", "mine")]),
            Choice::Endpoint { url, table: table("mine") }
        );
    }
}
