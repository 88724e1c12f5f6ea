//! `POST /api/uploads`: announce a file.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use clorp_domain::time::rfc3339;
use clorp_domain::{Attachment, FileDraft, Upload, UploadId};
use clorp_files::Signed;
use clorp_http::openapi::{AnyErrors, AuthErrors, BodyErrors};
use clorp_http::{ApiJson, Caller, NewIds, NoParams, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// A file to upload.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadRequest {
    /// Name of the file, without path separators and control characters.
    #[schema(value_type = String, min_length = 1, max_length = 255, example = "logo.png")]
    filename: Option<String>,
    /// Media type of the file, in lower case and without parameters. The top-level type must be
    /// `application`, `audio`, `font`, `image`, `model`, `text` or `video`.
    #[schema(value_type = String, example = "image/png",
             pattern = r"^(application|audio|font|image|model|text|video)/[a-z0-9][a-z0-9!#$&\-^_.+]{0,126}$")]
    content_type: Option<String>,
    /// Size of the file in bytes, at most 25 MiB.
    #[schema(value_type = i64, minimum = 1, maximum = 26_214_400, example = 70)]
    size_bytes: Option<i64>,
    /// SHA-256 of the file's bytes, in lower-case hex.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    sha256: Option<String>,
}

impl From<UploadRequest> for FileDraft {
    fn from(request: UploadRequest) -> Self {
        let UploadRequest { filename, content_type, size_bytes, sha256 } = request;
        Self { id: None, filename, content_type, size_bytes, sha256 }
    }
}

/// An upload, with the request that sends the bytes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Upload)]
pub(crate) struct UploadBody {
    /// Identifier of the upload, with which to attach the file. Valid for one day.
    id: String,
    /// Name of the file.
    filename: String,
    /// Media type of the file.
    content_type: String,
    /// Size of the file in bytes.
    size_bytes: u64,
    /// SHA-256 of the file's bytes, in lower-case hex.
    sha256: String,
    /// Request with which to send the bytes.
    upload: SignedPut,
}

/// A signed request for one file. It needs no credentials.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedPut {
    /// Method of the request, which is always `PUT`.
    #[schema(pattern = "^PUT$")]
    method: &'static str,
    /// Signed URL to which to send the bytes.
    #[schema(format = "uri")]
    url: String,
    /// Headers to send with the bytes, exactly as given.
    headers: BTreeMap<String, String>,
    /// Time at which the request expires, a few minutes from now. Afterwards, announce the file again.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Announce a file to attach to a drop, a submission or a verification.
///
/// The response contains a signed request with which to send the bytes directly to storage. Storage accepts
/// only the announced file: size, type and checksum are part of the signature.
#[utoipa::path(
    post, path = "/api/uploads", tag = "uploads",
    request_body = UploadRequest,
    responses(
        (status = 201, description = "The upload, with the request that sends its bytes", body = UploadBody),
        AuthErrors, BodyErrors, AnyErrors)
)]
pub(crate) async fn create(
    caller: Caller,
    _: NoParams,
    State(app): State<App>,
    ids: NewIds,
    ApiJson(request): ApiJson<UploadRequest>,
) -> Result<(StatusCode, ApiJson<UploadBody>), Problem> {
    let now = app.context.clock.now();
    let id = UploadId::new(ids.ulid("upload", now));
    let file = Attachment::announced(request.into(), id, &app.context.rules)?;
    let put = app.files.sign_put(&file, now).await?;
    let upload = Upload::new(file, now);
    app.context.store.uploads().create(&caller.id, &upload).await?;
    Ok((StatusCode::CREATED, ApiJson(body(upload.file, put))))
}

fn body(file: Attachment, put: Signed) -> UploadBody {
    UploadBody {
        id: file.id.to_string(),
        sha256: file.sha256_hex(),
        filename: file.filename,
        content_type: file.content_type,
        size_bytes: file.size_bytes,
        upload: SignedPut {
            method: "PUT",
            url: put.url,
            headers: put.headers.into_iter().collect(),
            expires_at: rfc3339(put.expires_at),
        },
    }
}
