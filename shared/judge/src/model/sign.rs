//! Signatures of requests to AWS.

use std::time::SystemTime;

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use hyper::Request;
use hyper::body::Bytes;

/// Name under which Bedrock checks signatures.
const SERVICE: &str = "bedrock";

/// Signs requests to Bedrock with the credentials of the function.
#[derive(Clone, Debug)]
pub(super) struct Signer {
    /// Name of the region.
    pub(super) region: String,
    /// Source of the credentials, which expire and are renewed.
    pub(super) credentials: SharedCredentialsProvider,
}

impl Signer {
    /// Adds the headers of a signature, version 4, over the request's headers and body.
    ///
    /// # Errors
    /// A description for the log if there are no credentials.
    pub(super) async fn sign(&self, request: &mut Request<Bytes>) -> Result<(), String> {
        let credentials = self.credentials.provide_credentials().await;
        let identity = credentials.map_err(|error| format!("no AWS credentials: {error}"))?.into();
        let describe = |error: &dyn std::error::Error| format!("cannot sign the request: {error}");
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(SERVICE)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| describe(&error))?
            .into();
        let url = request.uri().to_string();
        let headers = request.headers().iter();
        let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable = SignableRequest::new(
            request.method().as_str(),
            &url,
            headers,
            SignableBody::Bytes(request.body()),
        );
        let signable = signable.map_err(|error| describe(&error))?;
        let (headers, _signature) = sign(signable, &params).map_err(|error| describe(&error))?.into_parts();
        headers.apply_to_request_http1x(request);
        Ok(())
    }
}
