//! Which database the stack runs on.

use std::path::Path;

use anyhow::{Context, Result};
use aws_sdk_dynamodb::Client;

use super::ports;
use crate::dynamo::{self, Dynamo};
use crate::files;
use crate::template::TableSpec;

const DEFAULT_PORT: u16 = 8000;
const DEFAULT_TABLE: &str = "clorp";

/// The files that make up an embedded database, beginning with the database itself.
const FILES: [&str; 4] =
    ["dynamodb.sqlite", "dynamodb.sqlite-wal", "dynamodb.sqlite-shm", "dynamodb.sqlite-journal"];

/// What the variables ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A database of our own.
    Embedded {
        /// The table's name.
        table: String,
    },
    /// A DynamoDB that somebody else runs, such as DynamoDB Local.
    Endpoint {
        /// Where it answers.
        url: String,
        /// The table's name.
        table: String,
    },
    /// A table on AWS, reached with the person's own credentials.
    Aws {
        /// The table's name.
        table: String,
    },
}

impl Choice {
    /// What the environment's variables ask for.
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

/// A database that can be used.
#[derive(Debug)]
pub struct Database {
    /// Which one it is.
    pub choice: Choice,
    server: Option<Dynamo>,
}

impl Database {
    /// Starts or joins the chosen database, with its table in place; a table on AWS is only named. `port` is the one
    /// asked for.
    ///
    /// # Errors
    /// When the port is taken, or the database does not answer.
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

    /// Where it answers; `None` for AWS.
    pub fn url(&self) -> Option<&str> {
        match &self.choice {
            Choice::Embedded { .. } => self.server.as_ref().map(|server| server.url.as_str()),
            Choice::Endpoint { url, .. } => Some(url),
            Choice::Aws { .. } => None,
        }
    }

    /// A client; `None` for AWS, where we touch nothing.
    pub fn client(&self) -> Option<Client> {
        self.url().map(dynamo::client)
    }

    /// Writes out what is left to write.
    ///
    /// # Errors
    /// When an embedded server has failed.
    pub async fn close(self) -> Result<()> {
        match self.server {
            Some(server) => server.shutdown().await,
            None => Ok(()),
        }
    }

    /// Deletes an embedded database.
    ///
    /// # Errors
    /// The file system's.
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
