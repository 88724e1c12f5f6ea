//! Disputes, by Stripe's id for them.

use clorp_domain::{Dispute, DisputeStatus, Error, Posting};
use serde::{Deserialize, Serialize};

use crate::item::{decode, keyed, s};
use crate::primary_key::Key;
use crate::topups::{Moved, moved};
use crate::tx::Tx;
use crate::{Store, ledger};

#[derive(Debug, Serialize, Deserialize)]
struct DisputeItem {
    user_id: String,
    amount_cents: i64,
    status: String,
}

impl Store {
    /// The recorded status of a dispute; `None` if it is new to us. One round trip, 1 read unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn dispute_status(&self, id: &str) -> Result<Option<DisputeStatus>, Error> {
        let Some(item) = self.get(Key::dispute(id)).await? else {
            return Ok(None);
        };
        let item: DisputeItem = decode(item)?;
        item.status.parse().map(Some).map_err(|_| Error::internal("stored dispute cannot be read"))
    }

    /// Records a dispute's status, which was `recorded` before, together with the money that moves. Two write units,
    /// and six for a posting.
    ///
    /// # Errors
    /// Faults only.
    pub async fn record_dispute(
        &self,
        dispute: &Dispute,
        recorded: Option<DisputeStatus>,
        posting: Option<&Posting>,
    ) -> Result<Moved, Error> {
        let key = Key::dispute(&dispute.id);
        let mut tx = Tx::default();
        match recorded {
            None => {
                let item = DisputeItem {
                    user_id: dispute.user.to_string(),
                    amount_cents: dispute.amount.get(),
                    status: dispute.status.as_str().to_owned(),
                };
                let item = keyed(&key, &item)?;
                tx.create(key, item);
            }
            Some(recorded) => {
                tx.update(key)
                    .require("status", "=", s(recorded.as_str()))
                    .set("status", s(dispute.status.as_str()));
            }
        }
        if let Some(posting) = posting {
            ledger::post(&mut tx, posting)?;
        }
        moved(self.transact(tx).await)
    }
}
