//! The way to Stripe with the key that is current.

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use clorp_secrets::{Credential, Secret};
use stripe::{ClientBuilder, StripeError};
use stripe_client_core::{CustomizedStripeRequest, StripeClient};

use crate::api::ATTEMPT;
use crate::transport::{LocalHandler, Transport};

/// A client that sends the current key. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Keyed(Arc<Inner>);

struct Inner {
    key: Credential,
    url: Option<String>,
    last: RwLock<Connection>,
}

/// A client that sends one key.
#[derive(Clone)]
pub(crate) struct Connection {
    pub transport: Transport,
    key: Secret,
}

impl Keyed {
    /// Connects to Stripe itself, or to a substitute at `url`.
    pub(crate) fn new(key: Credential, url: Option<&str>) -> Result<Self, StripeError> {
        let last = RwLock::new(Connection::new(key.known(), url)?);
        Ok(Self(Arc::new(Inner { key, url: url.map(str::to_owned), last })))
    }

    /// Connects to a stand-in in the same process, which takes no key.
    pub(crate) fn local(handler: Arc<LocalHandler>) -> Self {
        let last = Connection { transport: Transport::Local(handler), key: Secret::default() };
        Self(Arc::new(Inner { key: Credential::from(""), url: None, last: RwLock::new(last) }))
    }

    /// The client with the current key. A key that cannot be sent leaves the one before it in use.
    pub(crate) async fn connection(&self) -> Connection {
        let key = self.0.key.current().await;
        let last = self.0.last.read().unwrap_or_else(PoisonError::into_inner).clone();
        if last.key == key {
            return last;
        }
        match Connection::new(key, self.0.url.as_deref()) {
            Ok(connection) => {
                *self.0.last.write().unwrap_or_else(PoisonError::into_inner) = connection.clone();
                connection
            }
            Err(_) => {
                tracing::warn!("Stripe's new key cannot be sent; the last one stays in use");
                last
            }
        }
    }

    /// True if another key has taken the place of the one of `refused`, which Stripe did not accept.
    pub(crate) async fn is_rolled(&self, refused: &Connection) -> bool {
        self.0.key.after_refusal(&refused.key).await.is_some()
    }
}

impl Connection {
    fn new(key: Secret, url: Option<&str>) -> Result<Self, StripeError> {
        let mut builder = ClientBuilder::new(key.expose()).timeout(ATTEMPT);
        if let Some(url) = url {
            builder = builder.url(url);
        }
        Ok(Self { transport: Transport::Network(Box::new(builder.build()?)), key })
    }
}

impl StripeClient for Keyed {
    type Err = StripeError;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, StripeError> {
        self.connection().await.transport.execute(request).await
    }
}
