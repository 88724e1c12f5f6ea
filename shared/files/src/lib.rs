//! The bytes of files: the only crate that knows S3.
//!
//! Bytes never pass through a function. Their owner PUTs them to an address that we have signed, and with it the file's
//! size, type and checksum, so that S3 takes these bytes and no others. What is attached is copied from where uploads
//! are, which S3 empties after two days, to where it stays. Who may read it gets an address that we have signed, for a
//! few minutes. Signing is computation and asks nobody.

mod fault;

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use aws_sdk_s3::types::ChecksumMode;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clorp_context::{BootError, var};
use clorp_domain::time::after_seconds;
use clorp_domain::{Attachment, Error, UploadId};
use clorp_write_gate::admitted;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::fault::{fault, is_missing};

/// How long a signed address is good, in seconds. What has begun by then may finish.
const SIGNED_SECONDS: u32 = 300;

/// What a parameter of a header may have in it unescaped (RFC 8187, `attr-char`).
const ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// A request that whoever has it may make once or often, until it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Where to.
    pub url: String,
    /// What has to be sent with it, by lower-case name.
    pub headers: Vec<(String, String)>,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Access to the bucket.
#[derive(Clone, Debug)]
pub struct Files {
    client: Client,
    bucket: String,
}

impl Files {
    /// The files in `bucket`, reached with the timeouts and retries of `aws`.
    pub fn new(aws: &SdkConfig, bucket: impl Into<String>) -> Self {
        // The SDK would add checksums of its own choice to what it signs, which nobody who is given a URL would send.
        let config = aws_sdk_s3::config::Builder::from(aws)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        Self { client: Client::from_conf(config.build()), bucket: bucket.into() }
    }

    /// Sets up from the environment: `CLORP_UPLOADS_BUCKET`.
    ///
    /// # Errors
    /// [`BootError`] if it is not set.
    pub fn from_env(aws: &SdkConfig) -> Result<Self, BootError> {
        let bucket = var("CLORP_UPLOADS_BUCKET").ok_or(BootError::Missing("CLORP_UPLOADS_BUCKET"))?;
        Ok(Self::new(aws, bucket))
    }

    /// A PUT by which these bytes, and no others, get to where uploads are.
    ///
    /// # Errors
    /// Faults only.
    pub async fn sign_put(&self, file: &Attachment, now: Timestamp) -> Result<Signed, Error> {
        let length = i64::try_from(file.size_bytes).map_err(|_| Error::internal("a file's size"))?;
        let call = self.client.put_object().bucket(&self.bucket).key(upload_key(file.id));
        let call = call.content_length(length).content_type(&file.content_type);
        let signed = call.checksum_sha256(checksum(file)).presigned(signing(now)?).await;
        signed.map(|request| read(&request, now)).map_err(|error| fault("sign a PUT", error))
    }

    /// A GET of an attached file that saves it under its name, and shows it in no browser.
    ///
    /// # Errors
    /// Faults only.
    pub async fn sign_get(&self, file: &Attachment, now: Timestamp) -> Result<Signed, Error> {
        let call = self.client.get_object().bucket(&self.bucket).key(attachment_key(file.id));
        let call =
            call.response_content_type(file.served_type()).response_content_disposition(saved_as(file));
        let signed = call.presigned(signing(now)?).await;
        signed.map(|request| read(&request, now)).map_err(|error| fault("sign a GET", error))
    }

    /// Whether a file's bytes are where uploads are. One round trip.
    ///
    /// # Errors
    /// Faults only.
    pub async fn is_uploaded(&self, file: &Attachment) -> Result<bool, Error> {
        Ok(self.uploaded(file).await?.is_some())
    }

    /// Copies a file from where uploads are to where attachments stay, if its bytes are there. Whether they are. Two round
    /// trips; again and again has the effect of once.
    ///
    /// # Errors
    /// Faults only.
    pub async fn keep(&self, file: &Attachment) -> Result<bool, Error> {
        let Some(found) = self.uploaded(file).await? else { return Ok(false) };
        admitted().await?;
        let source = format!("{}/{}", self.bucket, upload_key(file.id));
        let copy = self.client.copy_object().copy_source(source);
        let copy = copy.bucket(&self.bucket).key(attachment_key(file.id));
        let copied = copy.set_copy_source_if_match(found.e_tag).send().await;
        copied.map(|_| true).map_err(|error| fault("copy", error))
    }

    /// What S3 says of a file's bytes where uploads are, if they are there.
    async fn uploaded(&self, file: &Attachment) -> Result<Option<HeadObjectOutput>, Error> {
        let head = self.client.head_object().bucket(&self.bucket).key(upload_key(file.id));
        match head.checksum_mode(ChecksumMode::Enabled).send().await {
            Ok(found) => Ok(is_that_file(file, &found).then_some(found)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(fault("head", error)),
        }
    }
}

/// S3 has taken nothing but what was signed; if ever it has, it goes no further.
fn is_that_file(file: &Attachment, found: &HeadObjectOutput) -> bool {
    found.content_length().and_then(|length| u64::try_from(length).ok()) == Some(file.size_bytes)
        && found.checksum_sha256() == Some(checksum(file).as_str())
        && found.content_type() == Some(file.content_type.as_str())
}

/// Where an upload's bytes are until they are attached. Its id cannot be guessed, and knowing it opens nothing.
fn upload_key(id: UploadId) -> String {
    format!("uploads/{id}")
}

/// Where the bytes of what is attached stay.
fn attachment_key(id: UploadId) -> String {
    format!("attachments/{id}")
}

/// A file's checksum as S3 writes it.
fn checksum(file: &Attachment) -> String {
    BASE64_STANDARD.encode(file.sha256)
}

/// The `Content-Disposition` of a download (RFC 6266).
fn saved_as(file: &Attachment) -> String {
    format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(&file.filename, ATTR_CHAR))
}

fn signing(now: Timestamp) -> Result<PresigningConfig, Error> {
    let seconds = u64::try_from(now.as_second()).map_err(|_| Error::internal("a clock before 1970"))?;
    let config = PresigningConfig::builder()
        .start_time(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .expires_in(Duration::from_secs(SIGNED_SECONDS.into()));
    config.build().map_err(|error| Error::internal(format!("signing: {error}")))
}

fn read(request: &PresignedRequest, now: Timestamp) -> Signed {
    let headers = request.headers().map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    Signed {
        url: request.uri().to_owned(),
        headers: headers.collect(),
        expires_at: after_seconds(now, SIGNED_SECONDS),
    }
}
