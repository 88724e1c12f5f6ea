//! What holds for every amount.

use clorp_domain::{Cents, Rules};
use proptest::prelude::*;

proptest! {
    #[test]
    fn the_fee_is_a_part_of_the_price_that_follows_the_rule(price in 0..=i64::MAX / 10_000) {
        let fee = Rules::default().fee(Cents::new(price)).get();
        prop_assert!((0..=price).contains(&fee));
        prop_assert_eq!(fee, (price / 5 + 50).min(price));
    }

    #[test]
    fn a_price_is_clamped_into_the_bounds_and_then_stays(price in any::<i64>()) {
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
