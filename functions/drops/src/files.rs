//! Files that requests attach and responses link to.

use std::collections::BTreeMap;

use clorp_domain::{Attachment, Error, NamedFiles, Upload, UploadId};
use futures::future::try_join_all;

use crate::App;
use crate::wire::AttachmentBody;

impl App {
    /// Keeps the named files for the lifetime of the drop. `uploads` are those of the caller's uploads that
    /// the request names.
    ///
    /// # Errors
    /// [`Error::Invalid`] for the first file that was not uploaded as announced; faults.
    pub(crate) async fn attached(
        &self,
        named: &NamedFiles,
        uploads: &BTreeMap<UploadId, Upload>,
    ) -> Result<Vec<Attachment>, Error> {
        let attachments = named.among(uploads, self.context.clock.now())?;
        let kept = try_join_all(attachments.iter().map(|file| self.files.keep(file))).await?;
        match kept.iter().position(|kept| !kept) {
            None => Ok(attachments),
            Some(at) => Err(named.not_uploaded(at).into()),
        }
    }

    /// The files, each with a signed URL to download it.
    pub(crate) async fn readable(&self, files: &[Attachment]) -> Result<Vec<AttachmentBody>, Error> {
        let now = self.context.clock.now();
        let mut bodies = Vec::with_capacity(files.len());
        for file in files {
            bodies.push(AttachmentBody::new(file, self.files.sign_get(file, now).await?));
        }
        Ok(bodies)
    }
}
