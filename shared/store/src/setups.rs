//! The setting up of payment methods.

use clorp_domain::{Error, SetupId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::item::{encode, s};
use crate::primary_key::Key;
use crate::topups::{Moved, moved};
use crate::tx::{Tx, TxError, Update};

#[derive(Debug, Serialize, Deserialize)]
struct SetupItem {
    status: String,
    created_at: i64,
}

const BEGUN: &str = "begun";
const DONE: &str = "done";

impl Store {
    /// Records that a user sets up a payment method. One that is there already is left as it is. One write unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn begin_setup(&self, user: &UserId, id: SetupId, now: Timestamp) -> Result<(), Error> {
        let item = SetupItem { status: BEGUN.to_owned(), created_at: now.as_millisecond() };
        let mut update = Update::default();
        update.set_all(encode(&item)?).require_new();
        match self.update_if(Key::setup(user, id), update).await {
            Ok(()) | Err(TxError::Refused(_)) => Ok(()),
            Err(TxError::Fault(error)) => Err(error),
        }
    }

    /// Saves the payment method that a setup ended with, unless a setup begun later has saved one. `Changed` if that is
    /// so, if the setup ended before, or if there is none. Four write units.
    ///
    /// # Errors
    /// Faults only.
    pub async fn finish_setup(
        &self,
        user: &UserId,
        id: SetupId,
        customer: &str,
        payment_method: &str,
    ) -> Result<Moved, Error> {
        let mut tx = Tx::default();
        tx.update(Key::setup(user, id)).require("status", "=", s(BEGUN)).set("status", s(DONE));
        tx.update(Key::user(user))
            .require_existing()
            .require_absent_or("payment_method_setup", "<", s(id.to_string()))
            .require_absent_or("stripe_customer_id", "=", s(customer))
            .set("stripe_customer_id", s(customer))
            .set("payment_method_id", s(payment_method))
            .set("payment_method_setup", s(id.to_string()))
            .remove("auto_topup_failures")
            .remove("auto_topup_last_failure");
        moved(self.transact(tx).await)
    }

    /// Whether there is a record of a setup. One round trip, 1 read unit.
    ///
    /// # Errors
    /// Faults only.
    pub async fn has_setup(&self, user: &UserId, id: SetupId) -> Result<bool, Error> {
        Ok(self.get(Key::setup(user, id)).await?.is_some())
    }
}
