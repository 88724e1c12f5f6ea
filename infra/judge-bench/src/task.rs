//! Judgements by a model: the questions that are put to it, and what follows from its answers.

use anyhow::{Context, Result};
use clorp_domain::Verdict;
use clorp_domain::verdict::Candidate;
use clorp_judge::Contest;
use clorp_judge::model::{
    ConfigError, Decided, Entrants, FIRST_MODEL, ModelConfig, Order, Question, SECOND_MODEL, Seat, Session,
    Spent, Step,
};
use clorp_secrets::Credential;
use sha2::{Digest, Sha256};

use crate::answers::{Answers, Kept};
use crate::set::Race;

/// The configured models.
#[derive(Clone, Debug)]
pub struct Seats {
    /// The model that judges.
    pub first: ModelConfig,
    /// The model that decides if the first one disagrees with itself.
    pub second: Option<ModelConfig>,
}

impl Seats {
    /// Reads the models from variables.
    ///
    /// # Errors
    /// [`ConfigError`] if the first model is missing, or one of them is unusable.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let credential = |name: &'static str| var(name).map(Credential::from);
        let first = ModelConfig::from_vars(&FIRST_MODEL, &var, credential)?;
        // The name of the model is also that of its variable.
        let first = first.ok_or(ConfigError::Missing("CLORP_JUDGE_MODEL"))?;
        Ok(Self { first, second: ModelConfig::from_vars(&SECOND_MODEL, &var, credential)? })
    }

    /// The model of a seat.
    pub fn of(&self, seat: Seat) -> &ModelConfig {
        match seat {
            Seat::First => &self.first,
            Seat::Second => self.second.as_ref().unwrap_or(&self.first),
        }
    }
}

/// A judgement that a model is to make.
#[derive(Clone, Debug)]
pub struct Task {
    /// Name of the judgement, unique among those of a run.
    pub id: String,
    /// The race, with the submissions as the model reads them.
    pub race: Race,
    candidates: Vec<Candidate>,
    embedded: Verdict,
    entrants: Entrants,
    seed: u64,
}

/// A call of a model.
#[derive(Clone, Debug)]
pub struct Call {
    /// Name of the call: judgement, seat and index of the order.
    pub custom_id: String,
    /// Digest of the request.
    pub request: String,
    /// Model that is asked.
    pub seat: Seat,
    /// Order in which it reads.
    pub order: Order,
}

/// The state of a judgement.
#[derive(Clone, Debug)]
pub enum State {
    /// These calls are needed next.
    Wants(Vec<Call>),
    /// The answers make a ranking.
    Decided(Decided),
    /// Too few answers could be used.
    Undecided,
}

/// A call that was made.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    /// Model that was asked.
    pub seat: Seat,
    /// Calls and tokens that were spent.
    pub spent: Spent,
    /// Time that the answer took, in milliseconds. Zero for a batch, and for an unusable answer.
    pub latency_millis: u64,
}

impl Task {
    /// The judgement of the submissions that the embedded judge's verdict does not refuse. The orders follow
    /// from `seed` and the id.
    pub fn new(id: String, race: Race, embedded: Verdict, seed: u64) -> Self {
        let candidates = race.in_order();
        let entrants = Entrants::new(&contest(&race, &candidates), &embedded);
        let digest = Sha256::digest(format!("{seed} {id}"));
        let seed = digest.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte));
        Self { id, race, candidates, embedded, entrants, seed }
    }

    /// The question to the model.
    pub const fn question(&self) -> &Question {
        &self.entrants.question
    }

    /// The state of the judgement by the answers so far, and the calls that these took.
    pub fn state(&self, seats: &Seats, answers: &Answers) -> (State, Vec<Made>) {
        let arrival = self.entrants.arrival.clone();
        let mut session = Session::new(self.seed, arrival, seats.second.is_some(), false);
        let mut made = Vec::new();
        loop {
            let (round, orders) = match session.step() {
                Step::Ask(round, orders) => (round, orders),
                Step::Decided(decided) => return (State::Decided(decided), made),
                Step::Undecided => return (State::Undecided, made),
            };
            let (mut usable, mut wanted, mut failed) = (Vec::new(), Vec::new(), false);
            for order in orders {
                let call = self.call(seats, round.seat, order);
                let kept = answers.get(&call.custom_id, &call.request);
                made.extend(kept.map(|kept| Made::new(round.seat, kept)));
                match kept {
                    Some(Kept::Answer(answer)) => usable.push(answer.clone()),
                    Some(Kept::Failed { .. }) => failed = true,
                    None => wanted.push(call),
                }
            }
            if !wanted.is_empty() {
                return (State::Wants(wanted), made);
            }
            session.end_round(usable, failed);
        }
    }

    fn call(&self, seats: &Seats, seat: Seat, order: Order) -> Call {
        let name = match seat {
            Seat::First => "first",
            Seat::Second => "second",
        };
        let body = seats.of(seat).request_body(self.question(), &order).to_string();
        let request = Sha256::digest(body).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Call { custom_id: format!("{}/{name}/{}", self.id, order.index()), request, seat, order }
    }

    /// The verdict that the answers make, as the ranking function gives it.
    ///
    /// # Errors
    /// Fails if the decision is about other submissions.
    pub fn verdict(&self, seats: &Seats, decided: &Decided) -> Result<Verdict> {
        let lengths = seats.of(decided.seat).read_lengths(self.question());
        let contest = contest(&self.race, &self.candidates);
        let verdict = self.entrants.verdict(&contest, &self.embedded, decided, self.seed, &lengths);
        verdict.with_context(|| self.id.clone())
    }
}

const fn contest<'a>(race: &'a Race, candidates: &'a [Candidate]) -> Contest<'a> {
    Contest { pack: race.pack, prompt: race.prompt.as_str(), candidates }
}

impl Made {
    const fn new(seat: Seat, kept: &Kept) -> Self {
        let latency_millis = match kept {
            Kept::Answer(answer) => answer.latency_millis,
            Kept::Failed { .. } => 0,
        };
        Self { seat, spent: kept.spent(), latency_millis }
    }
}
