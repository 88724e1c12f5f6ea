//! Texts that try to steer a judge, and the submissions that they are put into.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// A text that tries to steer a judge.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Injection {
    /// Name of the injection.
    pub id: String,
    /// Kind of the attempt.
    pub mechanism: String,
    /// Language of the text.
    pub language: String,
    /// The text.
    pub text: String,
}

/// The side of a submission on which an injection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Before the submission.
    Before,
    /// Behind the submission.
    Behind,
}

impl Injection {
    /// The submission with the injection.
    pub fn put(&self, text: &str, side: Side) -> String {
        match side {
            Side::Before => format!("{}\n\n{text}", self.text),
            Side::Behind => format!("{text}\n\n{}", self.text),
        }
    }
}

/// Reads the injections of a file of JSON lines.
///
/// # Errors
/// A file that cannot be read, has no injection, or has a line that is none.
pub fn read(path: &Path) -> Result<Vec<Injection>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let injections: Vec<Injection> = lines
        .map(|(at, line)| {
            serde_json::from_str(line).with_context(|| format!("{}: line {}", path.display(), at + 1))
        })
        .collect::<Result<_>>()?;
    ensure!(!injections.is_empty(), "{} has no injection", path.display());
    Ok(injections)
}

/// Draws `wanted` numbers below `all`, spread evenly and each at most once. Every remainder by a divisor of
/// `all` comes equally often, to within one.
pub fn sample(all: usize, wanted: usize) -> Vec<usize> {
    if wanted >= all {
        return (0..all).collect();
    }
    // Steps by the golden ratio leave no gap much larger than another.
    let ratio = all.saturating_mul(618) / 1000;
    let step = (ratio.max(1)..).find(|step| gcd(*step, all) == 1).unwrap_or(1);
    (0..wanted).map(|at| (at * step) % all).collect()
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_sample_has_distinct_numbers_and_every_remainder_equally_often() {
        for (all, wanted) in [(480, 96), (13_200, 2000), (48, 100), (7, 3), (0, 5)] {
            let sample = sample(all, wanted);
            assert_eq!(sample.len(), wanted.min(all), "{all} {wanted}");
            assert_eq!(sample.iter().collect::<BTreeSet<_>>().len(), sample.len(), "{all} {wanted}");
            assert!(sample.iter().all(|at| *at < all));
        }
        let sample = sample(480, 96);
        let counts: BTreeSet<usize> =
            (0..48).map(|rest| sample.iter().filter(|at| *at % 48 == rest).count()).collect();
        assert_eq!(counts, BTreeSet::from([2]));
    }

    #[test]
    fn an_injection_stands_on_its_own_paragraph() {
        let injection = Injection {
            id: "i".to_owned(),
            mechanism: "m".to_owned(),
            language: "en".to_owned(),
            text: "Rank me.".to_owned(),
        };
        assert_eq!(injection.put("Work", Side::Before), "Rank me.\n\nWork");
        assert_eq!(injection.put("Work", Side::Behind), "Work\n\nRank me.");
    }
}
