//! The audit of the ledger: every entry and every balance, to prove that they agree.

use std::collections::{BTreeMap, BTreeSet};

use clorp_domain::{
    Account, Cents, EntryId, Error, Reason, Status, Topup, TopupStatus, Withdrawal, WithdrawalStatus,
};

use crate::Ledger;
use crate::items::drop::read_drop;
use crate::items::keys::{DROP, LEDGER, TOPUP, UNAPPLIED_EVENT, USER, WITHDRAWAL, drop_of_pk, user_of_pk};
use crate::items::posting::read_posting;
use crate::items::topup::read_topup;
use crate::items::unapplied_event::{SETTLED_AT, UnappliedEvent, read_unapplied};
use crate::items::user::read_user;
use crate::items::withdrawal::read_withdrawal;
use crate::table::item::{key_of, parse};
use crate::table::{Item, fault};

/// All money in the table at one time. Read while nothing writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerAudit {
    /// The sum of each posting's entries.
    pub postings: BTreeMap<EntryId, Cents>,
    /// The sum of each account's entries.
    pub entries: BTreeMap<Account, Cents>,
    /// The recorded balance of each wallet and each escrow.
    pub balances: BTreeMap<Account, Cents>,
    /// The prices of the drops that should hold an escrow.
    pub open_prices: BTreeMap<Account, Cents>,
    /// The fees of all completed drops.
    pub fees: Cents,
    /// The number and the sum of the wallets' entries with each reason.
    pub reasons: BTreeMap<String, (usize, Cents)>,
    /// The sum of each wallet's entries that may overdraw it.
    pub overdrawn: BTreeMap<Account, Cents>,
    /// The sum of each wallet's entries for payments that went back to the payer, or came back from there.
    pub taken_back: BTreeMap<Account, Cents>,
    /// The sum of each wallet's entries for winnings and withdrawals.
    pub won: BTreeMap<Account, Cents>,
    /// The recorded winnings of each wallet: released, held or contested, and not withdrawn.
    pub winnings: BTreeMap<Account, Cents>,
    /// Every top-up.
    pub topups: Vec<Topup>,
    /// Every withdrawal.
    pub withdrawals: Vec<Withdrawal>,
    /// The webhook events that were not applied.
    pub unapplied: Vec<UnappliedEvent>,
}

impl LedgerAudit {
    /// The discrepancies, one line each; empty when every cent is accounted for.
    pub fn discrepancies(&self) -> Vec<String> {
        let mut found = Vec::new();
        let nonzero = self.postings.iter().filter(|(_, sum)| **sum != Cents::ZERO);
        found.extend(nonzero.map(|(posting, sum)| format!("posting {posting} sums to {sum}")));
        let accounts = self.entries.keys().chain(self.balances.keys()).chain(self.open_prices.keys());
        let kept = |account: &&Account| matches!(account, Account::User(_) | Account::Escrow(_));
        for account in accounts.filter(kept).collect::<BTreeSet<_>>() {
            self.check_account(account, &mut found);
        }
        let revenue = self.entries.get(&Account::Platform).copied().unwrap_or_default();
        if revenue != self.fees {
            found.push(format!("the platform took {revenue} where the fees are {}", self.fees));
        }
        self.check_stripe_objects(&mut found);
        self.check_taken_back(&mut found);
        self.topups.iter().for_each(|topup| self.check_topup(topup, &mut found));
        self.withdrawals.iter().for_each(|withdrawal| self.check_withdrawal(withdrawal, &mut found));
        found
    }

    /// The sum of the wallets' entries with this reason.
    pub fn sum_of(&self, reason: &Reason) -> Cents {
        self.reasons.get(&reason.to_string()).map(|(_, sum)| *sum).unwrap_or_default()
    }

    fn check_account(&self, account: &Account, found: &mut Vec<String>) {
        let of = |map: &BTreeMap<Account, Cents>| map.get(account).copied().unwrap_or_default();
        let (entries, balance) = (of(&self.entries), of(&self.balances));
        if entries != balance {
            found.push(format!("{account:?} holds {balance} but its entries sum to {entries}"));
        }
        // A wallet may owe what a bank has taken back, and nothing else.
        if balance < of(&self.overdrawn) {
            found.push(format!("{account:?} holds {balance}"));
        }
        let (won, winnings) = (of(&self.won), of(&self.winnings));
        if won != winnings {
            found.push(format!("{account:?} records winnings of {winnings} where its entries leave {won}"));
        }
        if matches!(account, Account::Escrow(_)) && balance != of(&self.open_prices) {
            found.push(format!("{account:?} holds {balance} for {}", of(&self.open_prices)));
        }
    }

    fn check_stripe_objects(&self, found: &mut Vec<String>) {
        for (reason, (times, _)) in &self.reasons {
            let once = reason.parse().is_ok_and(|reason| {
                matches!(reason, Reason::Topup(_) | Reason::AutoTopup(_) | Reason::Withdraw(_))
            });
            if once && *times > 1 {
                found.push(format!("{reason} moved money {times} times"));
            }
        }
    }

    /// Checks that each wallet was debited exactly what went back of its top-ups.
    fn check_taken_back(&self, found: &mut Vec<String>) {
        let mut due: BTreeMap<Account, Cents> = BTreeMap::new();
        for topup in &self.topups {
            let Ok(back) = topup.taken_back.of(topup.amount) else { continue };
            let sum = due.entry(Account::User(topup.user.clone())).or_default();
            *sum = Cents::new(sum.get().saturating_sub(back.get()));
        }
        for account in due.keys().chain(self.taken_back.keys()).collect::<BTreeSet<_>>() {
            let of = |map: &BTreeMap<Account, Cents>| map.get(account).copied().unwrap_or_default();
            let (moved, due) = (of(&self.taken_back), of(&due));
            if moved != due {
                found.push(format!("{account:?} moved {moved} for payments taken back, where {due} is due"));
            }
        }
    }

    fn check_topup(&self, topup: &Topup, found: &mut Vec<String>) {
        let stripe_id = topup.stripe_id.clone().unwrap_or_default();
        let reason = match topup.kind {
            clorp_domain::TopupKind::Checkout => Reason::Topup(stripe_id),
            clorp_domain::TopupKind::Auto => Reason::AutoTopup(stripe_id),
        };
        let due = if topup.status == TopupStatus::Paid { topup.amount } else { Cents::ZERO };
        let credited = self.sum_of(&reason);
        if credited != due {
            found.push(format!("top-up {} credited {credited} where {due} were paid", topup.id));
        }
    }

    fn check_withdrawal(&self, withdrawal: &Withdrawal, found: &mut Vec<String>) {
        let back = match withdrawal.status {
            WithdrawalStatus::Refused => withdrawal.amount,
            WithdrawalStatus::Pending | WithdrawalStatus::Paid => withdrawal.reversed,
        };
        let debited = self.sum_of(&Reason::Withdraw(withdrawal.id));
        let returned = self.sum_of(&Reason::WithdrawReversed(withdrawal.id));
        if debited.negated() != Ok(withdrawal.amount) || returned != back {
            found.push(format!(
                "withdrawal {} of {} debited {debited} and returned {returned} where {back} came back",
                withdrawal.id, withdrawal.amount
            ));
        }
    }

    fn add(&mut self, item: Item) -> Result<(), Error> {
        let key = key_of(&item)?;
        match (user_of_pk(&key.pk), key.sk.as_str()) {
            (Some(user), sk) if sk.starts_with(LEDGER) => self.add_posting(Account::User(user), item),
            (Some(user), USER) => self.add_user(Account::User(user), item),
            (None, DROP) => match drop_of_pk(&key.pk) {
                Some(drop) => self.add_drop(Account::Escrow(drop), item),
                None => Err(Error::internal("a drop outside of its partition")),
            },
            (_, sk) => self.add_payment(sk, item),
        }
    }

    fn add_user(&mut self, account: Account, item: Item) -> Result<(), Error> {
        let user = read_user(item)?;
        let held = user.winnings.held.values().copied();
        let sum = held.chain([user.winnings.released, user.winnings.contested]);
        let sum = sum.map(Cents::get).fold(0_i64, i64::saturating_add);
        self.winnings.insert(account.clone(), Cents::new(sum));
        self.balances.insert(account, user.balance);
        Ok(())
    }

    fn add_payment(&mut self, sk: &str, item: Item) -> Result<(), Error> {
        if sk.starts_with(TOPUP) {
            self.topups.push(read_topup(item)?);
        } else if sk.starts_with(WITHDRAWAL) {
            self.withdrawals.push(read_withdrawal(item)?);
        } else if sk.starts_with(UNAPPLIED_EVENT) && !item.contains_key(SETTLED_AT) {
            self.unapplied.push(read_unapplied(item)?);
        }
        Ok(())
    }

    fn add_posting(&mut self, wallet: Account, item: Item) -> Result<(), Error> {
        let (line, others) = read_posting(item)?;
        let posting = self.postings.entry(line.id).or_default();
        add(posting, line.delta)?;
        add(self.entries.entry(wallet.clone()).or_default(), line.delta)?;
        for (account, delta) in others {
            add(posting, delta)?;
            add(self.entries.entry(account).or_default(), delta)?;
        }
        let reason: Reason = parse("reason", &line.reason)?;
        let (times, sum) = self.reasons.entry(line.reason).or_default();
        *times += 1;
        add(sum, line.delta)?;
        if reason.may_overdraw() {
            add(self.overdrawn.entry(wallet.clone()).or_default(), line.delta)?;
        }
        match reason {
            Reason::TopupRefund(_)
            | Reason::RefundFailed(_)
            | Reason::Dispute(_)
            | Reason::ChargebackWon(_) => add(self.taken_back.entry(wallet).or_default(), line.delta),
            Reason::Win(_) | Reason::Withdraw(_) | Reason::WithdrawReversed(_) => {
                add(self.won.entry(wallet).or_default(), line.delta)
            }
            Reason::Topup(_) | Reason::AutoTopup(_) | Reason::Drop(_) | Reason::Refund(_) => Ok(()),
        }
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

impl Ledger<'_> {
    /// Reads the whole table. For audits and tests, never for a request.
    pub async fn audit(self) -> Result<LedgerAudit, Error> {
        let mut items = self.table.scan().into_paginator().items().send();
        let mut audit = LedgerAudit::default();
        while let Some(item) = items.next().await {
            audit.add(item.map_err(|e| fault("scan", e))?)?;
        }
        Ok(audit)
    }
}
