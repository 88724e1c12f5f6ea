//! A secret in Secrets Manager.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::{
    Config, ConfigBag, Credentials, Intercept, Region, RuntimeComponents, SharedInterceptor,
};
use aws_sdk_secretsmanager::error::BoxError;
use clorp_context::{BootError, Clock, behavior_version};
use clorp_local_aws::client::http_client;
use clorp_secrets::Secrets;
use serde_json::Value;

use super::{next_number, server};

/// A secret in moto's Secrets Manager, and the number of its readings. The clones are one secret.
#[derive(Clone, Debug)]
pub struct StoredSecret {
    operator: Client,
    function: Client,
    arn: String,
    readings: Arc<AtomicUsize>,
}

/// Counts the calls of a client.
#[derive(Debug)]
struct Counter(Arc<AtomicUsize>);

impl Intercept for Counter {
    fn name(&self) -> &'static str {
        "Counter"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl StoredSecret {
    /// Creates a secret with these fields.
    pub async fn create(fields: &Value) -> Self {
        let number = next_number();
        let readings = Arc::new(AtomicUsize::new(0));
        let config = Config::builder()
            .behavior_version(behavior_version())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            // One call for each reading, so that a call that fails counts once.
            .retry_config(RetryConfig::disabled())
            .http_client(http_client())
            .endpoint_url(&server(number).await.url);
        let counted = config.clone().interceptor(SharedInterceptor::new(Counter(readings.clone())));
        let operator = Client::from_conf(config.build());
        let create = operator.create_secret().name(format!("clorp/test-{number}"));
        let created = create.secret_string(fields.to_string()).send().await.expect("a secret is created");
        let arn = created.arn.expect("an ARN");
        Self { operator, function: Client::from_conf(counted.build()), arn, readings }
    }

    /// Reads the secret, as a function does when it starts.
    ///
    /// # Errors
    /// See [`Secrets::from_arn`].
    pub async fn read(&self, clock: Clock) -> Result<Secrets, BootError> {
        Secrets::from_arn(self.function.clone(), &self.arn, clock).await
    }

    /// Replaces the fields, as an operator does.
    pub async fn put(&self, fields: &Value) {
        let put = self.operator.put_secret_value().secret_id(&self.arn).secret_string(fields.to_string());
        put.send().await.expect("the secret is replaced");
    }

    /// Deletes the secret, so that no reading succeeds.
    pub async fn delete(&self) {
        let delete = self.operator.delete_secret().secret_id(&self.arn).force_delete_without_recovery(true);
        delete.send().await.expect("the secret is deleted");
    }

    /// The number of readings, that of the start included.
    pub fn readings(&self) -> usize {
        self.readings.load(Ordering::Relaxed)
    }
}
