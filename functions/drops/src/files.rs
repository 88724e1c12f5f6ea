//! Files that requests attach and responses link to.

use clorp_domain::attachments::not_uploaded;
use clorp_domain::{Attachment, Error};
use futures::future::try_join_all;

use crate::App;
use crate::wire::AttachmentBody;

impl App {
    /// Checks that the files of an unpaid drop were uploaded. They stay uploads, which expire, until somebody
    /// pays for the drop.
    ///
    /// # Errors
    /// [`Error::Invalid`] for the first file of the list at `field` that was not uploaded as announced;
    /// faults.
    pub(crate) async fn require_uploaded(&self, field: &str, files: &[Attachment]) -> Result<(), Error> {
        let uploaded = try_join_all(files.iter().map(|file| self.files.is_uploaded(file))).await?;
        require_all(field, &uploaded)
    }

    /// Keeps files for the lifetime of their drop.
    ///
    /// # Errors
    /// See [`App::require_uploaded`].
    pub(crate) async fn keep(&self, field: &str, files: &[Attachment]) -> Result<(), Error> {
        let kept = try_join_all(files.iter().map(|file| self.files.keep(file))).await?;
        require_all(field, &kept)
    }

    /// The files, each with a signed URL to download it: from its permanent place if it is `kept`, and
    /// otherwise from its place as an upload.
    pub(crate) async fn readable(
        &self,
        files: &[Attachment],
        kept: bool,
    ) -> Result<Vec<AttachmentBody>, Error> {
        let now = self.context.clock.now();
        let mut bodies = Vec::with_capacity(files.len());
        for file in files {
            let signed = if kept {
                self.files.sign_get(file, now).await
            } else {
                self.files.sign_get_upload(file, now).await
            };
            bodies.push(AttachmentBody::new(file, signed?));
        }
        Ok(bodies)
    }
}

fn require_all(field: &str, there: &[bool]) -> Result<(), Error> {
    match there.iter().position(|there| !there) {
        None => Ok(()),
        Some(at) => Err(not_uploaded(field, at).into()),
    }
}
