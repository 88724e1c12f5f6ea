//! `dev.json`: the description of a running stack for `cargo demo`, tests and other tools.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use clorp_stand_in::files;

/// The description of a running stack. The file appears when the stack is ready, and the next start removes
/// it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevFile {
    /// The API's base URL, without a trailing slash.
    pub base_url: String,
    /// The database's URL; `None` for AWS.
    pub dynamodb_url: Option<String>,
    /// The table's name.
    pub table: String,
    /// The Stripe sandbox's URL; `None` for Stripe itself.
    pub stripe_url: Option<String>,
    /// The Stripe sandbox's secret API key; `None` for Stripe itself.
    pub stripe_key: Option<String>,
    /// The secret that signs the sandbox's webhooks; `None` for Stripe itself.
    pub webhook_secret: Option<String>,
    /// The URL of the issuer or of a real Supabase project; `None` if there are no sessions.
    pub supabase_url: Option<String>,
    /// The origin of the web pages from which browsers with a session call the API.
    pub web_origin: String,
    /// The parameters for signing access tokens; `None` if only a real project can sign them.
    pub jwt: Option<Jwt>,
    /// The local S3's URL; `None` for AWS.
    pub s3_url: Option<String>,
    /// The name of the bucket with the files.
    pub uploads_bucket: String,
    /// The seeded users: the sender, then the workers.
    pub users: Vec<DevUser>,
}

/// The parameters with which tools sign access tokens for the local stack.
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
    /// The private key, as PKCS #8 in PEM.
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
    /// The wallet's balance when the stack started, in cents.
    pub balance_cents: i64,
    /// The `Cookie` header of a browser in which the user is signed in; `None` if only a real project can
    /// sign users in.
    pub cookie: Option<String>,
}

impl DevFile {
    /// The path of the file in a data directory.
    pub fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("dev.json")
    }

    /// Reads the description in `data_dir`; `None` if there is none.
    ///
    /// # Errors
    /// Fails if the file cannot be read or parsed.
    pub fn read(data_dir: &Path) -> Result<Option<Self>> {
        let path = Self::path(data_dir);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the description, which announces that the stack is ready.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn write(&self, data_dir: &Path) -> Result<()> {
        files::write_json(&Self::path(data_dir), self)
    }
}
