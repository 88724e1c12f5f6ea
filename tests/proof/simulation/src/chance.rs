//! Decisions of a simulation: functions of the seed and of what they are about, so that leaving out one step
//! does not change the decisions about the others.

/// The stream of random numbers for one subject of one seed.
pub fn about(seed: u64, subject: u64, part: u64) -> fastrand::Rng {
    fastrand::Rng::with_seed(mix(mix(mix(seed) ^ subject) ^ part))
}

/// One of these values.
pub fn pick<T: Copy>(rng: &mut fastrand::Rng, values: &[T]) -> T {
    values[rng.usize(..values.len())]
}

/// Spreads the bits of a number over all bits (SplitMix64).
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
