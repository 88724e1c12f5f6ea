//! Top-ups: money that enters a wallet through Stripe.
//!
//! A top-up is recorded before Stripe hears of it, and its id is Stripe's idempotency key. What then becomes of it is
//! learnt from Stripe's answer, its webhooks, or a later question, whichever comes first and however often.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::error::UnknownWord;
use crate::ledger::Unbalanced;
use crate::{Account, Cents, EntryId, FieldError, Posting, Reason, Rules, TopupId, UserId};

/// Who began a top-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopupKind {
    /// The user, who pays on Stripe's Checkout page.
    Checkout,
    /// The wallet itself, from the saved card.
    Auto,
}

impl TopupKind {
    /// The kind's word, as stored and as `metadata.type` at Stripe.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Checkout => "wallet_topup",
            Self::Auto => "auto_topup",
        }
    }
}

/// Where a top-up is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopupStatus {
    /// Begun; whether money comes is not known.
    Pending,
    /// The wallet was credited.
    Paid,
    /// Refused. Should Stripe report it paid all the same, the money counts.
    Failed,
}

impl TopupStatus {
    /// The status's word, as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for TopupKind {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        [Self::Checkout, Self::Auto].into_iter().find(|kind| kind.as_str() == word).ok_or(UnknownWord)
    }
}

impl FromStr for TopupStatus {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let all = [Self::Pending, Self::Paid, Self::Failed];
        all.into_iter().find(|status| status.as_str() == word).ok_or(UnknownWord)
    }
}

impl fmt::Display for TopupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A top-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topup {
    /// Which.
    pub id: TopupId,
    /// Whose wallet.
    pub user: UserId,
    /// Who began it.
    pub kind: TopupKind,
    /// Where it is.
    pub status: TopupStatus,
    /// How much.
    pub amount: Cents,
    /// What of it was paid back to the card.
    pub refunded: Cents,
    /// When it was begun.
    pub created_at: Timestamp,
    /// Stripe's object that pays it, once known: a Checkout session, or a PaymentIntent for [`TopupKind::Auto`].
    pub stripe_id: Option<String>,
}

impl Topup {
    /// A top-up that has just been begun.
    pub fn begun(id: TopupId, user: UserId, kind: TopupKind, amount: Cents, now: Timestamp) -> Self {
        Self {
            id,
            user,
            kind,
            status: TopupStatus::Pending,
            amount,
            refunded: Cents::ZERO,
            created_at: now,
            stripe_id: None,
        }
    }

    /// The posting that credits the wallet for what Stripe's object `stripe_id` paid.
    ///
    /// # Errors
    /// [`Unbalanced`], which the rules' bounds exclude.
    pub fn credit(&self, stripe_id: &str, id: EntryId, now: Timestamp) -> Result<Posting, Unbalanced> {
        let reason = match self.kind {
            TopupKind::Checkout => Reason::Topup(stripe_id.to_owned()),
            TopupKind::Auto => Reason::AutoTopup(stripe_id.to_owned()),
        };
        Posting::transfer(id, reason, now, Account::External, self.wallet(), self.amount)
    }

    /// The posting that takes back what `charge` has refunded beyond what was taken back before; `None` if that is
    /// nothing. Stripe reports the sum of all refunds of a charge, so reports may come late, twice or not in order.
    ///
    /// # Errors
    /// [`Unbalanced`], which amounts of Stripe's exclude.
    pub fn refund(
        &self,
        charge: &str,
        refunded: Cents,
        id: EntryId,
        now: Timestamp,
    ) -> Result<Option<Posting>, Unbalanced> {
        if refunded <= self.refunded {
            return Ok(None);
        }
        let (reason, more) = (Reason::TopupRefund(charge.to_owned()), refunded.minus(self.refunded)?);
        Posting::transfer(id, reason, now, self.wallet(), Account::External, more).map(Some)
    }

    fn wallet(&self) -> Account {
        Account::User(self.user.clone())
    }
}

/// Checks how much somebody wants to top up or withdraw. Unlike a drop's price it is never adjusted: what is charged
/// or sent is what was asked for.
///
/// # Errors
/// [`FieldError`] at `field` if there is no amount, or one outside `least` to `most`.
pub fn checked_amount(
    field: &str,
    cents: Option<i64>,
    least: Cents,
    most: Cents,
) -> Result<Cents, FieldError> {
    let Some(cents) = cents else {
        return Err(FieldError::new(field, "amount_required", "An amount in cents is required"));
    };
    let amount = Cents::new(cents);
    if amount < least {
        let message = format!("The amount must be at least {least} cents");
        return Err(FieldError::new(field, "amount_too_small", message));
    }
    if amount > most {
        let message = format!("The amount must be at most {most} cents");
        return Err(FieldError::new(field, "amount_too_large", message));
    }
    Ok(amount)
}

/// When a wallet tops itself up, and from what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AutoTopup {
    /// Whether it does.
    pub enabled: bool,
    /// How much is charged each time.
    pub amount: Cents,
    /// A debit that leaves less than this sets off a charge.
    pub threshold: Cents,
    /// The charge that is under way: at most one at a time.
    pub in_flight: Option<TopupId>,
    /// Charges refused in a row.
    pub failures: u32,
    /// Why the last one was refused, in Stripe's word; `None` after one that went through.
    pub last_failure: Option<String>,
}

impl AutoTopup {
    /// Whether charging the card would let a wallet that holds `available` pay `price`. A charge that would not is
    /// not made.
    pub fn would_cover(&self, available: Cents, price: Cents) -> bool {
        self.enabled && available.plus(self.amount).is_ok_and(|then| then >= price)
    }

    /// Whether a wallet that holds `balance` is to be topped up now.
    pub fn is_due(&self, balance: Cents) -> bool {
        self.enabled && self.in_flight.is_none() && balance < self.threshold
    }

    /// The settings after a refused charge: off once there were too many in a row.
    #[must_use]
    pub fn refused(&self, why: &str, rules: &Rules) -> Self {
        let failures = self.failures.saturating_add(1);
        Self {
            enabled: self.enabled && failures < rules.max_auto_topup_failures,
            in_flight: None,
            failures,
            last_failure: Some(why.to_owned()),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use ulid::Ulid;

    use super::*;

    fn topup() -> Topup {
        let id = TopupId::new(Ulid::from_parts(1, 1));
        let now = Timestamp::from_second(1_795_512_600).unwrap();
        Topup::begun(id, "ada".parse().unwrap(), TopupKind::Checkout, Cents::new(1000), now)
    }

    fn delta(posting: &Posting) -> i64 {
        let wallet = posting.entries().iter().find(|entry| matches!(entry.account, Account::User(_)));
        wallet.unwrap().delta.get()
    }

    #[test]
    fn refunds_are_taken_back_by_what_is_new_whatever_the_order_of_the_reports() {
        let mut topup = topup();
        let mut taken = 0;
        for (reported, expect) in [(300, Some(-300)), (300, None), (1000, Some(-700)), (600, None)] {
            let id = EntryId::new(Ulid::from_parts(2, 2));
            let posting = topup.refund("ch_1", Cents::new(reported), id, topup.created_at).unwrap();
            assert_eq!(posting.as_ref().map(delta), expect, "{reported}");
            taken += posting.as_ref().map_or(0, delta);
            topup.refunded = topup.refunded.max(Cents::new(reported));
        }
        assert_eq!(taken, -1000);
    }

    #[test]
    fn an_amount_is_taken_as_it_is_or_refused() {
        let check = |cents| checked_amount("/amount_cents", cents, Cents::new(500), Cents::new(100_000));
        for good in [500, 501, 100_000] {
            assert_eq!(check(Some(good)), Ok(Cents::new(good)));
        }
        for (bad, code) in [
            (None, "amount_required"),
            (Some(499), "amount_too_small"),
            (Some(0), "amount_too_small"),
            (Some(i64::MIN), "amount_too_small"),
            (Some(100_001), "amount_too_large"),
            (Some(i64::MAX), "amount_too_large"),
        ] {
            let error = check(bad).unwrap_err();
            assert_eq!((error.code, error.field.as_str()), (code, "/amount_cents"), "{bad:?}");
        }
    }

    #[test]
    fn a_card_is_charged_only_where_that_helps() {
        let settings = AutoTopup {
            enabled: true,
            amount: Cents::new(1000),
            threshold: Cents::new(500),
            ..AutoTopup::default()
        };
        for (available, price, covers) in
            [(0, 1000, true), (1, 1001, true), (0, 1001, false), (-200, 900, false)]
        {
            assert_eq!(
                settings.would_cover(Cents::new(available), Cents::new(price)),
                covers,
                "{available} {price}"
            );
        }
        assert!(settings.is_due(Cents::new(499)) && !settings.is_due(Cents::new(500)));
        let off = AutoTopup { enabled: false, ..settings.clone() };
        assert!(!off.is_due(Cents::ZERO) && !off.would_cover(Cents::ZERO, Cents::new(1)));
        let busy = AutoTopup { in_flight: Some(topup().id), ..settings };
        assert!(!busy.is_due(Cents::ZERO));
    }

    #[test]
    fn repeated_refusals_switch_it_off() {
        let rules = Rules::default();
        let mut settings = AutoTopup { enabled: true, ..AutoTopup::default() };
        let mut enabled = Vec::new();
        for _ in 0..rules.max_auto_topup_failures {
            settings = settings.refused("card_declined", &rules);
            enabled.push(settings.enabled);
        }
        assert_eq!(enabled, [true, true, false]);
        assert_eq!(settings.last_failure.as_deref(), Some("card_declined"));
    }
}
