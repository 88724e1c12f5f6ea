//! Ranges of whole numbers that a prompt allows.

/// A range with both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Smallest allowed number.
    pub(super) least: u32,
    /// Largest allowed number. [`u32::MAX`] stands for no limit.
    pub(super) most: u32,
    /// True if the prompt gives an approximate number.
    pub(super) about: bool,
}

impl Bounds {
    pub(super) const fn new(least: u32, most: u32) -> Self {
        Self { least, most, about: false }
    }

    pub(super) const fn exactly(number: u32) -> Self {
        Self::new(number, number)
    }

    /// The range from `below` percent under `number` to `above` percent over it, by at least one.
    pub(super) fn around(number: u32, below: u32, above: u32) -> Self {
        let part = |percent: u32| (number.saturating_mul(percent) / 100).max(1);
        let least = number.saturating_sub(part(below)).max(1);
        Self { least, most: number.saturating_add(part(above)), about: true }
    }

    /// The distance of `number` from the range in percent of the nearer limit, from 0 to 100. A number
    /// outside the range has a distance of at least 1.
    pub(super) fn excess(self, number: usize) -> u32 {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let (distance, limit) = if number < self.least {
            (self.least - number, self.least)
        } else if number > self.most {
            (number - self.most, self.most.max(1))
        } else {
            return 0;
        };
        let percent = u64::from(distance) * 100 / u64::from(limit);
        u32::try_from(percent).unwrap_or(100).clamp(1, 100)
    }

    /// The range in words, followed by `one` or `many`.
    pub(super) fn describe(self, one: &str, many: &str) -> String {
        let noun = |number: u32| if number == 1 { one } else { many };
        match (self.least, self.most) {
            (0 | 1, u32::MAX) => format!("at least 1 {one}"),
            (least, u32::MAX) => format!("at least {least} {}", noun(least)),
            (least, most) if self.about => {
                let middle = u32::midpoint(least, most);
                format!("about {middle} {}", noun(middle))
            }
            (least, most) if least == most => format!("exactly {most} {}", noun(most)),
            (0 | 1, most) => format!("at most {most} {}", noun(most)),
            (least, most) => format!("{least} to {most} {many}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excess_is_the_distance_in_percent() {
        let bounds = Bounds::new(50, 80);
        for (number, excess) in [(50, 0), (80, 0), (82, 2), (81, 1), (200, 100), (49, 2), (0, 100)] {
            assert_eq!(bounds.excess(number), excess, "{number}");
        }
    }

    #[test]
    fn a_range_is_put_in_words() {
        for (bounds, words) in [
            (Bounds::exactly(3), "exactly 3 items"),
            (Bounds::new(0, 80), "at most 80 items"),
            (Bounds::new(2, u32::MAX), "at least 2 items"),
            (Bounds::new(5, 7), "5 to 7 items"),
            (Bounds::around(100, 20, 20), "about 100 items"),
            (Bounds::exactly(1), "exactly 1 item"),
        ] {
            assert_eq!(bounds.describe("item", "items"), words);
        }
    }
}
