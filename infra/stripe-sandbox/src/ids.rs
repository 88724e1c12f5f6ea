//! Identifiers in Stripe's format. They sort by age, so lists can page by identifier.

use clorp_random::random_range;

/// Digits in ASCII order, so that numbers of equal length sort as text.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Number of digits that encode an object's number: seven suffice for any sandbox. The first number lies in
/// the middle of the range, so that identifiers do not begin with zeros.
const ORDERED: usize = 7;
const FIRST: u64 = 1_234_567_890_123;

/// An identifier with `length` characters after `prefix`: the encoded `number`, then random characters.
pub fn ordered(prefix: &str, number: u64, length: usize) -> String {
    let mut rest = FIRST + number;
    let mut digits = [0; ORDERED];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[usize::try_from(rest % 62).unwrap_or_default()];
        rest /= 62;
    }
    let place = String::from_utf8_lossy(&digits).into_owned();
    format!("{prefix}{place}{}", random(length.saturating_sub(ORDERED)))
}

/// A string of `length` unpredictable characters.
pub fn random(length: usize) -> String {
    (0..length).map(|_| char::from(DIGITS[random_range(0..DIGITS.len())])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_sort_in_the_order_of_their_numbers_and_have_one_length() {
        let ids: Vec<_> = [0, 1, 61, 62, 5_000, 1_000_000].map(|n| ordered("tr_", n, 24)).into();
        assert!(ids.is_sorted(), "{ids:?}");
        assert!(ids.iter().all(|id| id.len() == 27 && id[3..].bytes().all(|b| b.is_ascii_alphanumeric())));
    }

    #[test]
    fn the_same_number_makes_different_identifiers() {
        assert_ne!(ordered("evt_", 1, 24), ordered("evt_", 1, 24));
    }
}
