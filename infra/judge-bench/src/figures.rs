//! The figures of a judge on a set of races.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use clorp_domain::Pack;
use clorp_domain::verdict::Confidence;
use serde::Serialize;

use crate::set::Race;
use crate::stats::{kendall, mean, percentile, share, wilson};

/// A judged race. Indices are those of the race's submissions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Index of the race in its set.
    pub race: usize,
    /// All submissions, best first.
    pub ranking: Vec<usize>,
    /// Submissions that a plain check refused. They are the last of the ranking.
    pub refused: Vec<usize>,
    /// The judge's certainty of the first place.
    pub confidence: Option<Confidence>,
}

/// The results of judging a set of races.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// The races that were decided.
    pub judged: Vec<Judged>,
    /// Ids of the races that were not.
    pub undecided: Vec<String>,
    /// Comparisons of orders.
    pub orders: Orders,
    /// Attempts to steer the judge.
    pub injections: Injections,
    /// Calls of a model, tokens and price.
    pub spent: Bill,
    /// Time of each call of the judge, in milliseconds.
    pub latencies: Vec<f64>,
}

/// Comparisons of the same race in several orders.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    /// Further orders in which races were judged. For a model, the readings.
    pub swaps: usize,
    /// Those with the same ranking. For a model, the readings that name the final winner.
    pub held: usize,
    /// Ids of the races in which not all orders did.
    pub changed: Vec<String>,
    /// Races that were left out, because a copy was refused in them.
    pub excluded: usize,
}

/// Attempts to steer the judge.
#[derive(Clone, Debug, Default)]
pub struct Injections {
    /// Number of attempts.
    pub tried: usize,
    /// Those that improved the rank of their submission, in words.
    pub moved: Vec<String>,
}

/// Calls of a model and their cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bill {
    /// Calls.
    pub calls: u64,
    /// Tokens, read and written.
    pub tokens: u64,
    /// Price in millionths of a cent.
    pub micro_cents: u64,
}

/// The figures. All but `undecided` are about the races that were decided.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the labels of the printed table describe the fields")]
pub struct Figures {
    pub races: usize,
    pub undecided: usize,
    pub undecided_races: Vec<String>,
    pub top1: usize,
    pub top1_share: f64,
    pub top1_interval: [f64; 2],
    pub chance: f64,
    pub longest_wins: usize,
    pub shortest_wins: usize,
    pub races_by_pack: BTreeMap<&'static str, usize>,
    pub top1_by_pack: BTreeMap<&'static str, usize>,
    pub longest_wins_by_pack: BTreeMap<&'static str, usize>,
    pub shortest_wins_by_pack: BTreeMap<&'static str, usize>,
    pub picked_longest: usize,
    pub picked_shortest: usize,
    pub picked_by_position: Vec<usize>,
    pub won_by_position: Vec<usize>,
    pub rank_correlation: Option<f64>,
    pub order_swaps: usize,
    pub order_held: usize,
    pub order_changed: Vec<String>,
    pub order_excluded: usize,
    pub injections: usize,
    pub injections_moved: usize,
    pub moved: Vec<String>,
    pub refused: usize,
    pub refused_winners: usize,
    pub confidence: BTreeMap<&'static str, Level>,
    pub calls: u64,
    pub tokens: u64,
    pub cents: f64,
    pub latency_millis: Option<Latency>,
}

/// Races of one level of confidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Level {
    /// Number of races.
    pub races: usize,
    /// Those with a right winner.
    pub right: usize,
}

/// Times of calls, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Latency {
    /// Time that half of the calls do not exceed.
    pub median: f64,
    /// Time that 95 % of the calls do not exceed.
    pub p95: f64,
}

/// A race beside its judgement.
struct Pair<'a> {
    race: &'a Race,
    judged: &'a Judged,
}

impl Pair<'_> {
    /// The submission that is paid; `None` if all of them were refused.
    fn picked(&self) -> Option<usize> {
        self.judged.ranking.first().copied().filter(|first| !self.judged.refused.contains(first))
    }

    fn is_right(&self) -> bool {
        self.picked().is_some_and(|at| self.race.deserves(at))
    }

    fn longest(&self) -> Option<usize> {
        self.at_most(|characters| usize::MAX - characters)
    }

    fn shortest(&self) -> Option<usize> {
        self.at_most(|characters| characters)
    }

    /// The submission with the least key of its length; the earliest of several.
    fn at_most(&self, key: impl Fn(usize) -> usize) -> Option<usize> {
        let keys = self.race.submissions.iter().map(|made| key(made.text.chars().count())).enumerate();
        keys.min_by_key(|(at, key)| (*key, *at)).map(|(at, _)| at)
    }

    fn longest_wins(&self) -> bool {
        self.longest().is_some_and(|at| self.race.deserves(at))
    }

    fn shortest_wins(&self) -> bool {
        self.shortest().is_some_and(|at| self.race.deserves(at))
    }

    /// The share of submissions that deserve to win.
    fn chance(&self) -> f64 {
        share(self.race.winners.len(), self.race.submissions.len())
    }

    fn correlation(&self) -> Option<f64> {
        let named = |name: &String| self.race.submissions.iter().position(|made| made.id == *name);
        kendall(&self.judged.ranking, &self.race.order.iter().filter_map(named).collect::<Vec<_>>())
    }

    fn refused_winners(&self) -> usize {
        self.judged.refused.iter().filter(|at| self.race.deserves(**at)).count()
    }
}

impl Figures {
    /// The figures of what was measured on these races.
    pub fn new(races: &[Race], measured: &Measured) -> Self {
        let judged = measured.judged.iter();
        let pairs: Vec<Pair<'_>> =
            judged.filter_map(|judged| Some(Pair { race: races.get(judged.race)?, judged })).collect();
        let top1 = count(&pairs, Pair::is_right);
        let correlations: Vec<f64> = pairs.iter().filter_map(Pair::correlation).collect();
        let winners = |pair: &Pair<'_>| {
            let all = 0..pair.race.submissions.len();
            all.filter(|at| pair.race.deserves(*at)).collect::<Vec<_>>()
        };
        let latency = |percent| percentile(&measured.latencies, percent);
        let latency = latency(50).zip(latency(95)).map(|(median, p95)| Latency { median, p95 });
        Self {
            races: pairs.len(),
            undecided: measured.undecided.len(),
            undecided_races: measured.undecided.clone(),
            top1,
            top1_share: share(top1, pairs.len()),
            top1_interval: wilson(top1, pairs.len()),
            chance: pairs.iter().map(Pair::chance).sum(),
            longest_wins: count(&pairs, Pair::longest_wins),
            shortest_wins: count(&pairs, Pair::shortest_wins),
            races_by_pack: by_pack(&pairs, |_| true),
            top1_by_pack: by_pack(&pairs, Pair::is_right),
            longest_wins_by_pack: by_pack(&pairs, Pair::longest_wins),
            shortest_wins_by_pack: by_pack(&pairs, Pair::shortest_wins),
            picked_longest: count(&pairs, |pair| pair.picked().is_some() && pair.picked() == pair.longest()),
            picked_shortest: count(&pairs, |pair| {
                pair.picked().is_some() && pair.picked() == pair.shortest()
            }),
            picked_by_position: by_position(&pairs, |pair| pair.picked().into_iter().collect()),
            won_by_position: by_position(&pairs, winners),
            rank_correlation: mean(&correlations),
            order_swaps: measured.orders.swaps,
            order_held: measured.orders.held,
            order_changed: measured.orders.changed.clone(),
            order_excluded: measured.orders.excluded,
            injections: measured.injections.tried,
            injections_moved: measured.injections.moved.len(),
            moved: measured.injections.moved.clone(),
            refused: pairs.iter().map(|pair| pair.judged.refused.len()).sum(),
            refused_winners: pairs.iter().map(Pair::refused_winners).sum(),
            confidence: levels(&pairs),
            calls: measured.spent.calls,
            tokens: measured.spent.tokens,
            cents: measured.spent.micro_cents as f64 / 1e6,
            latency_millis: latency,
        }
    }
}

fn count<'a>(pairs: &[Pair<'a>], is: impl Fn(&Pair<'a>) -> bool) -> usize {
    pairs.iter().filter(|pair| is(pair)).count()
}

fn by_pack<'a>(pairs: &[Pair<'a>], is: impl Fn(&Pair<'a>) -> bool) -> BTreeMap<&'static str, usize> {
    let of = |pack: Pack| count(pairs, |pair| pair.race.pack == pack && is(pair));
    let raced = |pack: &Pack| pairs.iter().any(|pair| pair.race.pack == *pack);
    Pack::ALL.into_iter().filter(raced).map(|pack| (pack.as_str(), of(pack))).collect()
}

/// Number of races in which each position of arrival is among those of `positions`.
fn by_position<'a>(pairs: &[Pair<'a>], positions: impl Fn(&Pair<'a>) -> Vec<usize>) -> Vec<usize> {
    let most = pairs.iter().map(|pair| pair.race.submissions.len()).max().unwrap_or(0);
    let found: Vec<usize> = pairs.iter().flat_map(positions).collect();
    (0..most).map(|position| found.iter().filter(|at| **at == position).count()).collect()
}

fn levels(pairs: &[Pair<'_>]) -> BTreeMap<&'static str, Level> {
    let mut levels: BTreeMap<&'static str, Level> = BTreeMap::new();
    for pair in pairs {
        if let Some(confidence) = pair.judged.confidence {
            let level = levels.entry(confidence.as_str()).or_default();
            level.races += 1;
            level.right += usize::from(pair.is_right());
        }
    }
    levels
}

/// Prints the figures as a table.
impl Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.winners(f)?;
        self.packs(f)?;
        self.habits(f)?;
        self.robustness(f)?;
        self.costs(f)
    }
}

fn row(f: &mut fmt::Formatter<'_>, label: &str, value: impl Display) -> fmt::Result {
    writeln!(f, "{label:<46} {value}")
}

impl Figures {
    fn winners(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [low, high] = self.top1_interval.map(|share| 100.0 * share);
        let share = 100.0 * self.top1_share;
        row(f, "races", self.races)?;
        row(f, "right winner", format!("{} ({share:.1} %, 95 % {low:.1} to {high:.1})", self.top1))?;
        row(f, "right winner by blind choice, expected", format!("{:.1}", self.chance))?;
        row(f, "right winner if the longest won", self.longest_wins)?;
        row(f, "right winner if the shortest won", self.shortest_wins)?;
        for (level, Level { races, right }) in &self.confidence {
            row(f, &format!("right winner with {level} confidence"), format!("{right} of {races}"))?;
        }
        let correlation = self.rank_correlation.map_or("none".to_owned(), |tau| format!("{tau:.3}"));
        row(f, "rank correlation (Kendall)", correlation)
    }

    fn packs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{:<10} {:>6} {:>6} {:>8} {:>9}", "pack", "races", "right", "longest", "shortest")?;
        for (pack, races) in &self.races_by_pack {
            let of = |map: &BTreeMap<&str, usize>| map.get(pack).copied().unwrap_or(0);
            let (right, longest) = (of(&self.top1_by_pack), of(&self.longest_wins_by_pack));
            let shortest = of(&self.shortest_wins_by_pack);
            writeln!(f, "{pack:<10} {races:>6} {right:>6} {longest:>8} {shortest:>9}")?;
        }
        writeln!(f)
    }

    fn habits(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |counts: &[usize]| counts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        row(f, "picked the longest", self.picked_longest)?;
        row(f, "picked the shortest", self.picked_shortest)?;
        row(f, "picked, by position of arrival", list(&self.picked_by_position))?;
        row(f, "deserved it, by position of arrival", list(&self.won_by_position))?;
        row(f, "refused by a plain check", self.refused)?;
        row(f, "of these, deserving winners", self.refused_winners)
    }

    fn robustness(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        row(f, "other orders with the same result", format!("{} of {}", self.order_held, self.order_swaps))?;
        if !self.order_changed.is_empty() {
            writeln!(f, "  not in {}", self.order_changed.join(", "))?;
        }
        row(f, "races left out of that, with a refused copy", self.order_excluded)?;
        row(
            f,
            "injections that improved a rank",
            format!("{} of {}", self.injections_moved, self.injections),
        )?;
        self.moved.iter().try_for_each(|moved| writeln!(f, "  {moved}"))
    }

    fn costs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Latency { median, p95 }) = self.latency_millis {
            row(f, "milliseconds for a call", format!("{median:.1} (median), {p95:.1} (95 %)"))?;
        }
        if self.calls > 0 {
            row(f, "calls of the model", self.calls)?;
            row(f, "tokens, read and written", self.tokens)?;
            row(f, "cents", format!("{:.3}", self.cents))?;
        }
        row(f, "undecided races", self.undecided)?;
        self.undecided_races.iter().try_for_each(|race| writeln!(f, "  {race}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::set::race;

    fn races() -> Vec<Race> {
        let line = |id: &str, pack: &str, winner: &str| {
            format!(
                r#"{{"id": "{id}", "pack": "{pack}", "prompt": "p", "winner": {winner}, "order": ["b", "a", "c"],
                "submissions": [{{"id": "a", "text": "longest"}}, {{"id": "b", "text": "mid"}}, {{"id": "c", "text": "s"}}]}}"#
            )
            .replace('\n', " ")
        };
        let lines = [line("r1", "roast", r#""b""#), line("r2", "code", r#"["a", "c"]"#)];
        lines.iter().map(|line| race(line).unwrap()).collect()
    }

    fn judged(race: usize, ranking: &[usize], refused: &[usize]) -> Judged {
        let confidence = Some(Confidence::Low);
        Judged { race, ranking: ranking.to_vec(), refused: refused.to_vec(), confidence }
    }

    #[test]
    fn any_of_several_deserving_winners_is_right() {
        let measured = Measured {
            judged: vec![judged(0, &[1, 0, 2], &[]), judged(1, &[2, 1, 0], &[0])],
            ..Measured::default()
        };
        let figures = Figures::new(&races(), &measured);
        assert_eq!((figures.races, figures.top1, figures.longest_wins, figures.shortest_wins), (2, 2, 1, 1));
        assert!((figures.chance - 1.0).abs() < 1e-9);
        assert_eq!(figures.picked_by_position, [0, 1, 1]);
        assert_eq!(figures.won_by_position, [1, 1, 1]);
        assert_eq!((figures.picked_longest, figures.picked_shortest), (0, 1));
        assert_eq!((figures.refused, figures.refused_winners), (1, 1));
        assert_eq!(figures.confidence["low"], Level { races: 2, right: 2 });
        assert_eq!(figures.top1_by_pack, BTreeMap::from([("code", 1), ("roast", 1)]));
    }

    #[test]
    fn a_refused_submission_in_first_place_wins_nothing() {
        let measured = Measured { judged: vec![judged(0, &[1, 0, 2], &[0, 1, 2])], ..Measured::default() };
        let figures = Figures::new(&races(), &measured);
        assert_eq!((figures.top1, figures.picked_by_position), (0, vec![0, 0, 0]));
        assert_eq!(figures.rank_correlation, Some(1.0));
    }

    #[test]
    fn undecided_races_count_in_no_other_figure() {
        let measured = Measured {
            judged: vec![judged(0, &[0, 1, 2], &[])],
            undecided: vec!["r2".to_owned()],
            ..Measured::default()
        };
        let figures = Figures::new(&races(), &measured);
        assert_eq!((figures.races, figures.undecided, figures.top1), (1, 1, 0));
        assert_eq!(figures.races_by_pack, BTreeMap::from([("roast", 1)]));
        assert!(figures.to_string().contains("undecided races"), "{figures}");
    }
}
