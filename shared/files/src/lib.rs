//! Storage of file contents. This is the only crate that knows S3.
//!
//! Contents do not pass through a function, except that a judge reads small text files. The owner PUTs them
//! to a signed URL. The signature covers the file's size, type and checksum, so S3 accepts only these bytes.
//! Uploads expire in S3 after two days. Attaching a file copies it from there to its permanent place. A
//! reader gets a signed URL for a few minutes. Signing is a local computation without a call.

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
use clorp_domain::drops::Submission;
use clorp_domain::time::after_seconds;
use clorp_domain::{Attachment, Error, UploadId};
use clorp_write_gate::wait_for_admission;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::fault::{fault, is_missing};

/// Lifetime of a signed URL, in seconds. A transfer that has started by then may finish.
const SIGNED_SECONDS: u32 = 300;

/// Largest file that a judge reads, in bytes: as much as a submission's own text may have.
const MAX_READ_BYTES: u64 = 100 * 1024;

/// Media types of texts beside `text/*`.
const TEXT_TYPES: [&str; 8] = [
    "application/json",
    "application/xml",
    "application/yaml",
    "application/x-yaml",
    "application/toml",
    "application/sql",
    "application/javascript",
    "application/x-sh",
];

/// Extensions of source code, whose media type clients rarely know.
const SOURCE_EXTENSIONS: [&str; 24] = [
    "rs", "py", "js", "ts", "jsx", "tsx", "go", "java", "kt", "c", "h", "cpp", "cs", "rb", "php", "swift",
    "sh", "sql", "toml", "yaml", "yml", "json", "md", "csv",
];

/// Characters that a header's parameter may contain unescaped (RFC 8187, `attr-char`).
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

/// A signed request. Its holder may make it any number of times until it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Signed URL.
    pub url: String,
    /// Headers that the request must carry, with lower-case names.
    pub headers: Vec<(String, String)>,
    /// Time of expiry.
    pub expires_at: Timestamp,
}

/// Access to the bucket of uploads and attachments.
#[derive(Clone, Debug)]
pub struct Files {
    client: Client,
    bucket: String,
}

impl Files {
    /// Accesses `bucket` with the timeouts and retries of `aws`.
    pub fn new(aws: &SdkConfig, bucket: impl Into<String>) -> Self {
        // By default the SDK would sign checksums of its own choice, which clients of the URL would not send.
        let config = aws_sdk_s3::config::Builder::from(aws)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        Self { client: Client::from_conf(config.build()), bucket: bucket.into() }
    }

    /// Sets up from the environment: `CLORP_UPLOADS_BUCKET`.
    ///
    /// # Errors
    /// [`BootError`] if the variable is not set.
    pub fn from_env(aws: &SdkConfig) -> Result<Self, BootError> {
        let bucket = var("CLORP_UPLOADS_BUCKET").ok_or(BootError::Missing("CLORP_UPLOADS_BUCKET"))?;
        Ok(Self::new(aws, bucket))
    }

    /// Signs a PUT that uploads these bytes and no others.
    ///
    /// # Errors
    /// Faults only.
    pub async fn sign_put(&self, file: &Attachment, now: Timestamp) -> Result<Signed, Error> {
        let length =
            i64::try_from(file.size_bytes).map_err(|_| Error::internal("a file's size is out of range"))?;
        let call = self.client.put_object().bucket(&self.bucket).key(upload_key(file.id));
        let call = call.content_length(length).content_type(&file.content_type);
        let signed = call.checksum_sha256(checksum(file)).presigned(presigning_config(now)?).await;
        signed.map(|request| to_signed(&request, now)).map_err(|error| fault("sign a PUT", error))
    }

    /// Signs a GET that saves an attached file under its name. Browsers never display it.
    ///
    /// # Errors
    /// Faults only.
    pub async fn sign_get(&self, file: &Attachment, now: Timestamp) -> Result<Signed, Error> {
        self.sign_get_at(attachment_key(file.id), file, now).await
    }

    /// Signs a GET as [`Files::sign_get`] does, of a file that is still an upload.
    ///
    /// # Errors
    /// Faults only.
    pub async fn sign_get_upload(&self, file: &Attachment, now: Timestamp) -> Result<Signed, Error> {
        self.sign_get_at(upload_key(file.id), file, now).await
    }

    async fn sign_get_at(&self, key: String, file: &Attachment, now: Timestamp) -> Result<Signed, Error> {
        let call = self.client.get_object().bucket(&self.bucket).key(key);
        let call = call
            .response_content_type(file.served_type())
            .response_content_disposition(content_disposition(file));
        let signed = call.presigned(presigning_config(now)?).await;
        signed.map(|request| to_signed(&request, now)).map_err(|error| fault("sign a GET", error))
    }

    /// The text of a submission for a judge: its own, one line for each file, and the contents of small text
    /// files. One round trip for each of these.
    ///
    /// # Errors
    /// Faults only. Bytes that are not UTF-8 are not text, and the file is named only.
    pub async fn read_for_judge(&self, submission: &Submission) -> Result<String, Error> {
        let mut text = submission.legible();
        for file in submission.output_attachments.iter().filter(|file| is_readable(file)) {
            let call = self.client.get_object().bucket(&self.bucket).key(attachment_key(file.id));
            let found = call.send().await.map_err(|error| fault("read", error))?;
            let bytes = found.body.collect().await.map_err(|_| Error::unavailable("S3: read: cut off"))?;
            if let Ok(contents) = String::from_utf8(bytes.to_vec()) {
                text.push_str("\n\nContents of ");
                text.push_str(&file.filename);
                text.push_str(":\n");
                text.push_str(&contents);
            }
        }
        Ok(text)
    }

    /// Checks that a file has been uploaded. One round trip.
    ///
    /// # Errors
    /// Faults only.
    pub async fn is_uploaded(&self, file: &Attachment) -> Result<bool, Error> {
        Ok(self.find_upload(file).await?.is_some())
    }

    /// Copies an uploaded file to its permanent place. Returns false if it has not been uploaded. Two round
    /// trips; idempotent.
    ///
    /// # Errors
    /// Faults only.
    pub async fn keep(&self, file: &Attachment) -> Result<bool, Error> {
        let Some(found) = self.find_upload(file).await? else { return Ok(false) };
        wait_for_admission().await?;
        let source = format!("{}/{}", self.bucket, upload_key(file.id));
        let copy = self.client.copy_object().copy_source(source);
        let copy = copy.bucket(&self.bucket).key(attachment_key(file.id));
        let copied = copy.set_copy_source_if_match(found.e_tag).send().await;
        copied.map(|_| true).map_err(|error| fault("copy", error))
    }

    /// Returns S3's description of an uploaded file, if it exists.
    async fn find_upload(&self, file: &Attachment) -> Result<Option<HeadObjectOutput>, Error> {
        let head = self.client.head_object().bucket(&self.bucket).key(upload_key(file.id));
        match head.checksum_mode(ChecksumMode::Enabled).send().await {
            Ok(found) => Ok(is_announced_file(file, &found).then_some(found)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(fault("head", error)),
        }
    }
}

/// True if a judge reads the file: a text, by its declared type or its name, of a moderate size.
fn is_readable(file: &Attachment) -> bool {
    let extension = file.filename.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let is_text = file.content_type.starts_with("text/")
        || TEXT_TYPES.contains(&file.content_type.as_str())
        || extension.is_some_and(|extension| SOURCE_EXTENSIONS.contains(&extension.as_str()));
    is_text && file.size_bytes <= MAX_READ_BYTES
}

/// True if the object matches its announcement. S3 enforces the signed values, and this check guards against
/// a failure to do so.
fn is_announced_file(file: &Attachment, found: &HeadObjectOutput) -> bool {
    found.content_length().and_then(|length| u64::try_from(length).ok()) == Some(file.size_bytes)
        && found.checksum_sha256() == Some(checksum(file).as_str())
        && found.content_type() == Some(file.content_type.as_str())
}

/// Key of an upload until it is attached. Its id cannot be guessed, and knowing it grants no access.
fn upload_key(id: UploadId) -> String {
    format!("uploads/{id}")
}

/// Key of an attached file.
fn attachment_key(id: UploadId) -> String {
    format!("attachments/{id}")
}

/// A file's checksum in S3's notation.
fn checksum(file: &Attachment) -> String {
    BASE64_STANDARD.encode(file.sha256)
}

/// The `Content-Disposition` of a download (RFC 6266).
fn content_disposition(file: &Attachment) -> String {
    format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(&file.filename, ATTR_CHAR))
}

fn presigning_config(now: Timestamp) -> Result<PresigningConfig, Error> {
    let seconds = u64::try_from(now.as_second()).map_err(|_| Error::internal("the clock is before 1970"))?;
    let config = PresigningConfig::builder()
        .start_time(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .expires_in(Duration::from_secs(SIGNED_SECONDS.into()));
    config.build().map_err(|error| Error::internal(format!("signing: {error}")))
}

fn to_signed(request: &PresignedRequest, now: Timestamp) -> Signed {
    let signed = signed_headers(request.uri());
    // The SDK adds headers of its own, such as Lambda's trace id, that it does not sign.
    let headers = request.headers().map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    Signed {
        url: request.uri().to_owned(),
        headers: headers.filter(|(name, _)| signed.contains(name)).collect(),
        expires_at: after_seconds(now, SIGNED_SECONDS),
    }
}

/// The lower-case names of the headers that the signature in a URL covers.
fn signed_headers(url: &str) -> Vec<String> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let names = query.split('&').find_map(|pair| pair.strip_prefix("X-Amz-SignedHeaders="));
    let names = percent_decode_str(names.unwrap_or_default()).decode_utf8_lossy();
    names.split(';').map(str::to_owned).collect()
}
