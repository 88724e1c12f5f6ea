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

/// What file to upload.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadRequest {
    /// Its name: no path separators, no control characters.
    #[schema(value_type = String, min_length = 1, max_length = 255, example = "logo.png")]
    filename: Option<String>,
    /// Its media type in lower case, without parameters. The type is application, audio, font, image, model, text or
    /// video.
    #[schema(value_type = String, example = "image/png",
             pattern = r"^(application|audio|font|image|model|text|video)/[a-z0-9][a-z0-9!#$&\-^_.+]{0,126}$")]
    content_type: Option<String>,
    /// Its size in bytes, at most 25 MiB.
    #[schema(value_type = i64, minimum = 1, maximum = 26_214_400, example = 70)]
    size_bytes: Option<i64>,
    /// The SHA-256 of its bytes, in lower-case hex.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    sha256: Option<String>,
}

impl From<UploadRequest> for FileDraft {
    fn from(request: UploadRequest) -> Self {
        let UploadRequest { filename, content_type, size_bytes, sha256 } = request;
        Self { id: None, filename, content_type, size_bytes, sha256 }
    }
}

/// An upload, and how to make it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Upload)]
pub(crate) struct UploadBody {
    /// Names the file where it is attached, within a day.
    id: String,
    /// Its name.
    filename: String,
    /// Its media type.
    content_type: String,
    /// Its size in bytes.
    size_bytes: u64,
    /// The SHA-256 of its bytes, in lower-case hex.
    sha256: String,
    /// The request that brings the bytes.
    upload: SignedPut,
}

/// A request that takes no credentials: it is signed, for this file alone.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedPut {
    /// Always `PUT`.
    #[schema(pattern = "^PUT$")]
    method: &'static str,
    /// Where to send the bytes.
    #[schema(format = "uri")]
    url: String,
    /// What to send with them, as it is.
    headers: BTreeMap<String, String>,
    /// Until when, a few minutes from now. After that, announce the file anew.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Announce a file, to attach it to a drop, a submission or a verification.
///
/// The answer says how to upload its bytes, which go straight to where files are kept. Nothing but what was announced
/// is taken there: size, type and checksum are part of the signed request.
#[utoipa::path(
    post, path = "/api/uploads", tag = "uploads", security(("api_key" = [])),
    extensions(("x-rate-limit-class" = json!("create"))),
    request_body = UploadRequest,
    responses(
        (status = 201, description = "The upload, and the request that brings its bytes", body = UploadBody),
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
    app.context.store.create_upload(&caller.id, &upload).await?;
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
