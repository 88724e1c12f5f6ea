//! Classification of S3 failures into temporary and permanent ones.

use std::error::Error as StdError;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::head_object::HeadObjectError;
use clorp_domain::Error;

/// True for statuses after which the request can be retried: a changed source of a copy, too many requests,
/// and server errors.
const fn is_temporary(status: u16) -> bool {
    matches!(status, 409 | 412 | 429 | 500..)
}

/// Converts a failed call to an error. It logs the status and the code, never a signed URL.
pub(crate) fn fault<E>(doing: &str, error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let (temporary, what) = match &error {
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            let code = service.err().code().unwrap_or("no code");
            (is_temporary(status), format!("{status} {code}"))
        }
        SdkError::ConstructionFailure(_) => (false, "the request cannot be built".to_owned()),
        SdkError::TimeoutError(_) => (true, "no response in time".to_owned()),
        SdkError::DispatchFailure(_) => (true, "S3 cannot be reached".to_owned()),
        _ => (true, "the response cannot be read".to_owned()),
    };
    let description = format!("S3: {doing}: {what}");
    if temporary { Error::unavailable(description) } else { Error::internal(description) }
}

/// True if the object does not exist.
pub(crate) fn is_missing(error: &SdkError<HeadObjectError, HttpResponse>) -> bool {
    error.as_service_error().is_some_and(HeadObjectError::is_not_found)
}
