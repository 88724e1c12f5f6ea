//! Owners: the accounts that share a card or a bank account, linked to the one that stands for all of them.
//!
//! A linked account names another account, which may be linked itself: the last one of the chain stands for
//! the owner. An account that is not linked stands for its own owner.

use clorp_deadline::{Decision, decide};
use clorp_domain::owner::{Link, OwnerMark};
use clorp_domain::{Error, User, UserId};
use futures::future::try_join;
use jiff::Timestamp;

use crate::Owners;
use crate::items::keys;
use crate::items::user::{OWNER_ID, read_user};
use crate::table::item::{at, parse, s, text};
use crate::table::{Tx, Update};

/// Accounts on the way from an account to its owner, at most.
const MAX_CHAIN: usize = 32;

impl Owners<'_> {
    /// The account that stands for a user's owner. No round trip for an account that is not linked; otherwise
    /// one, and 1 read unit, for each account on the way.
    pub async fn of(self, user: &User) -> Result<UserId, Error> {
        let Some(mut owner) = user.owner.clone() else {
            return Ok(user.id.clone());
        };
        for _ in 0..MAX_CHAIN {
            match self.user(&owner).await?.owner {
                Some(next) => owner = next,
                None => return Ok(owner),
            }
        }
        Err(Error::internal(format!("{} has too many accounts on the way to its owner", user.id)))
    }

    /// Links a user to a card or bank account. The first user seen with it keeps it; any other one, with all
    /// accounts that are linked to it, is linked to that first user. One round trip if nothing is new; two to
    /// record a mark, and three or more, with four write units, to link.
    ///
    /// Nothing is recorded for a user who does not exist.
    ///
    /// # Errors
    /// Faults only.
    pub async fn link(self, user: &UserId, mark: &OwnerMark, now: Timestamp) -> Result<Link, Error> {
        decide("an owner", (), |()| async move {
            let key = keys::owner_mark(mark);
            let account = self.table.get(keys::user(user));
            let (account, holder) = try_join(account, self.table.get(key.clone())).await?;
            let Some(account) = account.map(read_user).transpose()? else {
                return Ok(Decision::Made(Link::Known));
            };
            let Some(holder) = holder else {
                let mut update = Update::default();
                update.require_new().set(OWNER_ID, s(user.to_string())).set("created_at", at(now));
                let recorded = self.table.update_if(key, update).await?.conditional();
                return Ok(if recorded.is_applied() {
                    Decision::Made(Link::Known)
                } else {
                    Decision::Conflict(())
                });
            };
            let holder: UserId = parse(OWNER_ID, text(&holder, OWNER_ID).unwrap_or_default())?;
            if holder == *user {
                return Ok(Decision::Made(Link::Known));
            }
            let holder = self.user(&holder).await?;
            let (own, owner) = try_join(self.of(&account), self.of(&holder)).await?;
            if own == owner {
                return Ok(Decision::Made(Link::Known));
            }
            let mut tx = Tx::default();
            let update = tx.update(keys::user(&own)).require_existing().require_absent(OWNER_ID);
            update.set(OWNER_ID, s(owner.to_string())).set("linked_at", at(now));
            // Two accounts that are linked to each other at the same time would stand for nobody.
            tx.check(keys::user(&owner)).require_existing().require_absent(OWNER_ID);
            let linked = self.table.transact(tx).await?.conditional();
            Ok(if linked.is_applied() { Decision::Made(Link::Joined(owner)) } else { Decision::Conflict(()) })
        })
        .await
    }

    async fn user(self, id: &UserId) -> Result<User, Error> {
        let user = self.table.get(keys::user(id)).await?;
        read_user(user.ok_or_else(|| Error::internal(format!("the account {id} does not exist")))?)
    }
}
