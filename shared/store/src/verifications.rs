//! Verifications: each is written once.

use clorp_domain::{Error, UserId, Verification, VerificationId};

use crate::Verifications;
use crate::items::keys;
use crate::items::verification::{read_verification, write_verification};
use crate::table::{Commit, Update};

impl Verifications<'_> {
    /// Records a verification, and gives the recorded one: that of an earlier try of the same request stays
    /// as it is. One write unit for each KB of criteria, and one for the rest.
    pub async fn create(self, verification: Verification) -> Result<Verification, Error> {
        let key = keys::verification(&verification.owner, verification.id);
        let mut update = Update::default();
        update.set_all(write_verification(&verification)?).require_new();
        match self.table.update_if(key.clone(), update).await? {
            Commit::Applied => Ok(verification),
            Commit::Refused(mut refusals) => match refusals.take(&key) {
                Some(item) => read_verification(&verification.owner, verification.id, item),
                None => Err(refusals.unexpected("verification")),
            },
        }
    }

    /// A verification of `owner`. One round trip, 1 read unit per 4 KB.
    pub async fn get(self, owner: &UserId, id: VerificationId) -> Result<Option<Verification>, Error> {
        let item = self.table.get(keys::verification(owner, id)).await?;
        item.map(|item| read_verification(owner, id, item)).transpose()
    }
}
