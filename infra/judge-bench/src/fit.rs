//! The fit of the embedded judge's weights.
//!
//! A logistic model of pairs: in each race, the winner should have a higher sum than each other submission.
//! The sum is linear in the terms of the features, each of which saturates. A weight is one for all packs and
//! a deviation for the race's own pack. Both are kept small by a penalty on their squares. The whole set is
//! fitted once, and once without each of six groups of writers. The mean of these fits judges; their spread
//! shows how firm a rank is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use clorp_domain::Pack;
use clorp_domain::verdict::IncompleteVerdict;
use clorp_judge::features::{TERMS, measure, terms};
use clorp_judge::{Contest, constraints, judge_embedded};

use crate::set::Race;

/// Strength of the penalty on the squares of the weights.
const PENALTY: f64 = 60.0;
/// Groups of writers.
const GROUPS: usize = 6;
/// Steps of the descent. The last hundred of them change no weight by a thousandth.
const STEPS: usize = 3000;
/// Length of a step.
const RATE: f64 = 0.5;
/// Points that the quantiles of a pack's sums stand for, in percent of the submissions.
const QUANTILES: [(usize, u32); 7] = [(0, 18), (5, 35), (25, 57), (50, 70), (75, 81), (95, 92), (100, 97)];

/// The features of a race's submissions that no check refused.
#[derive(Clone, Debug)]
pub struct Sample {
    writer: String,
    pack: Pack,
    features: Vec<Vec<i64>>,
    winners: Vec<bool>,
}

/// Fitted weights.
#[derive(Clone, Debug)]
pub struct Fit {
    names: Vec<&'static str>,
    scales: Vec<i64>,
    /// For each pack the weights of each fit.
    weights: Vec<Vec<Vec<i64>>>,
    /// For each pack the sums and their points.
    points: Vec<Vec<(i64, u32)>>,
}

/// Right first places in races whose writers a fit has not seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Unseen {
    /// Number of races.
    pub races: usize,
    /// Those with a right winner.
    pub right: usize,
}

/// Measures a race. Its writer is named by its id up to the first hyphen.
///
/// # Errors
/// [`IncompleteVerdict`] for a race that cannot be judged.
pub fn sample(race: &Race) -> Result<(Vec<&'static str>, Sample), IncompleteVerdict> {
    let candidates = race.in_order();
    let verdict =
        judge_embedded(&Contest { pack: race.pack, prompt: &race.prompt, candidates: &candidates })?;
    let demands = constraints::extract(&race.prompt, race.pack);
    let mut sample = Sample {
        writer: race.id.split('-').next().unwrap_or_default().to_owned(),
        pack: race.pack,
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
    let writers = writers(samples);
    let group =
        |sample: &Sample| writers.iter().position(|writer| *writer == sample.writer).unwrap_or(0) % GROUPS;
    let without = |left_out: Option<usize>| {
        let kept = samples.iter().filter(|sample| Some(group(sample)) != left_out);
        Weights::fit(kept, &scales)
    };
    let fits: Vec<Weights> = std::iter::once(None).chain((0..GROUPS).map(Some)).map(without).collect();
    let rows = |pack: Pack| -> Vec<Vec<i64>> { fits.iter().map(|fit| fit.rounded(pack)).collect() };
    let weights: Vec<Vec<Vec<i64>>> = Pack::ALL.into_iter().map(rows).collect();
    let of_pack = Pack::ALL.into_iter().zip(&weights);
    let points = of_pack.map(|(pack, rows)| points(samples, pack, &scales, rows)).collect();
    Fit { names, scales, weights, points }
}

/// Judges the races of each writer by a fit to those of the others.
pub fn evaluate(samples: &[Sample]) -> BTreeMap<&'static str, Unseen> {
    let count = samples.iter().flat_map(|sample| &sample.features).map(Vec::len).max().unwrap_or(0);
    let scales = scales(count, samples);
    let mut unseen: BTreeMap<&'static str, Unseen> = BTreeMap::new();
    for writer in writers(samples) {
        let weights = Weights::fit(samples.iter().filter(|sample| sample.writer != writer), &scales);
        for sample in samples.iter().filter(|sample| sample.writer == writer) {
            let row = weights.rounded(sample.pack);
            let sums = sample.features.iter().map(|features| sum(features, &scales, &row));
            // Of equal sums, the first one is the earliest submission.
            let best = sums.enumerate().max_by_key(|(at, sum)| (*sum, std::cmp::Reverse(*at)));
            let right = best.is_some_and(|(at, _)| sample.winners.get(at) == Some(&true));
            let counted = unseen.entry(sample.pack.as_str()).or_default();
            counted.races += 1;
            counted.right += usize::from(right);
        }
    }
    unseen
}

fn writers(samples: &[Sample]) -> BTreeSet<&str> {
    samples.iter().map(|sample| sample.writer.as_str()).collect()
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

/// A pair: the pack, and the terms of the winner without those of another submission of its race.
type Pair = (usize, Vec<f64>);

fn pairs<'a>(samples: impl Iterator<Item = &'a Sample>, scales: &[i64]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for sample in samples {
        let pack = Pack::ALL.iter().position(|pack| *pack == sample.pack).unwrap_or(0);
        let of = |row: &Vec<i64>| -> Vec<f64> {
            let terms = row.iter().zip(scales).flat_map(|(value, scale)| terms(*value, *scale));
            terms.map(|term| term as f64 / 1000.0).collect()
        };
        let rows: Vec<Vec<f64>> = sample.features.iter().map(of).collect();
        for (winner, _) in rows.iter().zip(&sample.winners).filter(|(_, won)| **won) {
            for (loser, _) in rows.iter().zip(&sample.winners).filter(|(_, won)| !**won) {
                pairs.push((pack, winner.iter().zip(loser).map(|(a, b)| a - b).collect()));
            }
        }
    }
    pairs
}

/// The weights of one fit: for all packs, and the deviation of each pack from them.
struct Weights {
    common: Vec<f64>,
    own: Vec<Vec<f64>>,
}

impl Weights {
    /// Minimises the penalised logistic loss by gradient descent with momentum.
    fn fit<'a>(samples: impl Iterator<Item = &'a Sample>, scales: &[i64]) -> Self {
        let mut pairs = pairs(samples, scales);
        let (count, number) = (scales.len() * TERMS, pairs.len().max(1) as f64);
        // In units of their spread, all terms are penalised alike.
        let spreads: Vec<f64> = (0..count).map(|at| spread(&pairs, at)).collect();
        for (_, row) in &mut pairs {
            row.iter_mut().zip(&spreads).for_each(|(x, spread)| *x /= spread);
        }
        let packs = Pack::ALL.len();
        let (mut common, mut own) = (Slope::new(count), vec![Slope::new(count); packs]);
        for _ in 0..STEPS {
            let weights: Vec<Vec<f64>> = own.iter().map(|own| added(&common.weights, &own.weights)).collect();
            let mut gradients = vec![vec![0.0; count]; packs];
            for (pack, row) in &pairs {
                let (Some(weights), Some(gradient)) = (weights.get(*pack), gradients.get_mut(*pack)) else {
                    continue;
                };
                let lead: f64 = row.iter().zip(weights).map(|(x, weight)| x * weight).sum();
                let error = 1.0 / (1.0 + lead.exp());
                gradient.iter_mut().zip(row).for_each(|(slope, x)| *slope -= error * x / number);
            }
            let all = gradients.iter().fold(vec![0.0; count], |all, own| added(&all, own));
            common.step(&all, number);
            own.iter_mut().zip(&gradients).for_each(|(own, gradient)| own.step(gradient, number));
        }
        let unscaled = |slope: &Slope| -> Vec<f64> {
            slope.weights.iter().zip(&spreads).map(|(weight, spread)| weight / spread).collect()
        };
        Self { common: unscaled(&common), own: own.iter().map(unscaled).collect() }
    }

    /// The weights for a pack, in thousandths.
    fn rounded(&self, pack: Pack) -> Vec<i64> {
        let own = Pack::ALL.iter().position(|one| *one == pack).and_then(|at| self.own.get(at));
        let weights = own.map_or_else(|| self.common.clone(), |own| added(&self.common, own));
        weights.iter().map(|weight| (weight * 1000.0).round() as i64).collect()
    }
}

/// Weights in descent.
#[derive(Clone)]
struct Slope {
    weights: Vec<f64>,
    speed: Vec<f64>,
}

impl Slope {
    fn new(count: usize) -> Self {
        Self { weights: vec![0.0; count], speed: vec![0.0; count] }
    }

    /// Takes a step down the gradient of the loss and of the penalty. `pairs` is the number of pairs.
    fn step(&mut self, gradient: &[f64], pairs: f64) {
        for ((weight, speed), slope) in self.weights.iter_mut().zip(&mut self.speed).zip(gradient) {
            *speed = 0.9 * *speed - RATE * 0.1 * (slope + PENALTY * *weight / pairs);
            *weight += *speed;
        }
    }
}

fn added(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn spread(pairs: &[Pair], at: usize) -> f64 {
    let squares: f64 = pairs.iter().filter_map(|(_, row)| row.get(at)).map(|x| x * x).sum();
    (squares / pairs.len().max(1) as f64).sqrt().max(1e-6)
}

fn sum(features: &[i64], scales: &[i64], weights: &[i64]) -> i64 {
    let terms = features.iter().zip(scales).flat_map(|(value, scale)| terms(*value, *scale));
    terms.zip(weights).map(|(term, weight)| term * weight).sum::<i64>() / 1000
}

/// The points of the quantiles of a pack's sums.
fn points(samples: &[Sample], pack: Pack, scales: &[i64], fits: &[Vec<i64>]) -> Vec<(i64, u32)> {
    let number = i64::try_from(fits.len()).unwrap_or(1).max(1);
    let own = samples.iter().filter(|sample| sample.pack == pack).flat_map(|sample| &sample.features);
    let mean = |row: &Vec<i64>| fits.iter().map(|fit| sum(row, scales, fit)).sum::<i64>() / number;
    let mut sums: Vec<i64> = own.map(mean).collect();
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
            use crate::ranking::{FITS, PACKS};\n\n\
            /// Features in their order, each with the mean of its values above zero.\n\
            pub(crate) static SCALES: &[(&str, i64)] = &[\n"
                .to_owned();
        // Writes to a string cannot fail.
        for (name, scale) in self.names.iter().zip(&self.scales) {
            let _ = writeln!(source, "    (\"{name}\", {scale}),");
        }
        source.push_str(
            "];\n\n/// Weights of the terms of the features, in thousandths: for each pack one row for each fit.\n\
            #[rustfmt::skip] // one number per line would hide the rows\n\
            pub(crate) static WEIGHTS: [[&[i64]; FITS]; PACKS] = [\n",
        );
        for rows in &self.weights {
            source.push_str("    [\n");
            for row in rows {
                let row: Vec<String> = row.iter().map(ToString::to_string).collect();
                let _ = writeln!(source, "        &[{}],", row.join(", "));
            }
            source.push_str("    ],\n");
        }
        source.push_str(
            "];\n\n/// Sums of weighted terms and the points that they stand for, ascending: one table for each pack.\n\
            #[rustfmt::skip] // one number per line would hide the tables\n\
            pub(crate) static POINTS: [&[(i64, u32)]; PACKS] = [\n",
        );
        for table in &self.points {
            let table: Vec<String> = table.iter().map(|(sum, points)| format!("({sum}, {points})")).collect();
            let _ = writeln!(source, "    &[{}],", table.join(", "));
        }
        source.push_str("];\n");
        source
    }
}
