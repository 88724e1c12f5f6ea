//! Files that requests name and answers show.

use std::collections::BTreeMap;

use clorp_domain::{Attachment, Error, NamedFiles, Upload, UploadId};
use futures::future::try_join_all;

use crate::App;
use crate::wire::AttachmentBody;

impl App {
    /// The named files, from now on kept for as long as the drop. Those of the `uploads` that the caller has are given.
    ///
    /// # Errors
    /// [`Error::Invalid`] for the first file that is not there as it was announced; faults.
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

    /// The files with addresses to read them at.
    pub(crate) async fn readable(&self, files: &[Attachment]) -> Result<Vec<AttachmentBody>, Error> {
        let now = self.context.clock.now();
        let mut bodies = Vec::with_capacity(files.len());
        for file in files {
            bodies.push(AttachmentBody::new(file, self.files.sign_get(file, now).await?));
        }
        Ok(bodies)
    }
}
