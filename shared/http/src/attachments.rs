//! Files that requests name.

use clorp_domain::FileDraft;
use serde::Deserialize;
use utoipa::ToSchema;

/// An upload of yours to attach. Only `id` is needed; whatever else is given must be as it was announced.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachmentRequest {
    /// What `POST /api/uploads` answered with.
    #[schema(value_type = String)]
    id: Option<String>,
    /// Its name.
    filename: Option<String>,
    /// Its media type.
    content_type: Option<String>,
    /// Its size in bytes.
    #[schema(minimum = 1)]
    size_bytes: Option<i64>,
    /// The SHA-256 of its bytes, in lower-case hex.
    sha256: Option<String>,
}

impl From<AttachmentRequest> for FileDraft {
    fn from(request: AttachmentRequest) -> Self {
        let AttachmentRequest { id, filename, content_type, size_bytes, sha256 } = request;
        Self { id, filename, content_type, size_bytes, sha256 }
    }
}

/// What a request has to say of files, which may be nothing.
pub fn file_drafts(files: Option<Vec<AttachmentRequest>>) -> Vec<FileDraft> {
    files.unwrap_or_default().into_iter().map(FileDraft::from).collect()
}
