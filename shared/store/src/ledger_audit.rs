//! The books: every entry and every balance, for proving that they agree.

use std::collections::{BTreeMap, BTreeSet};

use clorp_domain::{
    Account, Cents, EntryId, Error, Reason, Status, Topup, TopupStatus, Withdrawal, WithdrawalStatus,
};

use crate::Store;
use crate::drops::read_drop;
use crate::fault::fault;
use crate::item::{Item, decode, parse};
use crate::ledger::{EntryItem, balance_of};
use crate::primary_key::{Key, LEDGER, TOPUP, UNAPPLIED_EVENT, WITHDRAWAL};
use crate::topups::read_topup;
use crate::unapplied_events::{UnappliedEvent, read_unapplied};
use crate::withdrawals::read_withdrawal;

/// All money there is, as the table has it at one time. Read while nothing writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerAudit {
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
    /// How often, and with what sum, wallets have an entry with each reason.
    pub reasons: BTreeMap<String, (usize, Cents)>,
    /// What was taken from each wallet that it may not have held.
    pub overdrawn: BTreeMap<Account, Cents>,
    /// Every top-up.
    pub topups: Vec<Topup>,
    /// Every withdrawal.
    pub withdrawals: Vec<Withdrawal>,
    /// The reports of Stripe's that were kept and not acted on since.
    pub unapplied: Vec<UnappliedEvent>,
}

impl LedgerAudit {
    /// What is wrong, one line each; empty when every cent is accounted for.
    pub fn discrepancies(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let nonzero = self.postings.iter().filter(|(_, sum)| **sum != Cents::ZERO);
        faults.extend(nonzero.map(|(posting, sum)| format!("posting {posting} sums to {sum}")));
        let accounts = self.entries.keys().chain(self.balances.keys()).chain(self.open_prices.keys());
        let kept = |account: &&Account| matches!(account, Account::User(_) | Account::Escrow(_));
        for account in accounts.filter(kept).collect::<BTreeSet<_>>() {
            self.check_account(account, &mut faults);
        }
        let revenue = self.entries.get(&Account::Platform).copied().unwrap_or_default();
        if revenue != self.fees {
            faults.push(format!("the platform took {revenue} where the fees are {}", self.fees));
        }
        self.check_stripe_objects(&mut faults);
        self.topups.iter().for_each(|topup| self.check_topup(topup, &mut faults));
        self.withdrawals.iter().for_each(|withdrawal| self.check_withdrawal(withdrawal, &mut faults));
        faults
    }

    /// The sum of the wallets' entries with this reason.
    pub fn sum_of(&self, reason: &Reason) -> Cents {
        self.reasons.get(&reason.to_string()).map(|(_, sum)| *sum).unwrap_or_default()
    }

    fn check_account(&self, account: &Account, faults: &mut Vec<String>) {
        let of = |map: &BTreeMap<Account, Cents>| map.get(account).copied().unwrap_or_default();
        let (entries, balance) = (of(&self.entries), of(&self.balances));
        if entries != balance {
            faults.push(format!("{account:?} holds {balance} but its entries sum to {entries}"));
        }
        // A wallet may owe what a bank has taken back, and no more.
        if balance < of(&self.overdrawn) {
            faults.push(format!("{account:?} holds {balance}"));
        }
        if matches!(account, Account::Escrow(_)) && balance != of(&self.open_prices) {
            faults.push(format!("{account:?} holds {balance} for {}", of(&self.open_prices)));
        }
    }

    fn check_stripe_objects(&self, faults: &mut Vec<String>) {
        for (reason, (times, _)) in &self.reasons {
            let once = reason.parse().is_ok_and(|reason| {
                matches!(
                    reason,
                    Reason::Topup(_)
                        | Reason::AutoTopup(_)
                        | Reason::Dispute(_)
                        | Reason::ChargebackWon(_)
                        | Reason::Withdraw(_)
                )
            });
            if once && *times > 1 {
                faults.push(format!("{reason} moved money {times} times"));
            }
        }
    }

    fn check_topup(&self, topup: &Topup, faults: &mut Vec<String>) {
        let stripe_id = topup.stripe_id.clone().unwrap_or_default();
        let reason = match topup.kind {
            clorp_domain::TopupKind::Checkout => Reason::Topup(stripe_id),
            clorp_domain::TopupKind::Auto => Reason::AutoTopup(stripe_id),
        };
        let due = if topup.status == TopupStatus::Paid { topup.amount } else { Cents::ZERO };
        let credited = self.sum_of(&reason);
        if credited != due {
            faults.push(format!("top-up {} credited {credited} where {due} were paid", topup.id));
        }
    }

    fn check_withdrawal(&self, withdrawal: &Withdrawal, faults: &mut Vec<String>) {
        let back = match withdrawal.status {
            WithdrawalStatus::Refused => withdrawal.amount,
            WithdrawalStatus::Pending | WithdrawalStatus::Paid => withdrawal.reversed,
        };
        let debited = self.sum_of(&Reason::Withdraw(withdrawal.id));
        let returned = self.sum_of(&Reason::WithdrawReversed(withdrawal.id));
        if debited.negated() != Ok(withdrawal.amount) || returned != back {
            faults.push(format!(
                "withdrawal {} of {} debited {debited} and returned {returned} where {back} came back",
                withdrawal.id, withdrawal.amount
            ));
        }
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
            _ => self.add_payment(&key.sk, item),
        }
    }

    fn add_payment(&mut self, sk: &str, item: Item) -> Result<(), Error> {
        if sk.starts_with(TOPUP) {
            self.topups.push(read_topup(item)?);
        } else if sk.starts_with(WITHDRAWAL) {
            self.withdrawals.push(read_withdrawal(item)?);
        } else if sk.starts_with(UNAPPLIED_EVENT) && !item.contains_key("settled_at") {
            self.unapplied.push(read_unapplied(item)?);
        }
        Ok(())
    }

    fn add_entry(&mut self, account: Account, posting: &str, item: Item) -> Result<(), Error> {
        let entry: EntryItem = decode(item)?;
        let delta = Cents::new(entry.delta_cents);
        let posting = parse("ledger id", posting)?;
        add(self.postings.entry(posting).or_default(), delta)?;
        add(self.entries.entry(account.clone()).or_default(), delta)?;
        if matches!(account, Account::User(_)) {
            let reason: Reason = parse("reason", &entry.reason)?;
            let (times, sum) = self.reasons.entry(entry.reason).or_default();
            *times += 1;
            add(sum, delta)?;
            if reason.may_overdraw() {
                add(self.overdrawn.entry(account).or_default(), delta)?;
            }
        }
        Ok(())
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
    pub async fn ledger_audit(&self) -> Result<LedgerAudit, Error> {
        let scan = self.client.scan().table_name(&self.table).consistent_read(true);
        let mut items = scan.into_paginator().items().send();
        let mut audit = LedgerAudit::default();
        while let Some(item) = items.next().await {
            audit.add(item.map_err(|e| fault("scan", e))?)?;
        }
        Ok(audit)
    }
}
