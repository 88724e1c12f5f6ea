//! A function's secrets: keys of other services, and secrets that verify signatures.
//!
//! On AWS they are the fields of one secret in Secrets Manager, which the function reads when it starts.
//! Elsewhere they are environment variables of the same names. A [`Credential`] is one of them. It gives the
//! current value, so that a value which was rolled takes effect without a deployment:
//!
//! | moment | the secret is read |
//! |---|---|
//! | the function starts | once; without an answer the start fails |
//! | a value is used | if the last reading is [`LIFETIME_MINUTES`] old |
//! | a service refuses a value, or a signature does not fit it | at once |
//!
//! After the first reading, [`PAUSE_SECONDS`] pass between two, because anybody can send a signature that
//! fits no secret. If a reading fails, the last values stay in use.

#[cfg(feature = "aws")]
mod aws;
mod cache;

use std::fmt;
use std::sync::Arc;

use clorp_clock::Clock;

use cache::Cache;
pub use cache::{Fields, LIFETIME_MINUTES, PAUSE_SECONDS, Read, Reading};

/// A secret text. `Debug` hides it, and there is no `Display`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The secret text, for its intended receiver only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The secrets of a function. Cheap to clone; the clones share one cache.
#[derive(Clone)]
pub struct Secrets {
    kept: Option<Arc<Cache>>,
    variable: fn(&str) -> Option<String>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// Secrets that are variables, as `variable` gives them.
    pub const fn from_variables(variable: fn(&str) -> Option<String>) -> Self {
        Self { kept: None, variable }
    }

    /// Secrets that `read` gives, now and again later. Others are variables.
    ///
    /// # Errors
    /// A description for the log, if the secret cannot be read, or if one of its fields is a variable too. It
    /// names no value.
    pub async fn read(
        read: Box<Read>,
        clock: Clock,
        variable: fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let fields = read().await?;
        if let Some(name) = fields.keys().find(|name| variable(name).is_some()) {
            return Err(format!("{name} is both a field of the secret and a variable; remove one of them"));
        }
        Ok(Self { kept: Some(Arc::new(Cache::new(fields, read, clock))), variable })
    }

    /// The secret with this name; `None` if there is none, or an empty one.
    pub fn credential(&self, name: &'static str) -> Option<Credential> {
        if let Some(cache) = self.kept.as_ref().filter(|cache| cache.has(name)) {
            return Some(Credential(Held::Kept { cache: Arc::clone(cache), name }));
        }
        (self.variable)(name).map(Credential::from)
    }
}

/// A secret that another service knows too. Cheap to clone.
#[derive(Clone)]
pub struct Credential(Held);

#[derive(Clone)]
enum Held {
    Fixed(Secret),
    Kept { cache: Arc<Cache>, name: &'static str },
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(…)")
    }
}

/// A value that never changes.
impl From<&str> for Credential {
    fn from(text: &str) -> Self {
        Self(Held::Fixed(Secret::new(text)))
    }
}

/// A value that never changes.
impl From<String> for Credential {
    fn from(text: String) -> Self {
        Self(Held::Fixed(Secret::new(text)))
    }
}

impl Credential {
    /// The last value that was read.
    pub fn known(&self) -> Secret {
        match &self.0 {
            Held::Fixed(secret) => secret.clone(),
            Held::Kept { cache, name } => cache.known(name),
        }
    }

    /// The current value. Reads the secret again if the last reading is [`LIFETIME_MINUTES`] old.
    pub async fn current(&self) -> Secret {
        if let Held::Kept { cache, .. } = &self.0 {
            cache.read_if_old().await;
        }
        self.known()
    }

    /// The value that took the place of `refused`, which a service did not accept. Reads the secret again, if
    /// that is allowed yet. `None` if no other value is known.
    pub async fn after_refusal(&self, refused: &Secret) -> Option<Secret> {
        if let Held::Kept { cache, name } = &self.0 {
            cache.read_unless_changed(name, refused).await;
        }
        Some(self.known()).filter(|known| known != refused)
    }
}

#[cfg(test)]
mod tests;
