//! Settings of the SDK's clients for servers on this machine.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_sdk_dynamodb::config::SharedHttpClient;

/// First pause before a retry. The SDK's default is a second, which suits a network.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// An HTTP client without TLS: reading the system's certificates takes longer than most tests' requests.
pub fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_http()
}

/// The SDK's default number of attempts, with short pauses between them.
pub fn retries() -> RetryConfig {
    RetryConfig::standard().with_initial_backoff(FIRST_PAUSE)
}
