//! The course of a judgement: which model reads which orders, and when enough has been read.
//!
//! Three orders come first. If they agree on the winner, that is the ranking. Otherwise four more are read.
//! If no submission then wins more than half of the readings, a second model reads three orders and decides.
//! No further models are asked: their errors are too much alike to be worth their price (arXiv 2605.29800).

use super::answer::{RawAnswer, Reading, parse};
use super::combine::{Combined, combine};
use super::orders::{Order, orders};

/// Number of orders that are read first.
const FIRST_ORDERS: usize = 3;
/// Number of orders that one model reads at most.
const MOST_ORDERS: usize = 7;
/// Fewest readings that make a ranking.
const FEWEST_READINGS: usize = 2;

/// The model that reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    /// The model that judges.
    First,
    /// The model that decides when the first one disagrees with itself, and that hears appeals.
    Second,
}

/// Orders that are read at once, by their indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// Model that reads them.
    pub seat: Seat,
    /// Index of the first order.
    pub from: usize,
    /// Index after the last order.
    pub to: usize,
}

/// The next step of a judgement.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Ask the model of this round about these orders.
    Ask(Round, Vec<Order>),
    /// The readings make a ranking.
    Decided(Decided),
    /// Too few readings could be used.
    Undecided,
}

/// A ranking by a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// Model whose readings decided.
    pub seat: Seat,
    /// The ranking.
    pub combined: Combined,
    /// The readings that it combines.
    pub readings: Vec<Reading>,
    /// Name of the model, as its service reported it.
    pub model: String,
}

/// A judgement under way.
#[derive(Clone, Debug)]
pub struct Session {
    orders: Vec<Order>,
    arrival: Vec<usize>,
    rounds: Vec<Round>,
    /// Number of rounds that are over.
    over: usize,
    /// Answers of the rounds that are over.
    answers: Vec<RawAnswer>,
    /// True if nothing more is to be asked.
    stopped: bool,
}

impl Session {
    /// Begins a judgement. `arrival` lists the indices of the submissions, the earliest first. An appeal is
    /// heard by the second model alone, or by the first if there is no second.
    ///
    /// The same seed gives the same orders, so a judgement that was interrupted is continued by giving
    /// [`Session::end_round`] the answers that were kept.
    pub fn new(seed: u64, arrival: Vec<usize>, has_second: bool, is_appeal: bool) -> Self {
        let rounds = |seat| {
            [Round { seat, from: 0, to: FIRST_ORDERS }, Round { seat, from: FIRST_ORDERS, to: MOST_ORDERS }]
        };
        let rounds = match (is_appeal, has_second) {
            (true, true) => rounds(Seat::Second).to_vec(),
            (_, false) => rounds(Seat::First).to_vec(),
            (false, true) => {
                let last = Round { seat: Seat::Second, from: MOST_ORDERS, to: MOST_ORDERS + FIRST_ORDERS };
                [&rounds(Seat::First)[..], &[last]].concat()
            }
        };
        let count = rounds.last().map_or(0, |round| round.to);
        let orders = orders(seed, arrival.len(), count);
        Self { orders, arrival, rounds, over: 0, answers: Vec::new(), stopped: false }
    }

    /// The next step.
    pub fn step(&self) -> Step {
        let (over, ahead) = self.rounds.split_at(self.over.min(self.rounds.len()));
        let latest = over.last().and_then(|round| self.decided(round.seat));
        let next = ahead.first().copied().filter(|_| !self.stopped);
        match (latest, next) {
            (Some(latest), Some(next)) if latest.is_open(next) => self.ask(next),
            (None, Some(next)) => self.ask(next),
            (Some(latest), _) => Step::Decided(latest),
            // The second model could not read, so the first one's split readings have to do.
            (None, None) => self.decided(Seat::First).map_or(Step::Undecided, Step::Decided),
        }
    }

    /// Ends the round that [`Session::step`] asked for, with the answers that there are. `failed` says that
    /// the missing answers were refused or unusable, as opposed to lost in a crash. If fewer than two answers
    /// of the round's model are then usable, nothing more is asked.
    pub fn end_round(&mut self, answers: Vec<RawAnswer>, failed: bool) {
        self.answers.extend(answers);
        let seat = self.rounds.get(self.over).map(|round| round.seat);
        self.over += 1;
        self.stopped |= failed && seat.is_some_and(|seat| self.readings(seat).len() < FEWEST_READINGS);
    }

    /// Ends the judgement with the readings that there are.
    pub const fn stop(&mut self) {
        self.stopped = true;
    }

    fn ask(&self, round: Round) -> Step {
        Step::Ask(round, self.orders.get(round.from..round.to).unwrap_or_default().to_vec())
    }

    fn decided(&self, seat: Seat) -> Option<Decided> {
        let readings = self.readings(seat);
        if readings.len() < FEWEST_READINGS {
            return None;
        }
        let combined = combine(&readings, &self.arrival)?;
        let model = self.answers_of(seat).last().map(|answer| answer.model.clone()).unwrap_or_default();
        Some(Decided { seat, combined, readings, model })
    }

    fn readings(&self, seat: Seat) -> Vec<Reading> {
        let read = |answer: &RawAnswer| parse(self.orders.get(answer.order)?, answer).ok();
        self.answers_of(seat).filter_map(read).collect()
    }

    fn answers_of(&self, seat: Seat) -> impl Iterator<Item = &RawAnswer> {
        let rounds = self.rounds.iter().take(self.over).filter(move |round| round.seat == seat);
        let orders: Vec<usize> = rounds.flat_map(|round| round.from..round.to).collect();
        self.answers.iter().filter(move |answer| orders.contains(&answer.order))
    }
}

impl Decided {
    /// True if the `next` round may change the winner: the readings so far do not agree, and if it is another
    /// model's, they have no majority either.
    fn is_open(&self, next: Round) -> bool {
        let continues = next.seat == self.seat;
        !self.combined.agreed && (continues || self.combined.majority.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer that ranks the submissions in this order.
    fn answer(order: &Order, ranked: &[usize]) -> RawAnswer {
        let label = |submission: &usize| {
            let at = order.permutation().iter().position(|other| other == submission).unwrap();
            order.labels()[at].clone()
        };
        let mark = serde_json::json!({ "note": "", "score": 50 });
        let assessment = serde_json::json!({
            "constraints": mark, "correctness": mark, "craft": mark, "fulfilment": mark, "score": 50,
        });
        let assessments: serde_json::Map<_, _> =
            ranked.iter().map(|submission| (label(submission), assessment.clone())).collect();
        let places: serde_json::Map<_, _> =
            (1..).zip(ranked).map(|(n, at)| (format!("place_{n:02}"), label(at).into())).collect();
        let body = serde_json::json!({ "assessments": assessments, "order": places }).to_string();
        RawAnswer {
            order: order.index(),
            body,
            model: "m".to_owned(),
            spent: super::super::Spent::default(),
            latency_millis: 0,
        }
    }

    /// A model with two numbers: of a round its limits, of a result the winner and the readings.
    type Numbers = (Seat, usize, usize);

    /// Plays a judgement of three submissions. Each round is given the winners of its readings, `None` for a
    /// lost or failed one. Returns the rounds that were asked for and the winner.
    fn play(
        has_second: bool,
        is_appeal: bool,
        failed: bool,
        winners: &[Option<usize>],
    ) -> (Vec<Numbers>, Option<Numbers>) {
        let mut session = Session::new(5, vec![0, 1, 2], has_second, is_appeal);
        let (mut asked, mut winners) = (Vec::new(), winners.iter());
        loop {
            match session.step() {
                Step::Ask(round, orders) => {
                    asked.push((round.seat, round.from, round.to));
                    let answers = orders.iter().zip(&mut winners).filter_map(|(order, winner)| {
                        let winner = (*winner)?;
                        Some(answer(order, &[winner, (winner + 1) % 3, (winner + 2) % 3]))
                    });
                    session.end_round(answers.collect(), failed);
                }
                Step::Decided(decided) => {
                    let winner = decided.combined.standings[0].submission;
                    return (asked, Some((decided.seat, winner, decided.readings.len())));
                }
                Step::Undecided => return (asked, None),
            }
        }
    }

    const FIRST: Numbers = (Seat::First, 0, 3);
    const MORE: Numbers = (Seat::First, 3, 7);
    const DECIDER: Numbers = (Seat::Second, 7, 10);

    #[test]
    fn three_orders_that_agree_suffice() {
        let agreed = play(true, false, false, &[Some(1), Some(1), Some(1)]);
        assert_eq!(agreed, (vec![FIRST], Some((Seat::First, 1, 3))));
        let two_left = play(false, false, true, &[Some(2), None, Some(2)]);
        assert_eq!(two_left, (vec![FIRST], Some((Seat::First, 2, 2))));
    }

    #[test]
    fn four_more_orders_are_read_when_the_first_disagree() {
        let split = [Some(0), Some(1), Some(1), Some(1), Some(1), Some(0), Some(1)];
        for has_second in [false, true] {
            let decided = play(has_second, false, false, &split);
            assert_eq!(decided, (vec![FIRST, MORE], Some((Seat::First, 1, 7))));
        }
    }

    #[test]
    fn a_second_model_decides_without_a_majority() {
        let split = [0, 1, 2, 0, 1, 2, 0, 2, 2, 2].map(Some);
        assert_eq!(
            play(true, false, false, &split),
            (vec![FIRST, MORE, DECIDER], Some((Seat::Second, 2, 3)))
        );
        let (asked, decided) = play(false, false, false, &split);
        assert_eq!(
            (asked, decided.map(|(seat, _, readings)| (seat, readings))),
            (vec![FIRST, MORE], Some((Seat::First, 7)))
        );
        let mut silent = split;
        silent[7..].fill(None);
        let (_, decided) = play(true, false, true, &silent);
        assert_eq!(decided.map(|(seat, _, readings)| (seat, readings)), Some((Seat::First, 7)));
    }

    #[test]
    fn a_model_that_fails_is_not_asked_again_and_a_lost_round_is_followed_by_the_next() {
        assert_eq!(play(true, false, true, &[Some(1), None, None]), (vec![FIRST], None));
        let lost = [None, None, None, Some(1), Some(1), Some(1), Some(1)];
        assert_eq!(play(false, false, false, &lost), (vec![FIRST, MORE], Some((Seat::First, 1, 4))));
    }

    #[test]
    fn an_appeal_is_heard_by_the_second_model_if_there_is_one() {
        let agreed = [Some(0), Some(0), Some(0)];
        let (asked, decided) = play(true, true, false, &agreed);
        assert_eq!((asked, decided), (vec![(Seat::Second, 0, 3)], Some((Seat::Second, 0, 3))));
        assert_eq!(play(false, true, false, &agreed).0, [FIRST]);
    }

    #[test]
    fn a_stopped_judgement_keeps_what_was_read() {
        let mut session = Session::new(5, vec![0, 1, 2], true, false);
        let Step::Ask(_, orders) = session.step() else { panic!() };
        let answers = vec![answer(&orders[0], &[0, 1, 2]), answer(&orders[1], &[1, 0, 2])];
        session.end_round(answers, false);
        assert!(matches!(session.step(), Step::Ask(..)));
        session.stop();
        assert!(matches!(session.step(), Step::Decided(decided) if decided.readings.len() == 2));
    }
}
