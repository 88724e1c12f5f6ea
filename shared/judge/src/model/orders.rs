//! Orders in which a model reads the submissions.

/// Largest number of submissions of one question. It is the largest number of slots of a drop.
pub const MAX_SUBMISSIONS: usize = 20;

/// First characters of labels. Consonants form no words, and each label of an order has another one.
const FIRSTS: &[u8] = b"bcdfghjkmnpqrstvwxyz";

/// Other characters of labels and codes, without those that look like another.
const OTHERS: &[u8] = b"bcdfghjkmnpqrtvwxz2346789";

/// Length of a label.
const LABEL_LENGTH: usize = 5;

/// Length of a fence's code: 74 bits, more than the seed has.
const NONCE_LENGTH: usize = 16;

const _: () = assert!(FIRSTS.len() >= MAX_SUBMISSIONS);

/// One order in which a model reads the submissions, with the names that it knows them by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    index: usize,
    permutation: Vec<usize>,
    labels: Vec<String>,
    nonce: String,
}

impl Order {
    /// The order's place among those of its seed, from zero.
    pub const fn index(&self) -> usize {
        self.index
    }

    /// Indices of the submissions, the one that is read first at the front.
    pub fn permutation(&self) -> &[usize] {
        &self.permutation
    }

    /// Labels of the submissions in the order of reading. They say nothing and are sorted, so that a
    /// preference for early letters is the same as one for early places.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Code of the fences around the texts.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// The submission with this label; `None` for an invented label.
    pub fn submission(&self, label: &str) -> Option<usize> {
        let at = self.labels.iter().position(|known| known == label)?;
        self.permutation.get(at).copied()
    }
}

/// Draws `count` orders of so many submissions from a seed. No order if there are more than
/// [`MAX_SUBMISSIONS`].
///
/// The same seed always yields the same orders, and a larger count only adds orders at the end. So a stored
/// answer can be read again, and an undecided ranking can be given more readings.
///
/// With as many orders as submissions, or a multiple of it, each submission stands in each place equally
/// often. With other counts the difference is at most one. Each second such run is the one before it turned
/// by 180 degrees, so that each submission also follows each other one equally often.
///
/// The seed must be a random number that workers cannot know. Labels and codes are secret with it.
pub fn orders(seed: u64, submissions: usize, count: usize) -> Vec<Order> {
    if submissions > MAX_SUBMISSIONS {
        return Vec::new();
    }
    let mut base: Vec<usize> = (0..submissions).collect();
    shuffle(&mut base, &mut Draws::new(seed, 0));
    let order = |index: usize| {
        // The first stream draws the base.
        let mut draws = Draws::new(seed, index.saturating_add(1));
        let places = places(submissions, index);
        let permutation = places.iter().filter_map(|place| base.get(*place).copied()).collect();
        Order { index, permutation, labels: labels(submissions, &mut draws), nonce: nonce(&mut draws) }
    };
    (0..count).map(order).collect()
}

/// A row of a Williams square: a Latin square in which rows also balance who is read just before whom. Odd
/// runs of `n` rows are turned by 180 degrees.
fn places(n: usize, index: usize) -> Vec<usize> {
    let size = n.max(1);
    let (turned, row) = ((index / size) % 2 == 1, index % size);
    let row = if turned { size - 1 - row } else { row };
    let first = |at: usize| if at % 2 == 1 { at.div_ceil(2) } else { (size - at / 2) % size };
    let mut places: Vec<usize> = (0..n).map(|at| (first(at) + row) % size).collect();
    if turned {
        places.reverse();
    }
    places
}

fn labels(count: usize, draws: &mut Draws) -> Vec<String> {
    let mut firsts = FIRSTS.to_vec();
    shuffle(&mut firsts, draws);
    firsts.truncate(count);
    firsts.sort_unstable();
    let label = |first| {
        let others = (1..LABEL_LENGTH).map(|_| draws.pick(OTHERS));
        std::iter::once(char::from(first)).chain(others).collect()
    };
    firsts.into_iter().map(label).collect()
}

fn nonce(draws: &mut Draws) -> String {
    (0..NONCE_LENGTH).map(|_| draws.pick(OTHERS)).collect()
}

fn shuffle<T>(items: &mut [T], draws: &mut Draws) {
    for at in (1..items.len()).rev() {
        items.swap(at, draws.below(at + 1));
    }
}

/// SplitMix64. Own code, because stored answers are read by orders that are drawn again: the draws must not
/// change with the version of a crate, and `rand` promises that for no shuffle. Unpredictability comes from
/// the seed, and no draw is ever shown to a worker.
struct Draws(u64);

impl Draws {
    /// The stream of this number among the streams of a seed.
    fn new(seed: u64, stream: usize) -> Self {
        let stream = u64::try_from(stream).unwrap_or(u64::MAX);
        let mut draws = Self(seed ^ Self(stream).next());
        Self(draws.next())
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, by multiplication: its bias is far below one in a billion.
    fn below(&mut self, limit: usize) -> usize {
        let wide = u128::from(self.next()) * (limit as u128);
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    fn pick(&mut self, from: &[u8]) -> char {
        let at = self.below(from.len());
        from.get(at).copied().map_or('x', char::from)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// Number of times that each submission stands at each place.
    fn counts(orders: &[Order]) -> BTreeMap<(usize, usize), usize> {
        let mut counts = BTreeMap::new();
        for order in orders {
            for (place, submission) in order.permutation().iter().enumerate() {
                *counts.entry((*submission, place)).or_default() += 1;
            }
        }
        counts
    }

    #[test]
    fn orders_are_permutations_and_a_longer_list_begins_with_the_shorter_one() {
        for (seed, n) in (0..40).flat_map(|seed| (0..=MAX_SUBMISSIONS).map(move |n| (seed, n))) {
            let seven = orders(seed, n, 7);
            assert_eq!(seven[..3], orders(seed, n, 3));
            for (index, order) in seven.iter().enumerate() {
                assert_eq!(order.index(), index);
                let all: BTreeSet<usize> = order.permutation().iter().copied().collect();
                assert_eq!(all, (0..n).collect());
            }
        }
        assert_eq!(orders(1, MAX_SUBMISSIONS + 1, 3), []);
    }

    #[test]
    fn places_are_balanced_for_every_number_of_orders() {
        for (seed, n, count) in
            (0..20).flat_map(|seed| (1..=6).flat_map(move |n| (1..=14).map(move |count| (seed, n, count))))
        {
            let counts = counts(&orders(seed, n, count));
            for (submission, place) in (0..n).flat_map(|s| (0..n).map(move |p| (s, p))) {
                let times = counts.get(&(submission, place)).copied().unwrap_or(0);
                assert!((count / n..=count.div_ceil(n)).contains(&times), "{n} {count} {counts:?}");
            }
        }
    }

    #[test]
    fn two_submissions_alternate() {
        for seed in 0..50 {
            let orders = orders(seed, 2, 9);
            assert!(orders.windows(2).all(|pair| pair[0].permutation() != pair[1].permutation()));
        }
    }

    #[test]
    fn each_submission_follows_each_other_one_equally_often() {
        for n in 2..=6 {
            let mut followed = BTreeMap::new();
            for order in orders(7, n, 2 * n) {
                for pair in order.permutation().windows(2) {
                    *followed.entry((pair[0], pair[1])).or_insert(0) += 1;
                }
            }
            assert_eq!(followed.len(), n * (n - 1));
            assert!(followed.values().all(|times| *times == 2), "{n}: {followed:?}");
        }
    }

    #[test]
    fn the_first_place_is_drawn_evenly() {
        let mut firsts = [0; 5];
        for seed in 0..5000 {
            firsts[orders(seed, 5, 1)[0].permutation()[0]] += 1;
        }
        assert!(firsts.iter().all(|times| (900..1100).contains(times)), "{firsts:?}");
    }

    #[test]
    fn labels_are_unlike_each_other_and_fresh_in_every_order() {
        let (mut labels, mut nonces) = (BTreeSet::new(), BTreeSet::new());
        for order in (0..100).flat_map(|seed| orders(seed, 5, 7)) {
            assert!(order.labels().is_sorted());
            let firsts: BTreeSet<char> = order.labels().iter().filter_map(|l| l.chars().next()).collect();
            assert_eq!(firsts.len(), 5, "{:?}", order.labels());
            assert!(order.labels().iter().all(|label| label.len() == LABEL_LENGTH));
            labels.extend(order.labels().to_vec());
            nonces.insert(order.nonce().to_owned());
        }
        assert!(labels.len() > 3400, "{}", labels.len());
        assert_eq!(nonces.len(), 700);
    }

    #[test]
    fn draws_never_change() {
        let order = &orders(42, 3, 2)[1];
        assert_eq!(order.permutation(), [1, 2, 0]);
        assert_eq!(order.labels(), ["rx3pn", "vjh8b", "xk9v3"]);
        assert_eq!(order.nonce(), "6rt383ktnhp7jpwg");
    }

    #[test]
    fn a_label_names_its_submission() {
        let order = &orders(9, 4, 3)[2];
        for (label, submission) in order.labels().iter().zip(order.permutation()) {
            assert_eq!(order.submission(label), Some(*submission));
        }
        assert_eq!(order.submission("A"), None);
    }
}
