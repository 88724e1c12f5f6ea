//! Properties of prices, fees and sums, for any amount.

use clorp_domain::{Cents, Rules};
use proptest::prelude::*;

proptest! {
    #[test]
    fn the_fee_follows_its_formula_and_never_exceeds_the_price(price in 0..=i64::MAX / 10_000) {
        let fee = Rules::default().fee(Cents::new(price)).get();
        prop_assert!((0..=price).contains(&fee));
        prop_assert_eq!(fee, (price / 5 + 50).min(price));
    }

    #[test]
    fn clamping_a_price_is_idempotent_and_stays_within_the_bounds(price in any::<i64>()) {
        let rules = Rules::default();
        let clamped = rules.clamp_price(Cents::new(price));
        prop_assert!((100..=100_000).contains(&clamped.get()));
        prop_assert_eq!(rules.clamp_price(clamped), clamped);
        prop_assert!(!(100..=100_000).contains(&price) || clamped.get() == price);
    }

    #[test]
    fn sums_are_exact_or_refused(a in any::<i64>(), b in any::<i64>()) {
        let (left, right) = (Cents::new(a), Cents::new(b));
        prop_assert_eq!(left.plus(right).ok().map(Cents::get), a.checked_add(b));
        prop_assert_eq!(left.minus(right).ok().map(Cents::get), a.checked_sub(b));
    }
}
