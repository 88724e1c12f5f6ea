//! Statistics of judged races.

/// Quantile of the normal distribution for an interval that covers 95 %.
const NORMAL_95: f64 = 1.959_963_985;

/// The 95 % interval by Wilson of a share: `right` out of `all`. From 0 to 1 without any observation.
pub fn wilson(right: usize, all: usize) -> [f64; 2] {
    if all == 0 {
        return [0.0, 1.0];
    }
    let (n, share, square) = (all as f64, share(right, all), NORMAL_95 * NORMAL_95);
    let centre = (share + square / (2.0 * n)) / (1.0 + square / n);
    let inner = share * (1.0 - share) / n + square / (4.0 * n * n);
    let margin = NORMAL_95 * inner.sqrt() / (1.0 + square / n);
    [(centre - margin).max(0.0), (centre + margin).min(1.0)]
}

/// The share of `right` in `all`, zero if there are none.
pub fn share(right: usize, all: usize) -> f64 {
    right as f64 / all.max(1) as f64
}

/// Kendall's rank correlation of two rankings, from -1 (reversed) to 1 (the same). Items that only one of
/// them ranks are left out. `None` if fewer than two items are left.
pub fn kendall(ranking: &[usize], order: &[usize]) -> Option<f64> {
    let places: Vec<usize> =
        order.iter().filter_map(|item| ranking.iter().position(|other| other == item)).collect();
    let pairs = || (0..places.len()).flat_map(|later| (0..later).map(move |earlier| (earlier, later)));
    let agrees = |(earlier, later): &(usize, usize)| places.get(*earlier) < places.get(*later);
    let (agreeing, all) = (pairs().filter(agrees).count(), pairs().count());
    (all > 0).then(|| 2.0 * share(agreeing, all) - 1.0)
}

/// The mean. `None` for no numbers.
pub fn mean(numbers: &[f64]) -> Option<f64> {
    (!numbers.is_empty()).then(|| numbers.iter().sum::<f64>() / numbers.len() as f64)
}

/// The smallest number that at least `percent` of all numbers do not exceed. `None` for no numbers.
pub fn percentile(numbers: &[f64], percent: usize) -> Option<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) -> bool {
        (found - expected).abs() < 5e-4
    }

    #[test]
    fn wilson_intervals_are_those_of_the_textbook() {
        for (right, all, low, high) in [
            (66, 110, 0.507, 0.687),
            (81, 263, 0.255, 0.366),
            (0, 10, 0.0, 0.278),
            (10, 10, 0.722, 1.0),
            (0, 0, 0.0, 1.0),
        ] {
            let [from, to] = wilson(right, all);
            assert!(near(from, low) && near(to, high), "{right} of {all}: {from} to {to}");
        }
    }

    #[test]
    fn kendall_is_one_for_the_same_ranking_and_minus_one_for_the_reversed_one() {
        assert_eq!(kendall(&[2, 0, 1], &[2, 0, 1]), Some(1.0));
        assert_eq!(kendall(&[2, 0, 1], &[1, 0, 2]), Some(-1.0));
        assert!(near(kendall(&[0, 1, 2], &[0, 2, 1]).unwrap(), 1.0 / 3.0));
        assert_eq!(
            kendall(&[0, 1, 2, 3], &[3, 1]),
            Some(-1.0),
            "items without a place in the order are ignored"
        );
        assert_eq!(kendall(&[0, 1], &[1]), None);
    }

    #[test]
    fn percentiles_are_numbers_of_the_sample() {
        let numbers = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(percentile(&numbers, 50), Some(3.0));
        assert_eq!(percentile(&numbers, 95), Some(5.0));
        assert_eq!(percentile(&numbers, 0), Some(1.0));
        assert_eq!((percentile(&[], 50), mean(&[])), (None, None));
        assert_eq!(mean(&numbers), Some(3.0));
    }
}
