//! Faults of DynamoDB and of the way to it, sorted into ours and passing.

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use clorp_domain::Error;

/// Codes after which the same request may be sent again.
const PASSING: [&str; 7] = [
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// The error a failed call amounts to. A timeout says nothing about whether a write happened, so it is
/// "unavailable, try again" and never "did not happen".
pub(crate) fn fault<E, R>(doing: &str, error: SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let passing = match &error {
        SdkError::ServiceError(service) => service.err().code().is_some_and(|code| PASSING.contains(&code)),
        SdkError::ConstructionFailure(_) => false,
        _ => true,
    };
    let description = format!("{doing}: {}", DisplayErrorContext(error));
    if passing { Error::unavailable(description) } else { Error::internal(description) }
}
