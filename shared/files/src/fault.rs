//! Faults of S3 and of the way to it, sorted into ours and passing.

use std::error::Error as StdError;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::head_object::HeadObjectError;
use clorp_domain::Error;

/// Statuses after which the same request may be sent again: the source of a copy has changed, too many requests, and
/// whatever is S3's own fault.
const fn is_passing(status: u16) -> bool {
    matches!(status, 409 | 412 | 429 | 500..)
}

/// The error a failed call amounts to. What is logged of it is what it says of itself, and never a signed address.
pub(crate) fn fault<E>(doing: &str, error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let (passing, what) = match &error {
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            let code = service.err().code().unwrap_or("no code");
            (is_passing(status), format!("{status} {code}"))
        }
        SdkError::ConstructionFailure(_) => (false, "the request cannot be built".to_owned()),
        SdkError::TimeoutError(_) => (true, "no answer in time".to_owned()),
        SdkError::DispatchFailure(_) => (true, "S3 cannot be reached".to_owned()),
        _ => (true, "the answer cannot be read".to_owned()),
    };
    let description = format!("S3: {doing}: {what}");
    if passing { Error::unavailable(description) } else { Error::internal(description) }
}

/// Whether there is no such object.
pub(crate) fn is_missing(error: &SdkError<HeadObjectError, HttpResponse>) -> bool {
    error.as_service_error().is_some_and(HeadObjectError::is_not_found)
}
