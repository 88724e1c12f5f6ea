//! The fit of the embedded judge's weights.
//!
//! A logistic model of pairs: in each race, the winner should have a higher sum than each other submission.
//! The sum is linear in the features, each of which is first bent so that it saturates. Weights are kept
//! small by a penalty on their squares. The whole set is fitted once, and once without each of its parts,
//! where a part is the work of one writer. The mean of these fits judges; their spread shows how firm a rank
//! is.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use clorp_domain::verdict::IncompleteVerdict;
use clorp_judge::features::measure;
use clorp_judge::{Contest, constraints, judge_embedded};

use crate::set::Race;

/// Strength of the penalty on the squares of the weights.
const PENALTY: f64 = 10.0;
/// Steps of the descent. The last hundred of them change no weight by a thousandth.
const STEPS: usize = 6000;
/// Length of a step.
const RATE: f64 = 0.5;
/// Points that the quantiles of all sums stand for, in percent of the submissions.
const QUANTILES: [(usize, u32); 7] = [(0, 18), (5, 32), (25, 52), (50, 66), (75, 78), (95, 91), (100, 97)];

/// The features of a race's submissions that no check refused.
#[derive(Clone, Debug)]
pub struct Sample {
    part: String,
    features: Vec<Vec<i64>>,
    winners: Vec<bool>,
}

/// Fitted weights.
#[derive(Clone, Debug)]
pub struct Fit {
    names: Vec<&'static str>,
    scales: Vec<i64>,
    weights: Vec<Vec<i64>>,
    points: Vec<(i64, u32)>,
}

/// Measures a race. The part of a race is its id up to the first hyphen.
///
/// # Errors
/// [`IncompleteVerdict`] for a race that cannot be judged.
pub fn sample(race: &Race) -> Result<(Vec<&'static str>, Sample), IncompleteVerdict> {
    let candidates = race.in_order();
    let verdict =
        judge_embedded(&Contest { pack: race.pack, prompt: &race.prompt, candidates: &candidates })?;
    let demands = constraints::extract(&race.prompt, race.pack);
    let mut sample = Sample {
        part: race.id.split('-').next().unwrap_or_default().to_owned(),
        features: Vec::new(),
        winners: Vec::new(),
    };
    let mut names = Vec::new();
    for placing in verdict.placings().iter().filter(|placing| !placing.refused) {
        let Some(at) = race.index_of(&placing.worker) else { continue };
        let Some(submission) = race.submissions.get(at) else { continue };
        let measured = measure(&race.prompt, race.pack, &demands, &submission.text).features;
        names = measured.iter().map(|(name, _)| *name).collect();
        sample.features.push(measured.into_iter().map(|(_, value)| value).collect());
        sample.winners.push(race.deserves(at));
    }
    Ok((names, sample))
}

/// Fits the weights to samples whose features have these names.
pub fn fit(names: Vec<&'static str>, samples: &[Sample]) -> Fit {
    let scales = scales(names.len(), samples);
    let parts: BTreeSet<&str> = samples.iter().map(|sample| sample.part.as_str()).collect();
    let without = |part: Option<&str>| {
        let kept = samples.iter().filter(|sample| Some(sample.part.as_str()) != part);
        descend(&pairs(kept, &scales), names.len())
    };
    let weights: Vec<Vec<i64>> = std::iter::once(None)
        .chain(parts.into_iter().map(Some))
        .map(|part| without(part).iter().map(|weight| (weight * 1000.0).round() as i64).collect())
        .collect();
    let points = points(samples, &scales, &weights);
    Fit { names, scales, weights, points }
}

/// The scale of each feature: the mean of its values above zero.
fn scales(count: usize, samples: &[Sample]) -> Vec<i64> {
    let of = |at: usize| {
        let values = samples.iter().flat_map(|sample| &sample.features).filter_map(|row| row.get(at));
        let above: Vec<i64> = values.copied().filter(|value| *value > 0).collect();
        let number = i64::try_from(above.len()).unwrap_or(i64::MAX).max(1);
        (above.iter().sum::<i64>() / number).max(1)
    };
    (0..count).map(of).collect()
}

/// The bent value of a feature, from 0 to 1.
fn bent(value: i64, scale: i64) -> f64 {
    value as f64 / (value + scale) as f64
}

/// The differences between each winner and each other submission of its race.
fn pairs<'a>(samples: impl Iterator<Item = &'a Sample>, scales: &[i64]) -> Vec<Vec<f64>> {
    let mut pairs = Vec::new();
    for sample in samples {
        let rows: Vec<Vec<f64>> = sample
            .features
            .iter()
            .map(|row| row.iter().zip(scales).map(|(value, scale)| bent(*value, *scale)).collect())
            .collect();
        for (winner, _) in rows.iter().zip(&sample.winners).filter(|(_, won)| **won) {
            for (loser, _) in rows.iter().zip(&sample.winners).filter(|(_, won)| !**won) {
                pairs.push(winner.iter().zip(loser).map(|(a, b)| a - b).collect());
            }
        }
    }
    pairs
}

/// Minimises the penalised logistic loss by gradient descent with momentum.
fn descend(pairs: &[Vec<f64>], count: usize) -> Vec<f64> {
    let spread = |at: usize| {
        let squares: f64 = pairs.iter().filter_map(|pair| pair.get(at)).map(|x| x * x).sum();
        (squares / pairs.len().max(1) as f64).sqrt().max(1e-6)
    };
    // In units of their spread, all features are penalised alike.
    let spreads: Vec<f64> = (0..count).map(spread).collect();
    let rows: Vec<Vec<f64>> =
        pairs.iter().map(|pair| pair.iter().zip(&spreads).map(|(x, spread)| x / spread).collect()).collect();
    let (mut weights, mut speed) = (vec![0.0; count], vec![0.0; count]);
    let number = rows.len().max(1) as f64;
    for _ in 0..STEPS {
        let mut gradient: Vec<f64> = weights.iter().map(|weight| PENALTY * weight / number).collect();
        for row in &rows {
            let lead: f64 = row.iter().zip(&weights).map(|(x, weight)| x * weight).sum();
            let error = 1.0 / (1.0 + lead.exp());
            for (slope, x) in gradient.iter_mut().zip(row) {
                *slope -= error * x / number;
            }
        }
        for ((weight, speed), slope) in weights.iter_mut().zip(&mut speed).zip(&gradient) {
            *speed = 0.9 * *speed - RATE * 0.1 * slope;
            *weight += *speed;
        }
    }
    weights.iter().zip(&spreads).map(|(weight, spread)| weight / spread).collect()
}

/// The points of the quantiles of all sums.
fn points(samples: &[Sample], scales: &[i64], weights: &[Vec<i64>]) -> Vec<(i64, u32)> {
    let sum = |row: &Vec<i64>, weights: &Vec<i64>| -> i64 {
        let terms = row.iter().zip(scales).zip(weights);
        terms.map(|((value, scale), weight)| weight * (value * 1000 / (value + scale).max(1))).sum::<i64>()
            / 1000
    };
    let fits = i64::try_from(weights.len()).unwrap_or(1).max(1);
    let rows = samples.iter().flat_map(|sample| &sample.features);
    let mut sums: Vec<i64> =
        rows.map(|row| weights.iter().map(|w| sum(row, w)).sum::<i64>() / fits).collect();
    sums.sort_unstable();
    let at = |percent: usize| sums.get(percent * sums.len().saturating_sub(1) / 100).copied().unwrap_or(0);
    let mut points: Vec<(i64, u32)> =
        QUANTILES.iter().map(|(percent, points)| (at(*percent), *points)).collect();
    points.dedup_by_key(|(sum, _)| *sum);
    points
}

impl Fit {
    /// The source of the judge's module with the weights.
    pub fn source(&self) -> String {
        let mut source =
            "//! Weights of the embedded judge, as fitted by `cargo judge-fit`. Generated; do not edit.\n\n\
            /// Features in their order, each with the value at which its effect is half of the largest
            /// possible.\n\
            pub(crate) static SCALES: &[(&str, i64)] = &[\n"
                .to_owned();
        // Writes to a string cannot fail.
        for (name, scale) in self.names.iter().zip(&self.scales) {
            let _ = writeln!(source, "    (\"{name}\", {scale}),");
        }
        source.push_str("];\n\n/// Weights of the features in thousandths, one row for each fit.\n#[rustfmt::skip] // one number per line would hide the rows\npub(crate) static WEIGHTS: &[&[i64]] = &[\n");
        for row in &self.weights {
            let row: Vec<String> = row.iter().map(ToString::to_string).collect();
            let _ = writeln!(source, "    &[{}],", row.join(", "));
        }
        source.push_str("];\n\n/// Sums of weighted features and the points that they stand for, ascending.\npub(crate) static POINTS: &[(i64, u32)] = &[\n");
        for (sum, points) in &self.points {
            let _ = writeln!(source, "    ({sum}, {points}),");
        }
        source.push_str("];\n");
        source
    }
}
