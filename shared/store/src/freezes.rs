//! Freezes: accounts that can neither withdraw nor post drops.

use clorp_domain::{Error, UserId};

use crate::items::freeze::{FreezeRecord, read_freeze, write_freeze};
use crate::items::keys;
use crate::items::keys::{FREEZE, user_pk};
use crate::items::user::{DISPUTES, FROZEN};
use crate::table::item::s;
use crate::table::{List, Tx, Update};
use crate::{Conditional, Freezes};

const LIST: &str = "freezes";

/// Requires that an account is not frozen.
pub(crate) fn require_unfrozen(user: &mut Update) -> &mut Update {
    user.require_absent(FROZEN).require_absent(DISPUTES)
}

impl Freezes<'_> {
    /// Records an operator's freeze of an account, or its end, which also ends the freezes by disputes. A
    /// conflict means that there is no such user. Four write units.
    pub async fn record(self, user: &UserId, record: &FreezeRecord) -> Result<Conditional<()>, Error> {
        let key = keys::freeze(user, record.at);
        let mut tx = Tx::default();
        let update = tx.update(keys::user(user));
        update.require_existing();
        if record.frozen {
            update.set(FROZEN, s(record.reason.clone()));
        } else {
            update.remove(FROZEN).remove(DISPUTES);
        }
        tx.create(key.clone(), write_freeze(&key, record)?);
        Ok(self.table.transact(tx).await?.conditional())
    }

    /// An account's freezes and their ends, newest first, at most 100. One round trip.
    pub async fn of(self, user: &UserId) -> Result<Vec<FreezeRecord>, Error> {
        let list = List { name: LIST, pk: user_pk(user), prefix: FREEZE };
        Ok(self.table.newest(list, 100, None).await?.try_map(read_freeze)?.items)
    }
}
