//! The bank invariant of a history: no cent is made or lost, each acknowledged movement is there exactly
//! once, each one with an unknown outcome at most once, and nothing else is there.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Action, Answer, Entry, Fault, Final, History, Operation, Outcome, Sums};

/// The violations, one line each; empty if the history is accepted.
pub fn check(history: &History) -> Vec<String> {
    let operations = history.operations();
    let mut check = Check { history, operations: &operations, found: Vec::new() };
    check.sums();
    check.wallets();
    check.payments();
    check.withdrawals();
    check.topups();
    check.drops();
    check.explained();
    check.readings();
    check.monotone();
    check.deaths();
    check.found
}

/// The call and the end of a reading, in nanoseconds, with the page of the ledger that it shows.
type Reading<'a> = (u64, u64, &'a [Entry]);

struct Check<'a> {
    history: &'a History,
    operations: &'a [Operation],
    found: Vec<String>,
}

/// The entries with this reason in a user's wallet at the end.
fn entries<'a>(end: &'a Final, user: &str, reason: &str) -> Vec<&'a Entry> {
    let ledger = end.wallets.get(user).map(|wallet| wallet.ledger.as_slice()).unwrap_or_default();
    ledger.iter().filter(|entry| entry.reason == reason).collect()
}

impl Check<'_> {
    fn demand(&mut self, holds: bool, violation: impl FnOnce() -> String) {
        if !holds {
            self.found.push(violation());
        }
    }

    /// All accounts sum to zero at the end, and in the table on disk whenever its process was killed.
    fn sums(&mut self) {
        let end = &self.history.end;
        let images =
            self.history.images.iter().map(|image| (image.at_nanos, image.sums, &image.discrepancies));
        for (at, sums, discrepancies) in images.chain([(u64::MAX, end.sums, &end.discrepancies)]) {
            let Sums { wallets, escrow, platform, external } = sums;
            let sum = wallets + escrow + platform + external;
            let when = if at == u64::MAX { "at the end".to_owned() } else { format!("on disk at {at} ns") };
            self.demand(sum == 0, || format!("all accounts sum to {sum} {when}"));
            self.found.extend(discrepancies.iter().map(|what| format!("audit {when}: {what}")));
        }
    }

    /// A balance is the sum of its entries, and an id names one entry.
    fn wallets(&mut self) {
        for (user, wallet) in &self.history.end.wallets {
            let sum: i64 = wallet.ledger.iter().map(|entry| entry.delta_cents).sum();
            let balance = wallet.balance_cents;
            self.demand(sum == balance, || format!("{user} has {balance} and entries of {sum}"));
            self.demand(balance >= 0, || format!("{user} owes {balance}"));
            let ids: BTreeSet<&str> = wallet.ledger.iter().map(|entry| entry.id.as_str()).collect();
            self.demand(ids.len() == wallet.ledger.len(), || format!("{user} has an entry twice"));
        }
    }

    /// A price is debited exactly once if the payment was acknowledged, at most once if its outcome is
    /// unknown, and never if it was refused.
    fn payments(&mut self) {
        let end = &self.history.end;
        let mut paid: BTreeMap<(String, i64), Vec<&Outcome>> = BTreeMap::new();
        for operation in self.operations {
            let (Action::Post { price_cents } | Action::Pay { price_cents, .. }) = operation.action else {
                continue;
            };
            let user = operation.user.clone().unwrap_or_default();
            paid.entry((user, price_cents)).or_default().push(&operation.outcome);
        }
        for ((user, price), outcomes) in paid {
            let ledger = end.wallets.get(&user).map(|wallet| wallet.ledger.as_slice()).unwrap_or_default();
            let debits: Vec<&Entry> = ledger
                .iter()
                .filter(|entry| entry.reason.starts_with("drop:") && entry.delta_cents == -price)
                .collect();
            let acknowledged: BTreeSet<String> = outcomes
                .iter()
                .filter_map(|outcome| match outcome {
                    Outcome::Ok(Answer::Paid { drop }) => Some(format!("drop:{drop}")),
                    _ => None,
                })
                .collect();
            let unknown = outcomes.iter().filter(|outcome| ***outcome == Outcome::Unknown).count();
            let (least, most) = (acknowledged.len(), acknowledged.len().max(usize::from(unknown > 0)));
            let count = debits.len();
            self.demand((least..=most).contains(&count), || {
                format!("{user} was debited {price} {count} times, acknowledged {least}, unknown {unknown}")
            });
            for reason in acknowledged {
                let there = debits.iter().any(|entry| entry.reason == reason);
                self.demand(there, || format!("{user} has no entry {reason} of {price}"));
            }
        }
    }

    fn withdrawals(&mut self) {
        let end = &self.history.end;
        for operation in self.operations {
            let Action::Withdraw { amount_cents } = operation.action else { continue };
            let user = operation.user.as_deref().unwrap_or_default();
            let ledger = end.wallets.get(user).map(|wallet| wallet.ledger.as_slice()).unwrap_or_default();
            let of_amount =
                |entry: &&Entry| entry.reason.starts_with("withdraw:") && entry.delta_cents == -amount_cents;
            let count = ledger.iter().filter(of_amount).count();
            let right = match &operation.outcome {
                Outcome::Ok(Answer::Withdrawn { id }) => {
                    count == 1 && entries(end, user, &format!("withdraw:{id}")).len() == 1
                }
                // A refusal by Stripe leaves a debit, and the same amount back.
                Outcome::Fail { code, .. } if code == "withdrawal_refused" => count == 1,
                Outcome::Ok(_) | Outcome::Fail { .. } => count == 0,
                Outcome::Unknown => count <= 1,
            };
            let outcome = &operation.outcome;
            self.demand(right, || format!("{user} withdrew {amount_cents} {count} times: {outcome:?}"));
        }
    }

    /// A payment at Stripe is credited exactly once.
    fn topups(&mut self) {
        for operation in self.operations {
            let Action::PayIn { session, amount_cents } = &operation.action else { continue };
            let user = operation.user.as_deref().unwrap_or_default();
            let credits = entries(&self.history.end, user, &format!("topup:{session}"));
            let right = credits.len() == 1 && credits[0].delta_cents == *amount_cents;
            self.demand(right || operation.outcome == Outcome::Unknown, || {
                format!("{user} paid in {amount_cents} and was credited {credits:?}")
            });
        }
    }

    /// A drop holds at most its slots, and has ended. Its price was paid out, or went back, exactly once.
    fn drops(&mut self) {
        let (end, most) = (&self.history.end, self.history.start.max_claims);
        for (drop, last) in &end.drops {
            let of = |kind: &str| {
                let reason = format!("{kind}:{drop}");
                let all = end.wallets.values().flat_map(|wallet| &wallet.ledger);
                all.filter(|entry| entry.reason == reason).map(|entry| entry.delta_cents).collect::<Vec<_>>()
            };
            let (paid, won, back) = (of("drop"), of("win"), of("refund"));
            let returned: Vec<i64> = paid.iter().map(|delta| -delta).collect();
            let right = match last.status.as_str() {
                "completed" => {
                    paid.len() == 1 && back.is_empty() && won.as_slice() == last.payout_cents.as_slice()
                }
                "cancelled" | "expired" => won.is_empty() && back == returned,
                "pending_payment" => paid.is_empty() && won.is_empty() && back.is_empty(),
                _ => false,
            };
            self.demand(right, || {
                format!("drop {drop} is {}: paid {paid:?}, won {won:?}, back {back:?}", last.status)
            });
            self.demand(last.claims <= most, || format!("drop {drop} has {} claims", last.claims));
            let about = |operation: &&Operation| matches!(&operation.action, Action::Submit { drop: other } if other == drop);
            let workers = |keep: fn(&Operation) -> bool| {
                let mine = self.operations.iter().filter(about).filter(|operation| keep(operation));
                mine.filter_map(|operation| operation.user.clone()).collect::<BTreeSet<_>>().len()
            };
            let acknowledged = workers(|operation| matches!(operation.outcome, Outcome::Ok(_)));
            // A refused repetition does not tell what the first try did.
            let possible = workers(|operation| {
                !matches!(operation.outcome, Outcome::Fail { .. }) || !operation.unsure.is_empty()
            });
            let count = usize::try_from(last.submissions).unwrap_or(usize::MAX);
            self.demand((acknowledged..=possible).contains(&count), || {
                format!("drop {drop} has {count} submissions, of {acknowledged} to {possible}")
            });
        }
        for wallet in end.wallets.values() {
            for entry in &wallet.ledger {
                // A drop whose answer was lost is on no client's list, so nobody has claimed it.
                let Some(drop) = entry.reason.strip_prefix("drop:") else { continue };
                let refund = format!("refund:{drop}");
                let ended =
                    end.drops.contains_key(drop) || wallet.ledger.iter().any(|one| one.reason == refund);
                self.demand(ended, || format!("drop {drop} was paid, and nothing became of it"));
            }
        }
        for operation in self.operations {
            if let (Action::Cancel { drop }, Outcome::Ok(Answer::Drop { status, .. })) =
                (&operation.action, &operation.outcome)
            {
                let last = end.drops.get(drop).map(|last| last.status.clone()).unwrap_or_default();
                self.demand(last == *status, || {
                    format!("drop {drop} was {status}, and is {last} at the end")
                });
            }
        }
    }

    /// Every entry has a cause, and none comes twice.
    fn explained(&mut self) {
        let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
        for (user, wallet) in &self.history.end.wallets {
            for entry in &wallet.ledger {
                let (kind, object) = entry.reason.split_once(':').unwrap_or_default();
                let new = seen.insert((user.clone(), entry.reason.clone()));
                self.demand(new, || format!("{user} has {} twice", entry.reason));
                let explained = match kind {
                    "drop" => self.operations.iter().any(|operation| {
                        let mine = operation.user.as_ref() == Some(user);
                        mine && pays(&operation.action, -entry.delta_cents)
                    }),
                    "withdraw" => self.operations.iter().any(|operation| {
                        let wanted = Action::Withdraw { amount_cents: -entry.delta_cents };
                        operation.user.as_ref() == Some(user) && operation.action == wanted
                    }),
                    "topup" => self.operations.iter().any(|operation| {
                        matches!(&operation.action, Action::PayIn { session, amount_cents }
                            if entry.reason == format!("topup:{session}") && *amount_cents == entry.delta_cents)
                    }),
                    // The drops' own check compares amounts.
                    "win" => self.history.end.drops.contains_key(object) || wallet.ledger.last() == Some(entry),
                    "refund" | "withdraw_reversed" => {
                        let debit = if kind == "refund" { "drop" } else { "withdraw" };
                        let debits = entries(&self.history.end, user, &format!("{debit}:{object}"));
                        debits.len() == 1 && debits[0].delta_cents == -entry.delta_cents
                    }
                    _ => false,
                };
                self.demand(explained, || format!("{user} has {} without a request", entry.reason));
            }
        }
    }

    /// Every entry that a client has read stays, and every movement that was acknowledged before a complete
    /// reading is in it.
    fn readings(&mut self) {
        for reading in self.operations {
            let Outcome::Ok(Answer::Wallet { ledger, complete, .. }) = &reading.outcome else { continue };
            let user = reading.user.clone().unwrap_or_default();
            let last = self.history.end.wallets.get(&user).map(|wallet| wallet.ledger.as_slice());
            let last: BTreeSet<(&str, i64, &str)> = last.unwrap_or_default().iter().map(identity).collect();
            for entry in ledger {
                let kept = last.contains(&identity(entry));
                self.demand(kept, || format!("{user} has read {} and lost it", entry.reason));
            }
            let known: BTreeSet<&str> = ledger.iter().map(|entry| entry.reason.as_str()).collect();
            let earlier = self.operations.iter().filter(|operation| {
                operation.user.as_ref() == Some(&user) && operation.end.is_some_and(|end| end < reading.call)
            });
            for reason in earlier.filter(|_| *complete).filter_map(acknowledged_reason) {
                let there = known.contains(reason.as_str());
                self.demand(there, || format!("{user} has read a ledger without the earlier {reason}"));
            }
        }
    }

    /// An entry that one reading shows is in every later reading.
    fn monotone(&mut self) {
        let mut readings: BTreeMap<&str, Vec<Reading>> = BTreeMap::new();
        for reading in self.operations {
            if let (Outcome::Ok(Answer::Wallet { ledger, .. }), Some(end)) = (&reading.outcome, reading.end) {
                let user = reading.user.as_deref().unwrap_or_default();
                readings.entry(user).or_default().push((reading.call, end, ledger));
            }
        }
        for (user, readings) in readings {
            // Entries with the time at which a client had certainly seen them.
            let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
            for (_, end, ledger) in &readings {
                for entry in *ledger {
                    let first = seen.entry(&entry.id).or_insert(*end);
                    *first = (*first).min(*end);
                }
            }
            for (call, _, ledger) in readings {
                let shown: BTreeSet<&str> = ledger.iter().map(|entry| entry.id.as_str()).collect();
                // The page may end before an older entry.
                let oldest = shown.first().copied().unwrap_or_default();
                let missing =
                    seen.iter().find(|(id, at)| **at < call && **id > oldest && !shown.contains(**id));
                if let Some((id, _)) = missing {
                    self.found.push(format!("{user} has read entry {id}, and later a ledger without it"));
                }
            }
        }
    }

    /// Only faults of the run end an instance.
    fn deaths(&mut self) {
        for fault in &self.history.faults {
            if let Fault::Death { function, status, .. } = fault {
                self.found.push(format!("an instance of {function} ended by itself: {status}"));
            }
        }
    }
}

fn identity(entry: &Entry) -> (&str, i64, &str) {
    (&entry.id, entry.delta_cents, &entry.reason)
}

/// True if an action pays this price.
fn pays(action: &Action, price: i64) -> bool {
    matches!(action, Action::Post { price_cents } | Action::Pay { price_cents, .. } if *price_cents == price)
}

/// The reason of the entry that an acknowledged debit has made.
fn acknowledged_reason(operation: &Operation) -> Option<String> {
    match (&operation.action, &operation.outcome) {
        (Action::Post { .. } | Action::Pay { .. }, Outcome::Ok(Answer::Paid { drop })) => {
            Some(format!("drop:{drop}"))
        }
        (Action::Withdraw { .. }, Outcome::Ok(Answer::Withdrawn { id })) => Some(format!("withdraw:{id}")),
        _ => None,
    }
}
