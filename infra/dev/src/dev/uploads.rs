//! The file storage of the stack: a local S3, or a bucket on AWS.

use std::path::Path;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use super::database;
use super::ports;
use clorp_local_aws::s3::LocalS3;
use clorp_stand_in::files;

const DEFAULT_PORT: u16 = 9090;
const DEFAULT_BUCKET: &str = "clorp-uploads";
/// The folder with the stored objects, below the data directory.
const FOLDER: &str = "s3";

/// The file storage that the environment variables select.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A local S3, started by the stack.
    Local {
        /// The bucket's name.
        bucket: String,
    },
    /// A bucket on AWS, reached with the developer's own credentials.
    Aws {
        /// The bucket's name.
        bucket: String,
    },
}

impl Choice {
    /// Reads the choice from the environment variables. `table` is the database in use.
    ///
    /// # Errors
    /// Fails if a table on AWS would refer to files on this machine.
    pub fn from_env(table: &database::Choice) -> Result<Self> {
        Self::of(table, std::env::var("CLORP_UPLOADS_BUCKET").ok().filter(|value| !value.is_empty()))
    }

    fn of(table: &database::Choice, bucket: Option<String>) -> Result<Self> {
        match (table, bucket) {
            (database::Choice::Aws { .. }, Some(bucket)) => Ok(Self::Aws { bucket }),
            (database::Choice::Aws { .. }, None) => bail!(
                "a table on AWS must not refer to files on this machine: name a bucket with CLORP_UPLOADS_BUCKET"
            ),
            (_, bucket) => Ok(Self::Local { bucket: bucket.unwrap_or(DEFAULT_BUCKET.to_owned()) }),
        }
    }
}

/// The file storage in use.
#[derive(Debug)]
pub struct Uploads {
    choice: Choice,
    server: Option<LocalS3>,
}

impl Uploads {
    /// Starts the local S3, unless a bucket on AWS was chosen. `port` is the port that the command line asked
    /// for.
    ///
    /// # Errors
    /// Fails if the port is in use.
    pub async fn open(choice: Choice, data_dir: &Path, port: Option<u16>) -> Result<Self> {
        let server = match &choice {
            Choice::Aws { bucket } => {
                println!("using bucket {bucket} on AWS with your credentials");
                None
            }
            Choice::Local { bucket } => Some(start(data_dir, bucket, port).await?),
        };
        Ok(Self { choice, server })
    }

    /// The local S3's URL; `None` for AWS.
    pub fn url(&self) -> Option<&str> {
        self.server.as_ref().map(|server| server.url.as_str())
    }

    /// The bucket's name.
    pub fn bucket(&self) -> &str {
        let (Choice::Local { bucket } | Choice::Aws { bucket }) = &self.choice;
        bucket
    }

    /// Sets the variables by which the functions find the bucket.
    pub fn set(&self, command: &mut Command) {
        command.env("CLORP_UPLOADS_BUCKET", self.bucket());
        if let Some(url) = self.url() {
            command.env("AWS_ENDPOINT_URL_S3", url);
        }
    }

    /// Stops the local S3 after its running requests have finished.
    ///
    /// # Errors
    /// Fails if the local S3 has failed.
    pub async fn close(self) -> Result<()> {
        match self.server {
            Some(server) => server.shutdown().await,
            None => Ok(()),
        }
    }

    /// Deletes the local objects.
    ///
    /// # Errors
    /// Fails if the folder cannot be deleted.
    pub fn delete(data_dir: &Path) -> Result<()> {
        files::remove_folder(&data_dir.join(FOLDER))
    }
}

async fn start(data_dir: &Path, bucket: &str, asked: Option<u16>) -> Result<LocalS3> {
    let port = match asked {
        Some(port) => {
            ports::require_free(port, "--s3-port")?;
            Some(port)
        }
        None => ports::is_free(DEFAULT_PORT).then_some(DEFAULT_PORT),
    };
    LocalS3::start(&data_dir.join(FOLDER), bucket, port).await.context("starting the local S3")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_on_aws_exactly_if_the_table_is() {
        let local = database::Choice::Embedded { table: "clorp".to_owned() };
        let aws = database::Choice::Aws { table: "clorp".to_owned() };
        let bucket = || Some("mine".to_owned());
        let own = Choice::Local { bucket: DEFAULT_BUCKET.to_owned() };
        assert_eq!(Choice::of(&local, None).unwrap(), own);
        assert_eq!(Choice::of(&local, bucket()).unwrap(), Choice::Local { bucket: "mine".to_owned() });
        assert_eq!(Choice::of(&aws, bucket()).unwrap(), Choice::Aws { bucket: "mine".to_owned() });
        let error = Choice::of(&aws, None).unwrap_err().to_string();
        assert!(error.contains("CLORP_UPLOADS_BUCKET"), "{error}");
    }
}
