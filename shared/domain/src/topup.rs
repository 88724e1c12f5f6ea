//! Top-ups: money that enters a wallet through Stripe.
//!
//! A top-up is recorded before Stripe is called, and its id is Stripe's idempotency key. The outcome arrives
//! in Stripe's response, in a webhook event or in a later query. Any of these may come first, and any may
//! repeat.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use crate::error::UnknownWord;
use crate::ledger::Unbalanced;
use crate::spend::{Day, Spent};
use crate::{Account, Cents, EntryId, FieldError, Posting, Reason, Rules, TakenBack, TopupId, UserId};

/// Age at which a top-up by Checkout that Stripe has not reported is looked up at Stripe. The pause before
/// the next look is the top-up's age then, so each look is twice as late as the one before it.
const FIRST_LOOK: SignedDuration = SignedDuration::from_hours(1);
/// Longest pause between two looks.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(24);
/// Age at which Stripe is asked for the last time. A session lives for a day, and a bank debit takes at most
/// four business days.
const LAST_LOOK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The way in which a top-up was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopupKind {
    /// The user pays on Stripe's Checkout page.
    Checkout,
    /// The wallet charges the saved card.
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

/// State of a top-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopupStatus {
    /// Started; the outcome is not known yet.
    Pending,
    /// The wallet was credited.
    Paid,
    /// Refused, or expired without a payment. If Stripe later reports a payment, the wallet is still
    /// credited.
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

/// A payment into a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topup {
    /// Id of the top-up, and Stripe's idempotency key.
    pub id: TopupId,
    /// User whose wallet is credited.
    pub user: UserId,
    /// The way in which it was started.
    pub kind: TopupKind,
    /// State of the top-up.
    pub status: TopupStatus,
    /// Amount of the payment.
    pub amount: Cents,
    /// Parts of the payment that went back to the payer.
    pub taken_back: TakenBack,
    /// Time of the start.
    pub created_at: Timestamp,
    /// Id of the Stripe object that pays, once known: a Checkout session, or a PaymentIntent for
    /// [`TopupKind::Auto`].
    pub stripe_id: Option<String>,
}

impl Topup {
    /// A top-up started at `now`.
    pub fn begun(id: TopupId, user: UserId, kind: TopupKind, amount: Cents, now: Timestamp) -> Self {
        Self {
            id,
            user,
            kind,
            status: TopupStatus::Pending,
            amount,
            taken_back: TakenBack::default(),
            created_at: now,
            stripe_id: None,
        }
    }

    /// The time at which Stripe is asked about this top-up, if no webhook event has reported it by then.
    pub fn first_look_at(&self) -> Timestamp {
        later(self.created_at, FIRST_LOOK)
    }

    /// The time of the next look after one at `now`; `None` if that was the last one.
    pub fn next_look_after(&self, now: Timestamp) -> Option<Timestamp> {
        let age = now.duration_since(self.created_at);
        (age < LAST_LOOK).then(|| later(now, age.clamp(FIRST_LOOK, LONGEST_PAUSE)))
    }

    /// The posting that credits the wallet with the payment of Stripe's object `stripe_id`.
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

    /// The posting that follows a change of what went back to the payer, to `after`: it debits the wallet if
    /// more went back, credits it if less, and is `None` if the amount is the same.
    ///
    /// # Errors
    /// [`Unbalanced`], which Stripe's amounts exclude.
    pub fn take_back(
        &self,
        after: &TakenBack,
        reason: Reason,
        id: EntryId,
        now: Timestamp,
    ) -> Result<Option<Posting>, Unbalanced> {
        let more = after.of(self.amount)?.minus(self.taken_back.of(self.amount)?)?;
        if more == Cents::ZERO {
            return Ok(None);
        }
        let (from, to) = (self.wallet(), Account::External);
        Posting::transfer(id, reason, now, from, to, more).map(Some)
    }

    fn wallet(&self) -> Account {
        Account::User(self.user.clone())
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}

/// Checks an amount to top up or withdraw. Unlike a drop's price, it is never clamped: the requested amount
/// is moved exactly or rejected.
///
/// # Errors
/// [`FieldError`] at `field` if the amount is missing or outside `least` to `most`.
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

/// Settings and state of a wallet's automatic top-ups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AutoTopup {
    /// True if automatic top-ups are on.
    pub enabled: bool,
    /// Amount of each charge.
    pub amount: Cents,
    /// Balance below which a charge starts.
    pub threshold: Cents,
    /// Most that the charges of one day in UTC may add up to; `None` for the default of
    /// [`AutoTopup::daily_limit`].
    pub chosen_daily_limit: Option<Cents>,
    /// Charges that were begun on the last day on which one was, declined ones included.
    pub charged: Spent,
    /// The charge in flight; at most one at a time.
    pub in_flight: Option<TopupId>,
    /// Number of charges refused in a row.
    pub failures: u32,
    /// Stripe's decline code for the last charge; `None` if that charge succeeded.
    pub last_failure: Option<String>,
}

impl AutoTopup {
    /// True if a charge would let a wallet that holds `available` pay `price`. A charge that would not
    /// suffice is not made.
    pub fn would_cover(&self, available: Cents, price: Cents) -> bool {
        self.enabled && available.plus(self.amount).is_ok_and(|then| then >= price)
    }

    /// Most that the charges of one day may add up to: the user's own limit, or ten charges, at most the
    /// rules' maximum.
    pub fn daily_limit(&self, rules: &Rules) -> Cents {
        let ten = Cents::new(self.amount.get().saturating_mul(10));
        self.chosen_daily_limit.unwrap_or(ten).min(rules.max_auto_topup_per_day)
    }

    /// True if the day's limit allows another charge at `now`.
    pub fn may_charge(&self, now: Timestamp, rules: &Rules) -> bool {
        let charged = self.charged.on(Day::of(now));
        charged.plus(self.amount).is_ok_and(|then| then <= self.daily_limit(rules))
    }

    /// True if a wallet that holds `balance` needs a top-up now.
    pub fn is_due(&self, balance: Cents) -> bool {
        self.enabled && self.in_flight.is_none() && balance < self.threshold
    }

    /// The settings after a refused charge. Too many refusals in a row switch automatic top-ups off.
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
    fn a_change_of_what_went_back_moves_only_the_difference() {
        let mut topup = topup();
        let reason = || Reason::TopupRefund("ch_1".to_owned());
        for (refunded, expect) in [(300, Some(-300)), (1000, Some(-700)), (1000, None), (400, Some(600))] {
            let after = TakenBack { refunded: Cents::new(refunded), ..TakenBack::default() };
            let id = EntryId::new(Ulid::from_parts(2, 2));
            let posting = topup.take_back(&after, reason(), id, topup.created_at).unwrap();
            assert_eq!(posting.as_ref().map(delta), expect, "{refunded}");
            topup.taken_back = after;
        }
    }

    #[test]
    fn an_amount_is_accepted_unchanged_or_rejected() {
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
    fn a_card_is_charged_only_if_the_charge_suffices() {
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
    fn charges_of_one_day_stay_within_its_limit() {
        let rules = Rules { max_auto_topup_per_day: Cents::new(50_000), ..Rules::default() };
        let now = topup().created_at;
        for (amount, limit, charged, allowed) in [
            (1000, None, 9000, true),
            (1000, None, 9001, false),
            (1000, Some(2500), 1500, true),
            (1000, Some(2500), 2000, false),
            (1000, Some(999), 0, false),
            (50_000, None, 0, true),
            (50_000, Some(i64::MAX), 1, false),
        ] {
            let day = Day::of(now);
            let settings = |day| AutoTopup {
                amount: Cents::new(amount),
                chosen_daily_limit: limit.map(Cents::new),
                charged: Spent { day, amount: Cents::new(charged) },
                ..AutoTopup::default()
            };
            assert_eq!(settings(day).may_charge(now, &rules), allowed, "{amount} {limit:?} {charged}");
            let yesterday = settings(Day::new(day.get() - 1)).may_charge(now, &rules);
            assert_eq!(yesterday, limit != Some(999), "{amount} {limit:?}: a new day");
        }
    }

    #[test]
    fn a_session_without_a_report_is_looked_up_ever_more_rarely_for_a_week() {
        let topup = topup();
        let hours = |at: Timestamp| at.duration_since(topup.created_at).as_hours();
        let mut looks = vec![hours(topup.first_look_at())];
        let mut now = topup.first_look_at();
        while let Some(next) = topup.next_look_after(now) {
            looks.push(hours(next));
            now = next;
        }
        assert_eq!(looks, [1, 2, 4, 8, 16, 32, 56, 80, 104, 128, 152, 176]);
    }

    #[test]
    fn repeated_refusals_switch_automatic_topups_off() {
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
