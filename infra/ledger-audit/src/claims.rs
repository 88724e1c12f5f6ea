//! The comparison of what was taken back from wallets with the refunds and disputes at Stripe.

use std::collections::BTreeMap;

use clorp_domain::{Cents, Reason};
use clorp_store::LedgerAudit;
use clorp_stripe_api::api::{Claim, Movement};

use crate::Statement;

/// The reasons of entries about a refund or a dispute. The id of Stripe's object follows: a charge for
/// `refund`, a refund for `refund_failed`, and a dispute for the others.
const KINDS: [&str; 4] = ["refund", "refund_failed", "dispute", "chargeback_won"];

/// A payment with the refunds and disputes about it.
#[derive(Debug)]
struct Payment<'a> {
    movement: &'a Movement,
    claims: Vec<&'a Claim>,
}

impl Payment<'_> {
    /// The amount that the payer has got back at Stripe. A wallet never gives back more than the payment.
    fn returned(&self) -> i64 {
        let claimed = self.claims.iter().map(|claim| claim.taken.get()).fold(0, i64::saturating_add);
        claimed.min(self.movement.amount.get())
    }

    /// The ids of all Stripe objects that events and entries about the payment may name.
    fn ids(&self) -> impl Iterator<Item = &str> {
        let claims = self.claims.iter().flat_map(|claim| [claim.id.as_str(), claim.charge.as_str()]);
        claims.chain(self.movement.intent.as_deref()).chain([self.movement.id.as_str()])
    }

    /// True if an event about the payment was not applied. The audit lists it anyway.
    fn waits(&self, ledger: &LedgerAudit) -> bool {
        ledger
            .unapplied
            .iter()
            .any(|event| self.ids().any(|id| event.object == id || event.body.contains(&format!("\"{id}\""))))
    }
}

/// The discrepancies between refunds and disputes at Stripe and the wallets' entries about them.
pub(crate) fn compare(ledger: &LedgerAudit, statement: &Statement) -> Vec<String> {
    let mut discrepancies = Vec::new();
    let mut taken = taken_by_object(ledger);
    for payment in payments(statement) {
        let ours: i64 = payment.ids().filter_map(|id| taken.remove(id)).sum();
        let returned = payment.returned();
        if ours != returned && !payment.waits(ledger) {
            discrepancies.push(format!(
                "payment {} of {} returned {returned} to the payer, and {ours} was taken from the wallet",
                payment.movement.id, payment.movement.amount,
            ));
        }
    }
    let unknown = taken.into_iter().filter(|(_, cents)| *cents != 0);
    discrepancies.extend(unknown.map(|(object, cents)| {
        format!("{cents} was taken from a wallet for {object}, but Stripe has no such refund or dispute")
    }));
    discrepancies
}

/// The payments of wallets, each with the claims about it.
fn payments(statement: &Statement) -> Vec<Payment<'_>> {
    let mut claims: BTreeMap<&str, Vec<&Claim>> = BTreeMap::new();
    for claim in statement.refunds.iter().chain(&statement.disputes) {
        claims.entry(&claim.intent).or_default().push(claim);
    }
    let movements = statement.sessions.iter().chain(&statement.intents);
    let payment = |movement| Payment { movement, claims: claims_of(&claims, movement) };
    movements.map(payment).collect()
}

fn claims_of<'a>(claims: &BTreeMap<&str, Vec<&'a Claim>>, movement: &Movement) -> Vec<&'a Claim> {
    movement.intent.as_deref().and_then(|intent| claims.get(intent)).cloned().unwrap_or_default()
}

/// The net amount in cents that entries about each Stripe object took from wallets.
fn taken_by_object(ledger: &LedgerAudit) -> BTreeMap<&str, i64> {
    let mut taken = BTreeMap::new();
    for (reason, (_, sum)) in &ledger.reasons {
        let Some((kind, object)) = reason.split_once(':') else { continue };
        // The refund of a drop has the same word, and names no charge.
        let of_drop = matches!(reason.parse(), Ok(Reason::Refund(_)));
        if KINDS.contains(&kind) && !of_drop {
            *taken.entry(object).or_default() -= Cents::get(*sum);
        }
    }
    taken
}
