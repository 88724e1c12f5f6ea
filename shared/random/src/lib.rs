//! Randomness of ids, secrets, tokens and pauses. It comes from the operating system's generator, unless a
//! simulation has seeded the thread.

use std::cell::RefCell;

use rand::distr::uniform::{SampleRange, SampleUniform};
use rand::distr::{Distribution, StandardUniform};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

thread_local! {
    static SEEDED: RefCell<Option<StdRng>> = const { RefCell::new(None) };
}

/// A random value, such as an integer with every bit random.
pub fn random<T>() -> T
where
    StandardUniform: Distribution<T>,
{
    seeded(|rng| rng.random()).unwrap_or_else(rand::random)
}

/// A random value of a range.
///
/// # Panics
/// If the range is empty.
pub fn random_range<T, R>(range: R) -> T
where
    T: SampleUniform,
    R: SampleRange<T> + Clone,
{
    seeded(|rng| rng.random_range(range.clone())).unwrap_or_else(|| rand::random_range(range))
}

/// Makes all later randomness of this thread a function of `seed`. Only simulations may call this: ids and
/// secrets become predictable.
pub fn seed_thread(seed: u64) {
    SEEDED.set(Some(StdRng::seed_from_u64(seed)));
}

fn seeded<T>(draw: impl FnOnce(&mut StdRng) -> T) -> Option<T> {
    SEEDED.with_borrow_mut(|rng| rng.as_mut().map(draw))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws from a new thread, so that no other test sees its seed.
    fn drawn(seed: Option<u64>) -> (u128, u32) {
        let draw = move || {
            seed.into_iter().for_each(seed_thread);
            (random(), random_range(0..1_000_000))
        };
        std::thread::spawn(draw).join().unwrap()
    }

    #[test]
    fn a_seed_decides_all_later_values_of_its_thread() {
        assert_eq!(drawn(Some(1)), drawn(Some(1)));
        assert_ne!(drawn(Some(1)), drawn(Some(2)));
    }

    #[test]
    fn values_of_a_thread_without_a_seed_differ() {
        assert_ne!(drawn(None), drawn(None));
    }
}
