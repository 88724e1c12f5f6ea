//! Files: first announced as uploads, then attached to drops and submissions.
//!
//! An upload belongs to the user who announced it. It can be attached any number of times until it expires.
//! An attached file is kept with its drop.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::text::{is_deceptive, shows_something};
use crate::time::after_seconds;
use crate::{FieldError, Rules, UploadId};

/// Longest file name, in characters.
const MAX_FILENAME_CHARS: usize = 255;
/// Longest media type, in bytes: two RFC 6838 names and the slash between them.
const MAX_CONTENT_TYPE_BYTES: usize = 127 + 1 + 127;
/// Permitted top-level media types: the registered ones for a single data file.
const TOP_LEVEL_TYPES: [&str; 7] = ["application", "audio", "font", "image", "model", "text", "video"];
/// Media types without active content in any viewer. Files of other types are served as plain bytes.
const INERT_TYPES: [&str; 12] = [
    "application/json",
    "audio/mpeg",
    "audio/wav",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/csv",
    "text/markdown",
    "text/plain",
    "video/mp4",
    "video/webm",
];
/// Media type of arbitrary bytes.
const BYTES: &str = "application/octet-stream";
/// Time for which an upload can be attached, in seconds. Its bytes are kept slightly longer.
const UPLOAD_SECONDS: u32 = 24 * 60 * 60;

/// A file's description, and the id under which its bytes are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Upload that provided the file.
    pub id: UploadId,
    /// File name for people. It has no path and is never used as a key.
    pub filename: String,
    /// Media type declared by the owner: `type/subtype` in lower case, without parameters.
    pub content_type: String,
    /// Size in bytes, at least 1.
    pub size_bytes: u64,
    /// SHA-256 of the bytes.
    pub sha256: [u8; 32],
}

/// A user's description of a file, not yet validated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileDraft {
    /// Id of the upload that provided the file.
    pub id: Option<String>,
    /// File name.
    pub filename: Option<String>,
    /// Media type.
    pub content_type: Option<String>,
    /// Size in bytes.
    pub size_bytes: Option<i64>,
    /// SHA-256 of the bytes, in hex.
    pub sha256: Option<String>,
}

impl Attachment {
    /// Validates the announcement of a file, which becomes the upload `id`.
    ///
    /// # Errors
    /// [`FieldError`] for the first field that is missing or breaks a rule.
    pub fn announced(draft: FileDraft, id: UploadId, rules: &Rules) -> Result<Self, FieldError> {
        Ok(Self {
            id,
            filename: checked_filename(draft.filename)?,
            content_type: checked_content_type(draft.content_type)?,
            size_bytes: checked_size(draft.size_bytes, rules.max_upload_bytes)?,
            sha256: checked_sha256(draft.sha256)?,
        })
    }

    /// The SHA-256 of the bytes, in lower-case hex.
    pub fn sha256_hex(&self) -> String {
        self.sha256.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The media type for serving the file. It is the declared one only if that type has no active content.
    pub fn served_type(&self) -> &str {
        if INERT_TYPES.contains(&self.content_type.as_str()) { &self.content_type } else { BYTES }
    }

    /// One line with the file's whole description, except its id.
    pub fn line(&self) -> String {
        format!("{} {} {} {}", self.sha256_hex(), self.size_bytes, self.content_type, self.filename)
    }

    /// The first field in which a draft contradicts this file.
    fn first_contradiction(&self, draft: &FileDraft) -> Option<&'static str> {
        let differs = |said: &Option<String>, is: &str| said.as_deref().is_some_and(|said| said != is);
        let size = draft.size_bytes.map(u64::try_from);
        [
            ("filename", differs(&draft.filename, &self.filename)),
            ("content_type", differs(&draft.content_type, &self.content_type)),
            ("size_bytes", size.is_some_and(|size| size != Ok(self.size_bytes))),
            ("sha256", differs(&draft.sha256, &self.sha256_hex())),
        ]
        .into_iter()
        .find_map(|(field, differs)| differs.then_some(field))
    }
}

/// A file that its owner may attach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Description of the file.
    pub file: Attachment,
    /// Time of the announcement.
    pub created_at: Timestamp,
    /// Time from which the file cannot be attached.
    pub expires_at: Timestamp,
}

impl Upload {
    /// Creates the upload of `file`, announced at `now`.
    pub fn new(file: Attachment, now: Timestamp) -> Self {
        Self { file, created_at: now, expires_at: after_seconds(now, UPLOAD_SECONDS) }
    }
}

/// The files named in a request: no duplicates, and at most the permitted number. Their existence is not yet
/// checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedFiles {
    field: &'static str,
    files: Vec<(UploadId, FileDraft)>,
}

impl NamedFiles {
    /// Validates the form of the list at `field`.
    ///
    /// # Errors
    /// [`FieldError`] for a list that is too long, and for the first file whose id is missing, malformed or
    /// repeated.
    pub fn new(field: &'static str, drafts: Vec<FileDraft>, rules: &Rules) -> Result<Self, FieldError> {
        if drafts.len() > rules.max_attachments {
            let message = format!("At most {} attachments are allowed", rules.max_attachments);
            return Err(FieldError::new(field, "too_many_attachments", message));
        }
        let (mut files, mut seen) = (Vec::with_capacity(drafts.len()), BTreeSet::new());
        for (at, draft) in drafts.into_iter().enumerate() {
            let place = || format!("{field}/{at}/id");
            let text = draft.id.as_deref().ok_or_else(|| {
                FieldError::new(place(), "attachment_id_required", "An attachment needs the id of its upload")
            })?;
            let id: UploadId = text.parse().map_err(|_| not_found(place()))?;
            if !seen.insert(id) {
                let message = "The same upload is attached twice";
                return Err(FieldError::new(place(), "duplicate_attachment", message));
            }
            files.push((id, draft));
        }
        Ok(Self { field, files })
    }

    /// The ids of the uploads, in the order of the request.
    pub fn ids(&self) -> impl Iterator<Item = UploadId> {
        self.files.iter().map(|(id, _)| *id)
    }

    /// True if no file is named.
    pub const fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Resolves the named files among the caller's existing `uploads`.
    ///
    /// # Errors
    /// [`FieldError`] for the first file that is missing, has expired, or contradicts its upload.
    pub fn among(
        &self,
        uploads: &BTreeMap<UploadId, Upload>,
        now: Timestamp,
    ) -> Result<Vec<Attachment>, FieldError> {
        let file = |(at, (id, draft)): (usize, &(UploadId, FileDraft))| {
            let upload = uploads.get(id).filter(|upload| now < upload.expires_at);
            let upload = upload.ok_or_else(|| not_found(self.place(at)))?;
            match upload.file.first_contradiction(draft) {
                None => Ok(upload.file.clone()),
                Some(field) => Err(FieldError::new(
                    format!("{}/{at}/{field}", self.field),
                    "attachment_mismatch",
                    "The upload was announced with another value",
                )),
            }
        };
        self.files.iter().enumerate().map(file).collect()
    }

    /// True if these are exactly the files `attached` before, in the same order.
    pub fn are(&self, attached: &[Attachment]) -> bool {
        let same = |((id, draft), file): (&(UploadId, FileDraft), &Attachment)| {
            *id == file.id && file.first_contradiction(draft).is_none()
        };
        self.files.len() == attached.len() && self.files.iter().zip(attached).all(same)
    }

    fn place(&self, at: usize) -> String {
        format!("{}/{at}/id", self.field)
    }
}

/// The error for the file at index `at` of the list at `field`, whose bytes are missing.
pub fn not_uploaded(field: &str, at: usize) -> FieldError {
    let message = "The file has not been uploaded: PUT it to the URL that its upload was answered with";
    FieldError::new(format!("{field}/{at}/id"), "attachment_not_uploaded", message)
}

/// The error for an upload that does not exist. Another user's upload gets the same one.
fn not_found(place: String) -> FieldError {
    FieldError::new(place, "attachment_not_found", "You have no such upload, or it has expired")
}

fn required(field: &str) -> FieldError {
    FieldError::new(format!("/{field}"), "field_required", format!("{field} is required"))
}

fn checked_filename(name: Option<String>) -> Result<String, FieldError> {
    let name = name.ok_or_else(|| required("filename"))?;
    let refused = |message| Err(FieldError::new("/filename", "invalid_filename", message));
    if !(1..=MAX_FILENAME_CHARS).contains(&name.chars().count()) {
        return refused("A file name has 1 to 255 characters");
    }
    if name.contains(['/', '\\']) {
        return refused("A file name has no path separators");
    }
    // Direction marks can make one file extension look like another.
    if !shows_something(&name) || name.contains(is_deceptive) {
        return refused(
            "A file name has no control characters, and none that are invisible or turn text around",
        );
    }
    if name == "." || name == ".." {
        return refused("A file name is not the name of a folder");
    }
    Ok(name)
}

fn checked_content_type(text: Option<String>) -> Result<String, FieldError> {
    let text = text.ok_or_else(|| required("content_type"))?;
    let fits = text.split_once('/').is_some_and(|(top, sub)| TOP_LEVEL_TYPES.contains(&top) && is_name(sub));
    if fits && text.len() <= MAX_CONTENT_TYPE_BYTES {
        return Ok(text);
    }
    let types = TOP_LEVEL_TYPES.join(", ");
    let message = format!(
        "A content type is type/subtype in lower case without parameters, such as text/plain; types are {types}"
    );
    Err(FieldError::new("/content_type", "invalid_content_type", message))
}

/// True for a lower-case name by RFC 6838, section 4.2.
fn is_name(text: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=127).contains(&text.len())
        && text.bytes().next().is_some_and(alphanumeric)
        && text.bytes().all(|byte| alphanumeric(byte) || b"!#$&-^_.+".contains(&byte))
}

fn checked_size(size: Option<i64>, most: u64) -> Result<u64, FieldError> {
    let size = size.ok_or_else(|| required("size_bytes"))?;
    match u64::try_from(size) {
        Ok(size) if (1..=most).contains(&size) => Ok(size),
        Ok(size) if size > most => {
            let message = format!("A file has at most {most} bytes");
            Err(FieldError::new("/size_bytes", "file_too_large", message))
        }
        _ => Err(FieldError::new("/size_bytes", "invalid_size", "A file has at least 1 byte")),
    }
}

fn checked_sha256(text: Option<String>) -> Result<[u8; 32], FieldError> {
    let text = text.ok_or_else(|| required("sha256"))?;
    sha256_from_hex(&text).ok_or_else(|| {
        FieldError::new("/sha256", "invalid_sha256", "A SHA-256 has 64 hexadecimal digits in lower case")
    })
}

/// Parses a digest from 64 lower-case hexadecimal digits.
pub fn sha256_from_hex(text: &str) -> Option<[u8; 32]> {
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != 64 || !text.bytes().all(lower) {
        return None;
    }
    let mut digest = [0; 32];
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use ulid::Ulid;

    use super::*;

    const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn id(n: u128) -> UploadId {
        UploadId::new(Ulid::from_parts(1, n))
    }

    fn draft() -> FileDraft {
        FileDraft {
            id: None,
            filename: Some("logo.png".to_owned()),
            content_type: Some("image/png".to_owned()),
            size_bytes: Some(10),
            sha256: Some(SHA256.to_owned()),
        }
    }

    fn named(id: UploadId) -> FileDraft {
        FileDraft { id: Some(id.to_string()), ..FileDraft::default() }
    }

    fn upload(n: u128) -> Upload {
        let file = Attachment::announced(draft(), id(n), &Rules::default()).unwrap();
        Upload::new(file, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_valid_announcement_is_accepted_unchanged() {
        let file = Attachment::announced(draft(), id(1), &Rules::default()).unwrap();
        assert_eq!(file.line(), format!("{SHA256} 10 image/png logo.png"));
        for name in ["ロゴ.png", "a b.tar.gz", ".env", "…", &"é".repeat(255)] {
            let draft = FileDraft { filename: Some(name.to_owned()), ..draft() };
            assert_eq!(Attachment::announced(draft, id(1), &Rules::default()).unwrap().filename, name);
        }
        for kind in ["application/vnd.ms-excel", "image/svg+xml", "text/x-c", "audio/3gpp2"] {
            let draft = FileDraft { content_type: Some(kind.to_owned()), ..draft() };
            assert_eq!(Attachment::announced(draft, id(1), &Rules::default()).unwrap().content_type, kind);
        }
    }

    #[test]
    fn each_rule_names_its_field() {
        let most = i64::try_from(Rules::default().max_upload_bytes).unwrap();
        let name = |name: &str| FileDraft { filename: Some(name.to_owned()), ..draft() };
        let kind = |kind: &str| FileDraft { content_type: Some(kind.to_owned()), ..draft() };
        let size = |size| FileDraft { size_bytes: Some(size), ..draft() };
        let sha256 = |sha256: &str| FileDraft { sha256: Some(sha256.to_owned()), ..draft() };
        let mut cases = vec![
            (FileDraft { filename: None, ..draft() }, "/filename", "field_required"),
            (FileDraft { content_type: None, ..draft() }, "/content_type", "field_required"),
            (FileDraft { size_bytes: None, ..draft() }, "/size_bytes", "field_required"),
            (FileDraft { sha256: None, ..draft() }, "/sha256", "field_required"),
            (size(0), "/size_bytes", "invalid_size"),
            (size(-1), "/size_bytes", "invalid_size"),
            (size(most + 1), "/size_bytes", "file_too_large"),
            (sha256(&SHA256.to_uppercase()), "/sha256", "invalid_sha256"),
            (sha256(&SHA256[1..]), "/sha256", "invalid_sha256"),
            (sha256(&SHA256.replace('e', "g")), "/sha256", "invalid_sha256"),
            (sha256(&"é".repeat(32)), "/sha256", "invalid_sha256"),
        ];
        let long = "x".repeat(256);
        for bad in [
            "",
            "a/b",
            "a\\b",
            "a\nb",
            "a\0",
            "\u{7f}",
            ".",
            "..",
            "a\u{202e}gnp.exe",
            "a\u{200b}",
            "\u{200d}",
            &long,
        ] {
            cases.push((name(bad), "/filename", "invalid_filename"));
        }
        let long = format!("text/{}", "x".repeat(128));
        for bad in [
            "",
            "text",
            "text/",
            "/plain",
            "text/plain; charset=utf-8",
            "Text/Plain",
            "text/a/b",
            "multipart/mixed",
            "message/rfc822",
            "text/.x",
            "text/plain\r\nx: y",
            &long,
        ] {
            cases.push((kind(bad), "/content_type", "invalid_content_type"));
        }
        for (draft, field, code) in cases {
            let error = Attachment::announced(draft.clone(), id(1), &Rules::default()).unwrap_err();
            assert_eq!((error.field.as_str(), error.code), (field, code), "{draft:?}");
        }
        assert!(Attachment::announced(size(most), id(1), &Rules::default()).is_ok());
    }

    #[test]
    fn files_with_active_content_are_served_as_bytes() {
        let served = |kind: &str| {
            let draft = FileDraft { content_type: Some(kind.to_owned()), ..draft() };
            Attachment::announced(draft, id(1), &Rules::default()).unwrap().served_type().to_owned()
        };
        for kind in
            ["text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript", "application/pdf"]
        {
            assert_eq!(served(kind), "application/octet-stream", "{kind}");
        }
        assert_eq!(served("image/png"), "image/png");
    }

    #[test]
    fn a_malformed_list_is_rejected_at_the_wrong_element() {
        let refused = |drafts: Vec<FileDraft>| {
            let error = NamedFiles::new("/attachments", drafts, &Rules::default()).unwrap_err();
            (error.field, error.code)
        };
        let lower = FileDraft { id: Some(id(31).to_string().to_lowercase()), ..FileDraft::default() };
        for (drafts, field, code) in [
            (vec![draft()], "/attachments/0/id", "attachment_id_required"),
            (vec![named(id(1)), lower], "/attachments/1/id", "attachment_not_found"),
            (vec![named(id(1)), named(id(2)), named(id(1))], "/attachments/2/id", "duplicate_attachment"),
            ((0..11).map(|n| named(id(n))).collect(), "/attachments", "too_many_attachments"),
        ] {
            assert_eq!(refused(drafts), (field.to_owned(), code));
        }
        let most =
            NamedFiles::new("/attachments", (0..10).map(|n| named(id(n))).collect(), &Rules::default());
        assert_eq!(most.unwrap().ids().count(), 10);
    }

    #[test]
    fn a_named_file_must_match_an_unexpired_upload() {
        let uploads = BTreeMap::from([(id(1), upload(1)), (id(2), upload(2))]);
        let among = |drafts: Vec<FileDraft>, seconds| {
            let now = Timestamp::from_second(seconds).unwrap();
            NamedFiles::new("/attachments", drafts, &Rules::default()).unwrap().among(&uploads, now)
        };
        let full = FileDraft { id: Some(id(1).to_string()), ..draft() };
        let files = among(vec![named(id(2)), full.clone()], 86_399).unwrap();
        assert_eq!(files, [upload(2).file, upload(1).file]);
        let contradicting = [
            ("filename", FileDraft { filename: Some("other".to_owned()), ..full.clone() }),
            ("content_type", FileDraft { content_type: Some("image/gif".to_owned()), ..full.clone() }),
            ("size_bytes", FileDraft { size_bytes: Some(-10), ..full.clone() }),
            ("sha256", FileDraft { sha256: Some("0".repeat(64)), ..full.clone() }),
        ];
        for (field, draft) in contradicting {
            let error = among(vec![named(id(2)), draft], 0).unwrap_err();
            assert_eq!((error.field, error.code), (format!("/attachments/1/{field}"), "attachment_mismatch"));
        }
        for (drafts, seconds) in [(vec![named(id(3))], 0), (vec![named(id(1))], 86_400)] {
            let error = among(drafts, seconds).unwrap_err();
            assert_eq!((error.field.as_str(), error.code), ("/attachments/0/id", "attachment_not_found"));
        }
    }

    #[test]
    fn files_are_equal_only_in_the_same_order() {
        let attached = [upload(1).file, upload(2).file];
        let are = |drafts: Vec<FileDraft>| {
            NamedFiles::new("/output_attachments", drafts, &Rules::default()).unwrap().are(&attached)
        };
        assert!(are(vec![named(id(1)), named(id(2))]));
        assert!(are(vec![FileDraft { id: Some(id(1).to_string()), ..draft() }, named(id(2))]));
        let other = FileDraft { filename: Some("x".to_owned()), ..named(id(2)) };
        for drafts in
            [vec![], vec![named(id(1))], vec![named(id(2)), named(id(1))], vec![named(id(1)), other]]
        {
            assert!(!are(drafts.clone()), "{drafts:?}");
        }
    }
}
