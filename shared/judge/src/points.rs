//! Points: whole numbers from 0 to 100, used for every measure.

/// The share of `part` in `whole`, in points. It is 0 if `whole` is 0.
pub(crate) fn points(part: usize, whole: usize) -> u32 {
    let percent = part.saturating_mul(100).checked_div(whole).unwrap_or(0);
    u32::try_from(percent).unwrap_or(100).min(100)
}

/// The points lost for `excess` units, at `each` points per unit, up to `most`.
pub(crate) fn penalty(excess: usize, each: u32, most: u32) -> u32 {
    u32::try_from(excess).unwrap_or(u32::MAX).saturating_mul(each).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_stay_between_0_and_100() {
        for (part, whole, expect) in
            [(0, 0, 0), (5, 0, 0), (1, 3, 33), (3, 3, 100), (9, 3, 100), (usize::MAX, 1, 100)]
        {
            assert_eq!(points(part, whole), expect, "{part} of {whole}");
        }
    }
}
