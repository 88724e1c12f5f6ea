//! Faults of DynamoDB and of the connection to it, sorted into internal errors and passing ones.

use std::error::Error as StdError;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
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

/// The error of a failed call. A timeout says nothing about whether a write happened, so it is "unavailable,
/// try again" and never "did not happen".
pub(crate) fn fault<E, R>(doing: &str, error: SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let passing = match &error {
        SdkError::ServiceError(service) => service.err().code().is_some_and(|code| PASSING.contains(&code)),
        SdkError::ConstructionFailure(_) => false,
        _ => true,
    };
    let description = format!("{doing}: {}", describe(&error));
    if passing { Error::unavailable(description) } else { Error::internal(description) }
}

/// A description for the log. An error's `Debug` form, and the SDK's way to show it with its context, contain
/// the whole answer, and so perhaps a user's item.
fn describe(error: &dyn StdError) -> String {
    let mut texts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        texts.push(cause.to_string());
        source = cause.source();
    }
    // An error of one kind among several displays as that kind does, which is also its cause.
    texts.dedup();
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::error::ErrorMetadata;
    use aws_sdk_dynamodb::operation::get_item::GetItemError;
    use aws_sdk_dynamodb::types::error::InternalServerError;

    use super::*;

    fn check(error: SdkError<GetItemError, &'static str>, expect: &str, passing: bool) {
        let (is_passing, internal) = match fault("get", error) {
            Error::Unavailable(internal) => (true, internal),
            Error::Internal(internal) => (false, internal),
            other => panic!("{other:?}"),
        };
        assert_eq!((is_passing, internal.for_log()), (passing, expect));
    }

    #[test]
    fn a_fault_says_what_happened_and_nothing_of_the_answer() {
        let answer = r#"{"Item": {"prompt": {"S": "somebody's"}}}"#;
        let unreadable = std::io::Error::other("expected value");
        check(SdkError::response_error(unreadable, answer), "get: response error: expected value", true);
        let meta = ErrorMetadata::builder().code("InternalServerError").build();
        let busy = InternalServerError::builder().message("busy").meta(meta).build();
        let busy = SdkError::service_error(GetItemError::InternalServerError(busy), answer);
        check(busy, "get: service error: InternalServerError: busy", true);
        check(SdkError::timeout_error("too late"), "get: request has timed out: too late", true);
    }
}
