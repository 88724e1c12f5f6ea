//! The books: every entry and every balance, for proving that they agree.

use std::collections::BTreeMap;

use clorp_domain::{Account, Cents, EntryId, Error, Status};

use crate::Store;
use crate::drops::read_drop;
use crate::fault::fault;
use crate::item::{Item, decode};
use crate::key::{Key, LEDGER};
use crate::ledger::{EntryItem, balance_of};

/// All money there is, as the table has it at one time. Read while nothing writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// The sum of each posting's entries.
    pub postings: BTreeMap<EntryId, Cents>,
    /// The sum of each account's entries.
    pub entries: BTreeMap<Account, Cents>,
    /// What each wallet and each escrow says it holds.
    pub balances: BTreeMap<Account, Cents>,
    /// The prices of the drops that should hold an escrow.
    pub open_prices: BTreeMap<Account, Cents>,
    /// The fees of all completed drops.
    pub fees: Cents,
}

impl Books {
    /// What is wrong, one line each; empty when every cent is accounted for.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let zero = Cents::ZERO;
        for (posting, sum) in self.postings.iter().filter(|(_, sum)| **sum != zero) {
            faults.push(format!("posting {posting} sums to {sum}"));
        }
        let accounts = self.entries.keys().chain(self.balances.keys()).chain(self.open_prices.keys());
        let kept = |account: &&Account| matches!(account, Account::User(_) | Account::Escrow(_));
        for account in accounts.filter(kept).collect::<std::collections::BTreeSet<_>>() {
            let of = |map: &BTreeMap<Account, Cents>| map.get(account).copied().unwrap_or(zero);
            if of(&self.entries) != of(&self.balances) {
                faults.push(format!(
                    "{account:?} holds {} but its entries sum to {}",
                    of(&self.balances),
                    of(&self.entries)
                ));
            }
            if of(&self.balances) < zero {
                faults.push(format!("{account:?} holds {}", of(&self.balances)));
            }
            if matches!(account, Account::Escrow(_)) && of(&self.balances) != of(&self.open_prices) {
                faults.push(format!(
                    "{account:?} holds {} for {}",
                    of(&self.balances),
                    of(&self.open_prices)
                ));
            }
        }
        let revenue = self.entries.get(&Account::Platform).copied().unwrap_or(zero);
        if revenue != self.fees {
            faults.push(format!("the platform took {revenue} where the fees are {}", self.fees));
        }
        faults
    }

    fn add(&mut self, item: Item) -> Result<(), Error> {
        let Some(key) = Key::of_item(&item) else {
            return Err(Error::internal("item without a key"));
        };
        let account = Key::account_of(&key.pk);
        match (account, key.sk.strip_prefix(LEDGER)) {
            (Some(account), Some(posting)) => self.add_entry(account, posting, item),
            (Some(account @ Account::User(_)), None) if key.sk == "USER" => {
                self.balances.insert(account, balance_of(&item));
                Ok(())
            }
            (Some(account @ Account::Escrow(_)), None) if key.sk == "DROP" => self.add_drop(account, item),
            _ => Ok(()),
        }
    }

    fn add_entry(&mut self, account: Account, posting: &str, item: Item) -> Result<(), Error> {
        let delta = Cents::new(decode::<EntryItem>(item)?.delta_cents);
        let posting = crate::item::parse("ledger id", posting)?;
        add(self.postings.entry(posting).or_default(), delta)?;
        add(self.entries.entry(account).or_default(), delta)
    }

    fn add_drop(&mut self, account: Account, item: Item) -> Result<(), Error> {
        let drop = read_drop(item)?;
        self.balances.insert(account.clone(), drop.escrow);
        match drop.status {
            Status::Open | Status::Ranking => {
                self.open_prices.insert(account, drop.price);
                Ok(())
            }
            Status::Completed => add(&mut self.fees, drop.fee),
            Status::PendingPayment | Status::Cancelled | Status::Expired => Ok(()),
        }
    }
}

fn add(sum: &mut Cents, delta: Cents) -> Result<(), Error> {
    *sum = sum.plus(delta).map_err(|_| Error::internal("sum out of range"))?;
    Ok(())
}

impl Store {
    /// Reads the whole table. For audits and tests, never for a request.
    ///
    /// # Errors
    /// Faults, and items that cannot be read.
    pub async fn books(&self) -> Result<Books, Error> {
        let scan = self.client.scan().table_name(&self.table).consistent_read(true);
        let mut items = scan.into_paginator().items().send();
        let mut books = Books::default();
        while let Some(item) = items.next().await {
            books.add(item.map_err(|e| fault("scan", e))?)?;
        }
        Ok(books)
    }
}
