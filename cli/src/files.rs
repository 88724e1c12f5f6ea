//! Files: read, uploaded, and saved under a harmless name.

use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::api::calls::ANNOUNCE;
use crate::api::types::{Attachment, AttachmentRequest, UploadRequest};
use crate::api::{Api, Text};
use crate::clean::one_line;
use crate::failure::{Failure, Result};
use crate::output::{Output, Progress};

/// Media types by extension; the API decides which it accepts.
const MEDIA_TYPES: [(&str, &str); 22] = [
    ("bmp", "image/bmp"),
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("html", "text/html"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("md", "text/markdown"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("tar", "application/x-tar"),
    ("txt", "text/plain"),
    ("wav", "audio/wav"),
    ("webp", "image/webp"),
    ("xml", "application/xml"),
    ("zip", "application/zip"),
];

/// A file to upload.
#[derive(Debug)]
pub struct LocalFile {
    name: String,
    media_type: &'static str,
    bytes: Vec<u8>,
}

impl LocalFile {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(Self::new(name, bytes))
    }

    /// A file that exists in memory only.
    pub fn new(name: String, bytes: Vec<u8>) -> Self {
        let extension = Path::new(&name).extension().map(|e| e.to_string_lossy().to_lowercase());
        let known = MEDIA_TYPES.iter().find(|(known, _)| extension.as_deref() == Some(known));
        let guess =
            if std::str::from_utf8(&bytes).is_ok() { "text/plain" } else { "application/octet-stream" };
        let media_type = known.map_or(guess, |(_, media_type)| media_type);
        Self { name, media_type, bytes }
    }

    fn announcement(&self) -> UploadRequest {
        let sha256: String = Sha256::digest(&self.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        UploadRequest {
            filename: self.name.as_str().into(),
            content_type: self.media_type.into(),
            size_bytes: i64::try_from(self.bytes.len()).unwrap_or(i64::MAX),
            sha256: sha256.into(),
        }
    }
}

/// Reads files, so that a missing one is noticed before anything is sent.
pub fn read_all(paths: &[PathBuf]) -> Result<Vec<LocalFile>> {
    paths.iter().map(|path| LocalFile::read(path)).collect()
}

/// Uploads files, and returns what a request names them by.
pub async fn upload_all(api: &Api, output: &Output, files: &[LocalFile]) -> Result<Vec<AttachmentRequest>> {
    let mut uploaded = Vec::new();
    for file in files {
        let name = one_line(&file.name);
        let progress = Progress::spinner(output, &format!("uploading {name}"));
        let upload = api.send(ANNOUNCE.body(&file.announcement())).await?.value;
        api.upload(&upload.upload, &file.bytes).await?;
        drop(progress);
        uploaded.push(AttachmentRequest { id: upload.id });
    }
    Ok(uploaded)
}

/// Reads a text from a file, or from standard input for `-`.
pub fn read_text(path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        let read = std::io::stdin().read_to_end(&mut bytes);
        read.map_err(|error| Failure::local("reading standard input", &error))?;
    } else {
        bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    }
    String::from_utf8(bytes).map_err(|_| {
        let message = format!("{} is not UTF-8 text", one_line(&path.to_string_lossy()));
        Failure::usage(message).with_hint("attach it as a file")
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("{} cannot be read: {error}", one_line(&path.to_string_lossy())))
}

/// Downloads files into a folder, and returns their paths. Existing files are kept.
pub async fn save_all(api: &Api, files: &[Attachment], folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error: std::io::Error| Failure::local(format!("writing into {}", folder.display()), &error);
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut saved = Vec::new();
    for file in files {
        let bytes = api.download(&file.url).await?;
        let path = free_path(folder, &safe_name(&file.filename));
        std::fs::write(&path, &bytes).map_err(failed)?;
        saved.push(path);
    }
    Ok(saved)
}

/// A name that stays in its folder, hides nothing, and looks like no option: somebody else chose the file's.
fn safe_name(name: &Text) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
    let name: String = name.line().chars().map(|c| if is_plain(c) { c } else { '_' }).take(120).collect();
    let name = name.trim_matches([' ', '.', '-']);
    if name.is_empty() { "file".to_owned() } else { name.to_owned() }
}

/// The first path of this name in a folder that is not taken: `a.txt`, `a-2.txt`, `a-3.txt`.
fn free_path(folder: &Path, name: &str) -> PathBuf {
    let path = Path::new(name);
    let stem = path.file_stem().map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned());
    let extension = path.extension().map_or_else(String::new, |e| format!(".{}", e.to_string_lossy()));
    let numbered = (2..).map(|number| format!("{stem}-{number}{extension}"));
    let mut paths = std::iter::once(name.to_owned()).chain(numbered).map(|name| folder.join(name));
    paths.find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_stays_in_its_folder() {
        for (name, safe) in [
            ("notes.txt", "notes.txt"),
            ("../../.ssh/authorized_keys", "_.._.ssh_authorized_keys"),
            ("/etc/passwd", "_etc_passwd"),
            ("a\\b:c", "a_b_c"),
            ("-rf", "rf"),
            (".bashrc", "bashrc"),
            ("..", "file"),
            ("\u{202e}gpj.exe", "gpj.exe"),
            ("", "file"),
        ] {
            assert_eq!(safe_name(&name.into()), safe, "{name}");
        }
    }

    #[test]
    fn an_existing_file_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let name = |name: &str| free_path(folder.path(), name).file_name().unwrap().to_owned();
        assert_eq!(name("a.txt"), "a.txt");
        std::fs::write(folder.path().join("a.txt"), "").unwrap();
        assert_eq!(name("a.txt"), "a-2.txt");
    }

    #[test]
    fn a_media_type_follows_from_the_name_or_the_bytes() {
        let of = |name: &str, bytes: &[u8]| LocalFile::new(name.to_owned(), bytes.to_vec()).media_type;
        assert_eq!(of("a.PNG", b"x"), "image/png");
        assert_eq!(of("Makefile", b"all:"), "text/plain");
        assert_eq!(of("a.bin", &[0xff, 0xfe]), "application/octet-stream");
        assert!(MEDIA_TYPES.is_sorted());
    }
}
