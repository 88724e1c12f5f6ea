//! `dev.json`: what a running stack tells `cargo demo`, tests and other tools.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::files;

/// The running stack. The file appears when the stack is ready to be used, and is removed before the next start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevFile {
    /// Where the API answers, without a trailing slash.
    pub base_url: String,
    /// Where the database answers; `None` for real AWS.
    pub dynamodb_url: Option<String>,
    /// The table's name.
    pub table: String,
    /// Where the Stripe sandbox answers; `None` for Stripe itself.
    pub stripe_url: Option<String>,
    /// The key the sandbox wants; `None` for Stripe itself.
    pub stripe_key: Option<String>,
    /// What signs the sandbox's webhooks; `None` for Stripe itself.
    pub webhook_secret: Option<String>,
    /// Where sessions come from: the issuer, or a real Supabase project; `None` if there are none.
    pub supabase_url: Option<String>,
    /// Where the web pages are that a browser with a session calls from.
    pub web_origin: String,
    /// What makes tokens that the API accepts; `None` if only a real project can.
    pub jwt: Option<Jwt>,
    /// Where the local S3 answers; `None` for real AWS.
    pub s3_url: Option<String>,
    /// The seeded users: the sender, then the workers.
    pub users: Vec<DevUser>,
}

/// How access tokens are made. For the local stack only, so that tools can make their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwt {
    /// The claim `iss`.
    pub issuer: String,
    /// The claim `aud`.
    pub audience: String,
    /// The header `kid`.
    pub kid: String,
    /// The header `alg`.
    pub alg: String,
    /// The key, as PKCS #8 in PEM.
    pub private_key_pem: String,
}

/// A seeded user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevUser {
    /// The user's id.
    pub id: String,
    /// `sender` or `worker-<n>`.
    pub name: String,
    /// The user's API key.
    pub api_key: String,
    /// What the wallet held when the stack started.
    pub balance_cents: i64,
    /// What a browser with a session of the user's sends as its `Cookie`; `None` if only a real project can make one.
    pub cookie: Option<String>,
}

impl DevFile {
    /// The file's place in a data directory.
    pub fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("dev.json")
    }

    /// The stack described in `data_dir`; `None` if there is no such file.
    ///
    /// # Errors
    /// When the file cannot be read or understood.
    pub fn read(data_dir: &Path) -> Result<Option<Self>> {
        let path = Self::path(data_dir);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Announces the stack.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, data_dir: &Path) -> Result<()> {
        files::write_json(&Self::path(data_dir), self)
    }
}
