//! Uploads: the files that a user has announced, until they expire.

use std::collections::BTreeMap;

use clorp_domain::{Error, Upload, UploadId, UserId};

use crate::Uploads;
use crate::items::keys;
use crate::items::upload::{read_upload, write_upload};
use crate::table::{Freshness, Update};

impl Uploads<'_> {
    /// Records an upload. A record that exists was made by an earlier try of the same request, and stays as
    /// it is. One write unit.
    pub async fn create(self, owner: &UserId, upload: &Upload) -> Result<(), Error> {
        let mut update = Update::default();
        update.set_all(write_upload(upload)?).require_new();
        self.table.update_if(keys::upload(owner, upload.file.id), update).await.map(|_| ())
    }

    /// The uploads of `owner` among `ids`. One round trip, none for no ids; 1 read unit each.
    pub async fn get_many(
        self,
        owner: &UserId,
        ids: impl Iterator<Item = UploadId>,
    ) -> Result<BTreeMap<UploadId, Upload>, Error> {
        let keys = ids.map(|id| keys::upload(owner, id)).collect();
        let found = self.table.get_all(keys, Freshness::Strong).await?;
        found.into_iter().map(|(key, item)| read_upload(&key, item)).collect()
    }
}
