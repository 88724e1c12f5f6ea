//! References to uploads in request bodies.

use clorp_domain::FileDraft;
use serde::Deserialize;
use utoipa::ToSchema;

/// An upload of yours to attach. Only `id` is required; any other field must equal what you announced.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachmentRequest {
    /// Identifier of the upload, from `POST /api/uploads`.
    #[schema(value_type = String)]
    id: Option<String>,
    /// Name of the file, as announced.
    filename: Option<String>,
    /// Media type of the file, as announced.
    content_type: Option<String>,
    /// Size of the file in bytes, as announced.
    #[schema(minimum = 1)]
    size_bytes: Option<i64>,
    /// SHA-256 of the file's bytes in lower-case hex, as announced.
    sha256: Option<String>,
}

impl From<AttachmentRequest> for FileDraft {
    fn from(request: AttachmentRequest) -> Self {
        let AttachmentRequest { id, filename, content_type, size_bytes, sha256 } = request;
        Self { id, filename, content_type, size_bytes, sha256 }
    }
}

/// The files that a request names; none if it leaves the list out.
pub fn file_drafts(files: Option<Vec<AttachmentRequest>>) -> Vec<FileDraft> {
    files.unwrap_or_default().into_iter().map(FileDraft::from).collect()
}
