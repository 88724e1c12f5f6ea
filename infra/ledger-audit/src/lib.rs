//! The audit of the ledger: proves that every cent is accounted for, in the table and at Stripe.

mod claims;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, anyhow};
use clorp_domain::{Account, Cents, Reason, TopupStatus, WithdrawalStatus};
use clorp_store::{LedgerAudit, Store};
use clorp_stripe_api::api::{Claim, Movement};
use clorp_stripe_api::{Failure, Stripe};
use jiff::Timestamp;
use serde::Serialize;

/// All movements of money at Stripe.
#[derive(Clone, Debug, Default)]
struct Statement {
    sessions: Vec<Movement>,
    intents: Vec<Movement>,
    transfers: Vec<Movement>,
    refunds: Vec<Claim>,
    disputes: Vec<Claim>,
}

/// A count, and a sum in cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Total {
    /// Number of items.
    pub count: usize,
    /// Sum of the items, in cents.
    pub cents: i64,
}

/// The figures of an audit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Postings, each of which sums to zero.
    pub postings: usize,
    /// Wallets, with the balances of users.
    pub wallets: Total,
    /// Unsettled drops, with the money in escrow for them.
    pub open_drops: Total,
    /// Fees of completed drops, in cents.
    pub fees_cents: i64,
    /// Sum of the external account's entries, in cents. Negative if more money came in than went out.
    pub external_cents: i64,
    /// Paid top-ups.
    pub paid_topups: Total,
    /// Paid withdrawals.
    pub paid_withdrawals: Total,
    /// Figures from Stripe's lists; `None` without access to Stripe.
    pub stripe: Option<StripeFigures>,
}

/// Figures from Stripe's lists, since the first record in the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StripeFigures {
    /// Paid Checkout sessions.
    pub paid_sessions: Total,
    /// Charges of saved cards.
    pub card_charges: Total,
    /// Transfers to users' accounts.
    pub transfers: Total,
    /// Refunds of payments, with what they returned. A failed one returned nothing.
    pub refunds: Total,
    /// Disputes of payments, with what the banks hold.
    pub disputes: Total,
}

/// The result of an audit.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Audit {
    /// Counts and sums.
    #[serde(flatten)]
    pub figures: Figures,
    /// Discrepancies, one line each; empty if every cent is accounted for.
    pub discrepancies: Vec<String>,
    /// Webhook events that were not applied, one line each. A person must look at them; they are no
    /// discrepancies.
    pub unapplied: Vec<String>,
}

/// Audits the table and, with access to Stripe, compares it with Stripe's lists.
///
/// # Errors
/// Fails if the table or Stripe cannot be read.
pub async fn audit(store: &Store, stripe: Option<&Stripe>) -> Result<Audit> {
    let ledger = store.ledger().audit().await.map_err(|error| anyhow!("{error:?}"))?;
    let unapplied = ledger.unapplied.iter();
    let unapplied = unapplied.map(|event| format!("{} about {}: {}", event.id, event.object, event.why));
    let mut audit = Audit {
        figures: figures(&ledger),
        discrepancies: ledger.discrepancies(),
        unapplied: unapplied.collect(),
    };
    let Some(stripe) = stripe else { return Ok(audit) };
    let statement = statement(stripe, &ledger).await?;
    audit.figures.stripe = Some(StripeFigures {
        paid_sessions: total(&statement.sessions),
        card_charges: total(&statement.intents),
        transfers: total(&statement.transfers),
        refunds: total_taken(&statement.refunds),
        disputes: total_taken(&statement.disputes),
    });
    audit.discrepancies.extend(compare(&ledger, &statement));
    audit.discrepancies.extend(claims::compare(&ledger, &statement));
    Ok(audit)
}

/// All movements at Stripe since the first record in the ledger.
async fn statement(stripe: &Stripe, ledger: &LedgerAudit) -> Result<Statement> {
    let begun = ledger.topups.iter().map(|topup| topup.created_at);
    let begun = begun.chain(ledger.withdrawals.iter().map(|withdrawal| withdrawal.created_at)).min();
    // Stripe's clock may run a little behind the ledger's.
    let since = begun.unwrap_or(Timestamp::UNIX_EPOCH).saturating_sub(jiff::SignedDuration::from_mins(5))?;
    let stripe_error = |failure: Failure| anyhow!("Stripe: {failure:?}");
    Ok(Statement {
        sessions: stripe.paid_sessions(since).await.map_err(stripe_error)?,
        intents: stripe.paid_intents(since).await.map_err(stripe_error)?,
        transfers: stripe.transfers(since).await.map_err(stripe_error)?,
        refunds: stripe.refunds(since).await.map_err(stripe_error)?,
        disputes: stripe.disputes(since).await.map_err(stripe_error)?,
    })
}

fn total(movements: &[Movement]) -> Total {
    let cents = movements.iter().map(|movement| movement.amount.get()).sum();
    Total { count: movements.len(), cents }
}

fn total_taken(claims: &[Claim]) -> Total {
    let cents = claims.iter().map(|claim| claim.taken.get()).sum();
    Total { count: claims.len(), cents }
}

fn figures(ledger: &LedgerAudit) -> Figures {
    let sum = |of: &dyn Fn(&Account) -> bool, map: &BTreeMap<Account, Cents>| {
        map.iter().filter(|(account, _)| of(account)).map(|(_, cents)| cents.get()).sum()
    };
    let total = |amounts: &mut dyn Iterator<Item = Cents>| {
        let add = |sum: Total, cents: Cents| Total { count: sum.count + 1, cents: sum.cents + cents.get() };
        amounts.fold(Total::default(), add)
    };
    let wallet = |account: &Account| matches!(account, Account::User(_));
    let wallets = ledger.balances.keys().filter(|account| wallet(account)).count();
    let escrow = |account: &Account| matches!(account, Account::Escrow(_));
    let paid = ledger.topups.iter().filter(|topup| topup.status == TopupStatus::Paid);
    let sent = ledger.withdrawals.iter().filter(|one| one.status == WithdrawalStatus::Paid);
    Figures {
        postings: ledger.postings.len(),
        wallets: Total { count: wallets, cents: sum(&wallet, &ledger.balances) },
        open_drops: Total { count: ledger.open_prices.len(), cents: sum(&escrow, &ledger.balances) },
        fees_cents: ledger.fees.get(),
        external_cents: sum(&|account| *account == Account::External, &ledger.entries),
        paid_topups: total(&mut paid.map(|topup| topup.amount)),
        paid_withdrawals: total(&mut sent.map(|one| one.amount)),
        stripe: None,
    }
}

/// The discrepancies between Stripe and the ledger.
fn compare(ledger: &LedgerAudit, statement: &Statement) -> Vec<String> {
    let mut discrepancies = Vec::new();
    let mut known = BTreeSet::new();
    let credits = statement.sessions.iter().map(|movement| (movement, Reason::Topup(movement.id.clone())));
    let charged = statement.intents.iter().map(|movement| (movement, Reason::AutoTopup(movement.id.clone())));
    for (movement, reason) in credits.chain(charged) {
        let credited = ledger.sum_of(&reason);
        if credited != movement.amount {
            discrepancies.push(format!("{reason} was paid {} and credited {credited}", movement.amount));
        }
        known.insert(reason.to_string());
    }
    for reason in ledger.reasons.keys().filter(|reason| names_stripe(reason) && !known.contains(*reason)) {
        discrepancies.push(format!("{reason} was credited, but Stripe has no such payment"));
    }
    let transfers: BTreeMap<&str, &Movement> =
        statement.transfers.iter().map(|movement| (movement.id.as_str(), movement)).collect();
    if transfers.len() != statement.transfers.len() {
        discrepancies.push("a withdrawal was transferred more than once".to_owned());
    }
    for withdrawal in &ledger.withdrawals {
        let id = withdrawal.id.to_string();
        let made = transfers.get(id.as_str());
        let fits = match (withdrawal.status, made) {
            (WithdrawalStatus::Paid, Some(made)) => {
                made.amount == withdrawal.amount && made.returned == withdrawal.reversed
            }
            (WithdrawalStatus::Pending, _) | (WithdrawalStatus::Refused, None) => true,
            (WithdrawalStatus::Paid, None) | (WithdrawalStatus::Refused, Some(_)) => false,
        };
        if !fits {
            discrepancies.push(format!(
                "withdrawal {id} is {} with {} of {} returned, and Stripe has {made:?}",
                withdrawal.status.as_str(),
                withdrawal.reversed,
                withdrawal.amount
            ));
        }
    }
    let ours: BTreeSet<String> =
        ledger.withdrawals.iter().map(|withdrawal| withdrawal.id.to_string()).collect();
    for id in transfers.keys().filter(|id| !ours.contains(**id)) {
        discrepancies.push(format!("Stripe made a transfer for withdrawal {id}, which is not in the ledger"));
    }
    discrepancies
}

/// True if a reason names a Stripe object that paid a wallet. The reason of seeded money does not.
fn names_stripe(reason: &str) -> bool {
    reason.starts_with("topup:cs_") || reason.starts_with("auto_topup:")
}
