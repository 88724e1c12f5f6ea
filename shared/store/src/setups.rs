//! Setups of payment methods.

use clorp_domain::{Error, SetupId, UserId};
use jiff::Timestamp;

use crate::items::keys;
use crate::items::setup::{BEGUN, DONE, write_setup};
use crate::table::item::s;
use crate::table::{Tx, Update};
use crate::{Conditional, Setups};

impl Setups<'_> {
    /// Records that a user sets up a payment method. A record that exists stays as it is. One write unit.
    pub async fn begin(self, user: &UserId, id: SetupId, now: Timestamp) -> Result<(), Error> {
        let mut update = Update::default();
        update.set_all(write_setup(now)?).require_new();
        self.table.update_if(keys::setup(user, id), update).await.map(|_| ())
    }

    /// Saves the payment method that a setup ended with. A conflict means that a setup begun later has saved
    /// one, that this one ended before, or that there is no record of it. Four write units.
    pub async fn finish(
        self,
        user: &UserId,
        id: SetupId,
        customer: &str,
        payment_method: &str,
    ) -> Result<Conditional<()>, Error> {
        let mut tx = Tx::default();
        tx.update(keys::setup(user, id)).require("status", "=", s(BEGUN)).set("status", s(DONE));
        tx.update(keys::user(user))
            .require_existing()
            .require_absent_or("payment_method_setup", "<", s(id.to_string()))
            .require_absent_or("stripe_customer_id", "=", s(customer))
            .set("stripe_customer_id", s(customer))
            .set("payment_method_id", s(payment_method))
            .set("payment_method_setup", s(id.to_string()))
            .remove("auto_topup_failures")
            .remove("auto_topup_last_failure");
        Ok(self.table.transact(tx).await?.conditional())
    }

    /// Tells whether there is a record of a setup. One round trip, 1 read unit.
    pub async fn exists(self, user: &UserId, id: SetupId) -> Result<bool, Error> {
        Ok(self.table.get(keys::setup(user, id)).await?.is_some())
    }
}
