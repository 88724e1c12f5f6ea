//! Findings about an answer that no prompt states, such as a refusal, vague words or concrete details.
//!
//! Every finding is a whole number: a count, or a share in per mille. `Observations::features` lists them in
//! a fixed order, as the input of a linear model. Most are shares, so that sheer length does not change them.

mod code;
mod overlap;
mod phrases;
mod shape;

use crate::fold::{fold, is_invisible};

/// The share of `part` in `whole` in per mille, at most 1000. It is 0 if `whole` is 0.
fn per_mille(part: usize, whole: usize) -> i64 {
    let share = part.saturating_mul(1000).checked_div(whole).unwrap_or(0);
    i64::try_from(share.min(1000)).unwrap_or(1000)
}

/// A count of at most `most`.
fn capped(count: usize, most: i64) -> i64 {
    i64::try_from(count).unwrap_or(most).min(most)
}

/// The binary logarithm of `number` + 1 in thousandths, linear between powers of two.
fn logarithm(number: usize) -> i64 {
    let number = u64::try_from(number).unwrap_or(u64::MAX).saturating_add(1);
    let whole = number.ilog2();
    let power = 1_u64 << whole;
    let part = (u128::from(number - power) * 1000) / u128::from(power);
    i64::from(whole) * 1000 + i64::try_from(part).unwrap_or(0)
}

/// The folded words of `text`. Apostrophes join their neighbours.
fn words(text: &str) -> Vec<String> {
    let apostrophe = |c: char| matches!(c, '\'' | '’' | 'ʼ');
    text.split(|c: char| !c.is_alphanumeric() && !apostrophe(c) && !is_invisible(c))
        .map(|word| {
            word.chars().filter(|c| !apostrophe(*c) && !is_invisible(*c)).flat_map(fold).collect::<String>()
        })
        .filter(|word| !word.is_empty())
        .collect()
}

