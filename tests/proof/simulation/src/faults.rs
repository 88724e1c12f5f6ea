//! Faults: their kinds, where they may strike, and the decision if one does.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::chance;

/// Most faults of one seed, so that a seed comes to rest soon.
const MAX_FAULTS: usize = 24;
/// Probabilities with which the kinds of a seed strike a call.
const RATES: [f64; 5] = [0.01, 0.02, 0.05, 0.1, 0.2];

macro_rules! faults {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        pub enum Fault {
            $($(#[$doc])* #[serde(rename = $name)] $kind,)*
        }

        impl Fault {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The name in reports.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

faults! {
    /// A request never reaches the table.
    LostRequest = "table_lost_request",
    /// A request takes effect, and its response is lost.
    LostResponse = "table_lost_response",
    /// A request takes effect after its caller has given up.
    LateEffect = "table_late_effect",
    /// The table answers with an error of its own, and does nothing.
    ServerError = "table_server_error",
    /// The table refuses because of its load.
    Throttled = "table_throttled",
    /// The write meets a transaction in progress.
    Conflict = "table_conflict",
    /// A transaction meets another one, beside a condition that fails.
    ConflictBesideRefusal = "table_conflict_beside_refusal",
    /// A query of an index sees some items as they were before.
    StaleIndex = "table_stale_index",
    /// An eventually consistent read sees an item as it was before.
    StaleRead = "table_stale_read",
    /// The function's process dies instead of making a call.
    DeathBefore = "death_before_call",
    /// The function's process dies after a call has taken effect.
    DeathAfter = "death_after_call",
    /// The response of the function does not reach its client.
    LostReply = "lost_reply",
    /// A request never reaches Stripe.
    StripeLostRequest = "stripe_lost_request",
    /// Stripe executes a request, and its response is lost.
    StripeLostResponse = "stripe_lost_response",
    /// Stripe answers with an error of its own, and keeps nothing.
    StripeError = "stripe_error",
    /// Stripe answers with an error of its own, does nothing, and keeps the error under the key.
    StripeKeptError = "stripe_kept_error",
    /// Stripe executes a request, and answers with an error that it keeps under the key.
    StripeErrorAfter = "stripe_error_after",
    /// Stripe refuses because of the number of requests.
    StripeRateLimit = "stripe_rate_limit",
    /// The bank declines a charge, or Stripe a transfer.
    StripeDecline = "stripe_decline",
    /// A webhook event is not delivered until its repetition.
    WebhookLost = "webhook_lost",
    /// A webhook event is delivered twice.
    WebhookDuplicate = "webhook_duplicate",
    /// A webhook event comes late, and so after later ones.
    WebhookDelayed = "webhook_delayed",
    /// A queue message is lost.
    MessageLost = "message_lost",
    /// A queue message is delivered twice.
    MessageDuplicate = "message_duplicate",
    /// A queue message comes late.
    MessageDelayed = "message_delayed",
    /// The queue refuses a message.
    QueueDown = "queue_down",
    /// The bucket does not answer, or refuses.
    FilesDown = "files_down",
    /// The model answers after the judge's patience.
    ModelSlow = "model_slow",
    /// The model's answer cannot be used.
    ModelWrong = "model_wrong",
    /// The model's service refuses.
    ModelDown = "model_down",
    /// The clock of an instance is ahead or behind.
    ClockSkew = "clock_skew",
}

/// A place where a fault may strike: the n-th call of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Point {
    /// The task: a step of the plan, or one in the background.
    pub task: u32,
    /// The number of the task's call.
    pub call: u32,
}

/// The faults of one run.
#[derive(Clone, Debug, Default)]
pub struct Weather {
    seed: u64,
    rates: Vec<(Fault, f64)>,
    planned: BTreeMap<Point, Fault>,
    muted: BTreeSet<Point>,
    calm: bool,
    struck: Vec<(Point, Fault)>,
}

impl Weather {
    /// The faults of a seed: some of the kinds, each with a rate. The points in `muted` are spared.
    pub fn of_seed(seed: u64, muted: BTreeSet<Point>) -> Self {
        let mut rng = chance::about(seed, 0, 1);
        // A seed with few kinds finds what many kinds would hide behind each other.
        let share = chance::pick(&mut rng, &[0.0, 0.1, 0.3, 0.6]);
        let mut rate = |kind: &Fault| {
            let (occurs, rate) = (rng.f64() < share, chance::pick(&mut rng, &RATES));
            occurs.then_some((*kind, rate))
        };
        let rates = Fault::ALL.iter().filter_map(&mut rate).collect();
        Self { seed, rates, muted, ..Self::default() }
    }

    /// Exactly these faults.
    pub fn planned(seed: u64, planned: BTreeMap<Point, Fault>) -> Self {
        Self { seed, planned, ..Self::default() }
    }

    /// True if every fault is planned.
    pub fn is_planned(&self) -> bool {
        self.rates.is_empty()
    }

    /// No faults.
    pub fn calm() -> Self {
        Self { calm: true, ..Self::default() }
    }

    /// Ends all faults but the planned ones.
    pub fn clear_up(&mut self) {
        self.calm = self.planned.is_empty();
    }

    /// The fault at a point, if one of those that are possible there strikes.
    pub fn strike(&mut self, at: Point, possible: &[Fault]) -> Option<Fault> {
        let fault = self.decide(at, possible)?;
        self.struck.push((at, fault));
        Some(fault)
    }

    fn decide(&self, at: Point, possible: &[Fault]) -> Option<Fault> {
        if self.calm {
            return None;
        }
        if let Some(planned) = self.planned.get(&at) {
            return possible.contains(planned).then_some(*planned);
        }
        if self.muted.contains(&at) || self.struck.len() >= MAX_FAULTS {
            return None;
        }
        let mut draw = chance::about(self.seed, point_number(at), 2).f64();
        self.rates.iter().filter(|(kind, _)| possible.contains(kind)).find_map(|(kind, rate)| {
            draw -= rate;
            (draw < 0.0).then_some(*kind)
        })
    }

    /// Counts a fault that has no point.
    pub fn count(&mut self, fault: Fault) {
        self.struck.push((Point { task: u32::MAX, call: 0 }, fault));
    }

    /// Random numbers about a point.
    pub fn chance(&self, at: Point) -> fastrand::Rng {
        chance::about(self.seed, point_number(at), 3)
    }

    /// Tells if faults of this kind occur.
    pub fn has(&self, kind: Fault) -> bool {
        !self.calm && self.rates.iter().any(|(one, _)| *one == kind)
    }

    /// The faults that have struck, in order.
    pub fn struck(&self) -> &[(Point, Fault)] {
        &self.struck
    }
}

fn point_number(at: Point) -> u64 {
    (u64::from(at.task) << 32) | u64::from(at.call)
}
