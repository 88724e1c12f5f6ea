//! Sets of hashes. They are sorted, so comparing two of them takes one pass over both.

/// Computes a hash that is the same on every machine and in every release (FNV-1a with a final mix).
pub(crate) fn hash(bytes: impl IntoIterator<Item = u8>) -> u64 {
    let folded = bytes
        .into_iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    let mixed = (folded ^ (folded >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

/// Computes the hash of a sequence of hashes.
pub(crate) fn hash_all(hashes: &[u64]) -> u64 {
    hash(hashes.iter().flat_map(|h| h.to_le_bytes()))
}

/// A set of hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Set(Vec<u64>);

impl FromIterator<u64> for Set {
    fn from_iter<I: IntoIterator<Item = u64>>(hashes: I) -> Self {
        let mut sorted: Vec<u64> = hashes.into_iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        Self(sorted)
    }
}

impl Set {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn contains(&self, hash: u64) -> bool {
        self.0.binary_search(&hash).is_ok()
    }

    /// Counts the members that both sets have.
    pub(crate) fn shared(&self, other: &Self) -> usize {
        let mut rest = other.0.iter().peekable();
        let in_other = |hash: &&u64| {
            while rest.next_if(|next| next < hash).is_some() {}
            rest.peek() == Some(hash)
        };
        self.0.iter().filter(in_other).count()
    }

    /// Returns the members that `other` lacks.
    pub(crate) fn without(&self, other: &Self) -> Self {
        Self(self.0.iter().copied().filter(|hash| !other.contains(*hash)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_count_shared_members_and_subtract() {
        let of = |hashes: &[u64]| hashes.iter().copied().collect::<Set>();
        for (a, b, shared, without) in [
            (&[3, 1, 1, 2][..], &[2, 3, 9][..], 2, &[1][..]),
            (&[], &[1], 0, &[]),
            (&[1, 5], &[], 0, &[1, 5]),
            (&[7, 8], &[8, 7], 2, &[]),
        ] {
            assert_eq!(of(a).shared(&of(b)), shared, "{a:?} {b:?}");
            assert_eq!(of(a).without(&of(b)), of(without), "{a:?} {b:?}");
        }
    }
}
