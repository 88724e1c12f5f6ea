//! Disputes, by Stripe's id.

use clorp_domain::{Dispute, DisputeStatus, Error, Posting};

use crate::items::dispute::{read_dispute_status, write_dispute};
use crate::items::keys;
use crate::table::Tx;
use crate::table::item::s;
use crate::{Conditional, Disputes, ledger};

impl Disputes<'_> {
    /// The recorded status of a dispute; `None` if there is no record of it. One round trip, 1 read unit.
    pub async fn status(self, id: &str) -> Result<Option<DisputeStatus>, Error> {
        self.table.get(keys::dispute(id)).await?.map(read_dispute_status).transpose()
    }

    /// Records a dispute's status, which was `recorded` before, together with the money that moves. A
    /// conflict means that the record has changed since it was read. Two write units, and six for a posting.
    pub async fn record(
        self,
        dispute: &Dispute,
        recorded: Option<DisputeStatus>,
        posting: Option<&Posting>,
    ) -> Result<Conditional<()>, Error> {
        let key = keys::dispute(&dispute.id);
        let mut tx = Tx::default();
        match recorded {
            None => tx.create(key.clone(), write_dispute(&key, dispute)?),
            Some(recorded) => {
                tx.update(key)
                    .require("status", "=", s(recorded.as_str()))
                    .set("status", s(dispute.status.as_str()));
            }
        }
        if let Some(posting) = posting {
            ledger::post(&mut tx, posting)?;
        }
        Ok(self.table.transact(tx).await?.conditional())
    }
}
