//! Numbers, exactly.

use std::cmp::Ordering;

/// Significant digits of a number.
const DIGITS: u32 = 38;
/// The exponents of the first digit that the range allows, from 1E-130 to 9.99…E+125.
const MAGNITUDES: std::ops::RangeInclusive<i32> = -130..=125;

/// A decimal number: `coefficient × 10^exponent`, of at most 38 significant digits. The coefficient does not
/// end in a zero, and the exponent of zero is zero, so equal numbers have equal fields.
///
/// Source: Amazon DynamoDB Developer Guide, "Supported data types and naming rules in Amazon DynamoDB",
/// section "Number".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    coefficient: i128,
    exponent: i32,
}

impl Number {
    /// Reads a number. `None` for a text that is no number, or for one outside precision or range.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // An integer below 10^18 fits a machine word, in which division is fast.
        if text.len() <= 18
            && let Ok(mut small) = text.parse::<i64>()
        {
            let mut exponent = 0;
            while small != 0 && small % 10 == 0 {
                small /= 10;
                exponent += 1;
            }
            return Some(Self { coefficient: small.into(), exponent });
        }
        Self::parse_any(text)
    }

    fn parse_any(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok().filter(|e| e.abs() < 100_000)?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.as_bytes().first()? {
            b'-' => (true, &mantissa[1..]),
            b'+' => (false, &mantissa[1..]),
            _ => (false, mantissa),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = || whole.bytes().chain(fraction.bytes());
        if all().next().is_none() || !all().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let significant: Vec<u8> = all().skip_while(|byte| *byte == b'0').collect();
        let kept = significant.iter().rposition(|byte| *byte != b'0').map_or(0, |last| last + 1);
        if kept > DIGITS as usize {
            return None;
        }
        let coefficient =
            significant[..kept].iter().fold(0_i128, |sum, digit| sum * 10 + i128::from(digit - b'0'));
        let dropped = i32::try_from(significant.len() - kept).ok()?;
        let exponent = exponent - i32::try_from(fraction.len()).ok()? + dropped;
        Self { coefficient: if negative { -coefficient } else { coefficient }, exponent }.normal()
    }

    /// The number in its normal form; `None` outside precision or range.
    fn normal(mut self) -> Option<Self> {
        if self.coefficient == 0 {
            return Some(Self { coefficient: 0, exponent: 0 });
        }
        while self.coefficient % 10 == 0 {
            self.coefficient /= 10;
            self.exponent += 1;
        }
        (self.digits() <= DIGITS && MAGNITUDES.contains(&self.magnitude())).then_some(self)
    }

    fn digits(self) -> u32 {
        self.coefficient.unsigned_abs().checked_ilog10().map_or(0, |log| log + 1)
    }

    /// The exponent of the first digit.
    fn magnitude(self) -> i32 {
        self.exponent + self.digits() as i32 - 1
    }

    /// The sum. `None` if it needs more digits than a number has, or lies outside the range.
    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        if self.coefficient == 0 || other.coefficient == 0 {
            return Some(if self.coefficient == 0 { other } else { self });
        }
        let (high, low) = if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        // The last digit of `low` stays the last of the sum, so a sum that does not fit has too many digits.
        let shift = u32::try_from(high.exponent - low.exponent).ok()?;
        let scaled = 10_u128.checked_pow(shift)?.checked_mul(high.coefficient.unsigned_abs())?;
        let (a, b) = (scaled, low.coefficient.unsigned_abs());
        let negative = high.coefficient < 0;
        let (size, negative) = match (negative == (low.coefficient < 0), a >= b) {
            (true, _) => (a.checked_add(b)?, negative),
            (false, true) => (a - b, negative),
            (false, false) => (b - a, !negative),
        };
        let size = i128::try_from(size).ok()?;
        Self { coefficient: if negative { -size } else { size }, exponent: low.exponent }.normal()
    }

    /// The difference. `None` as for [`Number::plus`].
    pub(crate) fn minus(self, other: Self) -> Option<Self> {
        self.plus(Self { coefficient: -other.coefficient, ..other })
    }

    /// The bytes that the number takes in an item: one for each two significant digits, and one more.
    ///
    /// Source: Developer Guide, "DynamoDB item sizes and formats".
    pub(crate) fn bytes(self) -> usize {
        self.digits().div_ceil(2) as usize + 1
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let signs = self.coefficient.signum().cmp(&other.coefficient.signum());
        if signs.is_ne() || self.coefficient == 0 {
            return signs;
        }
        let sizes = self.magnitude().cmp(&other.magnitude()).then_with(|| {
            let aligned =
                |number: &Self| number.coefficient.unsigned_abs() * 10_u128.pow(DIGITS - number.digits());
            aligned(self).cmp(&aligned(other))
        });
        if self.coefficient < 0 { sizes.reverse() } else { sizes }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Plain notation without an exponent, and without zeros that carry no value.
impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = self.coefficient.unsigned_abs().to_string();
        let sign = if self.coefficient < 0 { "-" } else { "" };
        if self.exponent >= 0 {
            return write!(f, "{sign}{digits}{}", "0".repeat(self.exponent.unsigned_abs() as usize));
        }
        let places = self.exponent.unsigned_abs() as usize;
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn a_number_is_shown_in_plain_notation() {
        for (text, shown) in [
            ("0", "0"),
            ("-0", "0"),
            ("0.00", "0"),
            ("007", "7"),
            ("+7", "7"),
            ("1.50", "1.5"),
            (".5", "0.5"),
            ("1e2", "100"),
            ("-12.5E-3", "-0.0125"),
            ("1200000", "1200000"),
            ("99999999999999999999999999999999999999", "99999999999999999999999999999999999999"),
            ("1E-130", &format!("0.{}1", "0".repeat(129))),
        ] {
            assert_eq!(number(text).to_string(), shown, "{text}");
        }
    }

    #[test]
    fn a_text_outside_syntax_precision_or_range_is_no_number() {
        for text in [
            "",
            "-",
            ".",
            "1.2.3",
            "1e",
            "e1",
            "0x1",
            " 1",
            "1 ",
            "NaN",
            "Infinity",
            "--1",
            "1e+-1",
            "123456789012345678901234567890123456789",
            "1E-131",
            "1E126",
            "1E999999999999",
        ] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }

    #[test]
    fn sums_are_exact_or_refused() {
        for (a, b, sum) in [
            ("1", "2", Some("3")),
            ("0.1", "0.2", Some("0.3")),
            ("5", "-5", Some("0")),
            ("-5", "2", Some("-3")),
            ("100", "0.01", Some("100.01")),
            (
                "9999999999999999999999999999999999999.9",
                "0.1",
                Some("10000000000000000000000000000000000000"),
            ),
            ("99999999999999999999999999999999999999", "1", Some("100000000000000000000000000000000000000")),
            ("1e38", "-1", Some("99999999999999999999999999999999999999")),
            ("1e38", "1", None),
            ("1e125", "1", None),
            ("9e125", "9e125", None),
            ("1e125", "0", Some(&format!("1{}", "0".repeat(125)))),
        ] {
            let actual = number(a).plus(number(b)).map(|sum| sum.to_string());
            assert_eq!(actual.as_deref(), sum, "{a} + {b}");
        }
    }

    #[test]
    fn order_is_numeric() {
        let ascending =
            ["-1e125", "-12", "-2.5", "-2", "-0.001", "0", "1e-130", "0.5", "2", "10", "11", "1e38"];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(number(a).cmp(&number(b)), i.cmp(&j), "{a} {b}");
            }
        }
    }
}
