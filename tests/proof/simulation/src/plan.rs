//! Plans: what the users, the banks and the schedules do, as a function of the seed.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::chance;
use crate::faults::Point;
use crate::site::INSTANCES;

/// Number of users.
pub const USERS: usize = 6;
/// The users who post drops. They have a saved card.
pub const SENDERS: [usize; 2] = [0, 1];
/// The users who may work. All but the last have a connected account.
pub const WORKERS: [usize; 4] = [2, 3, 4, 5];

/// Share of the seeds in which several scripts meet. The others are small, because most defects show in small
/// runs, of which more fit into the same time.
const CROWDED_PER_CENT: u8 = 8;

/// What one seed does.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// The steps, in no particular order.
    pub steps: Vec<Step>,
    /// True if a model judges.
    pub modelled: bool,
    /// Points that faults spare.
    pub muted: BTreeSet<Point>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// The step's number, which is also the number of its task.
    pub number: u32,
    /// The time of its beginning, in milliseconds.
    pub at_millis: u64,
    /// The number of the acting user.
    pub user: usize,
    /// The action.
    #[serde(flatten)]
    pub action: Action,
}

/// An action of a user, a bank or a schedule. A `drop` is the number of the step that posts it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the variants' comments explain the fields")]
pub enum Action {
    /// Posts a drop.
    Post { price_cents: i64, seconds: u32, keyed: bool },
    /// Pays an unpaid drop.
    Pay { drop: u32 },
    /// Cancels a drop.
    Cancel { drop: u32 },
    /// Claims a slot.
    Claim { drop: u32 },
    /// Gives up a slot.
    Release { drop: u32, as_failed: bool },
    /// Submits work of some quality. The weakest copies the prompt, so that the judge refuses it.
    Submit { drop: u32, quality: u8 },
    /// Asks for a second opinion.
    Appeal { drop: u32 },
    /// Reads what a user can see of a drop.
    Look { drop: u32 },
    /// Reads the wallet.
    LookAtWallet,
    /// Starts a top-up and pays it.
    TopUp { cents: i64, payer: Payer, keyed: bool },
    /// Switches automatic top-ups on or off.
    AutoTopUps { enabled: bool, cents: i64, threshold_cents: i64 },
    /// Changes how the bank treats the saved card.
    SetCard { card: &'static str },
    /// Withdraws winnings.
    Withdraw { cents: i64, keyed: bool },
    /// Refunds a payment at Stripe. The bank may reject the refund later.
    Refund { payment: u8, cents: Option<i64>, fails_after_millis: Option<u64> },
    /// Disputes a payment at the bank.
    Dispute { payment: u8, cents: Option<i64>, inquiry: bool, course: Vec<BankMove> },
    /// Reverses part of a transfer at Stripe.
    ReverseTransfer { transfer: u8, cents: Option<i64> },
    /// Sends a webhook event with a wrong or an old signature.
    Forge { old: bool },
    /// Any other request. `{drop:N}` stands for the drop that step N posted, and `{id:N}` for the id in the
    /// answer to step N.
    Call { method: &'static str, path: &'static str, body: serde_json::Value },
    /// Uploads the file that step N announced.
    Upload { announced: u32 },
    /// Settles what is due.
    SweepDrops { instance: usize },
    /// Reconciles what is pending.
    Reconcile { instance: usize },
}

/// The payer's behaviour on Stripe's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Payer {
    /// Pays.
    Pays,
    /// Pays by a bank debit that succeeds later.
    PaysLater,
    /// Tries a bank debit that fails later.
    FailsLater,
    /// Leaves the page.
    Leaves,
}

/// A move of the bank in a dispute, some time after the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BankMove {
    /// Time since the move before, in milliseconds.
    pub after_millis: u64,
    /// The control call of the sandbox.
    pub call: &'static str,
    /// The body of the control call.
    pub body: serde_json::Value,
}

/// Writes the steps of one plan.
struct Writer {
    rng: fastrand::Rng,
    steps: Vec<Step>,
    /// True for several scripts that meet, with more users and steps in each.
    crowded: bool,
}

impl Plan {
    /// The plan of a seed.
    pub fn of_seed(seed: u64) -> Self {
        let mut writer = Writer { rng: chance::about(seed, 0, 4), steps: Vec::new(), crowded: false };
        writer.crowded = writer.is(CROWDED_PER_CENT);
        for _ in 0..if writer.crowded { 3 } else { 1 } {
            match writer.rng.u8(..20) {
                0..=8 => writer.race(),
                9..=13 => writer.money_in(),
                14..=16 => writer.money_out(),
                17..=18 => writer.automatic_topups(),
                _ => writer.quarrel(),
            }
        }
        writer.sweeps();
        let modelled = writer.rng.u8(..4) == 0;
        Self { seed, steps: writer.steps, modelled, muted: BTreeSet::new() }
    }
}

impl Writer {
    fn add(&mut self, at_millis: u64, user: usize, action: Action) -> u32 {
        let number = u32::try_from(self.steps.len()).unwrap_or_default() + 1;
        self.steps.push(Step { number, at_millis, user, action });
        number
    }

    fn one<T: Copy>(&mut self, values: &[T]) -> T {
        chance::pick(&mut self.rng, values)
    }

    fn is(&mut self, per_cent: u8) -> bool {
        self.rng.u8(..100) < per_cent
    }

    /// True with the first probability in a crowded seed, and with the second one in a small seed.
    fn is_or(&mut self, crowded_per_cent: u8, small_per_cent: u8) -> bool {
        let per_cent = if self.crowded { crowded_per_cent } else { small_per_cent };
        self.is(per_cent)
    }

    fn soon(&mut self, after: u64, within: u64) -> u64 {
        after + self.rng.u64(0..within.max(1))
    }

    /// A drop from its posting to its end.
    fn race(&mut self) {
        let begins = self.soon(0, 4_000);
        let sender = self.one(&SENDERS);
        let seconds = self.one(&[30, 30, 60, 300]);
        let price_cents = self.one(&[100, 500, 1_000, 5_000]);
        let keyed = self.is(85);
        let drop = self.add(begins, sender, Action::Post { price_cents, seconds, keyed });
        let window = u64::from(seconds) * 1_000;
        let mut workers = WORKERS.to_vec();
        self.rng.shuffle(&mut workers);
        let racing = if self.crowded { self.one(&[1, 2, 3, 4]) } else { self.one(&[0, 1, 1, 1, 2, 3]) };
        // A crowd arrives within a moment, so that claims overlap.
        let crowd = if self.is(25) { Some(self.soon(begins + 200, window / 2)) } else { None };
        for worker in workers.drain(..racing) {
            let claims = crowd.unwrap_or_else(|| self.soon(begins + 200, window / 2));
            self.add(claims, worker, Action::Claim { drop });
            match self.rng.u8(..10) {
                0 => {
                    let as_failed = self.rng.bool();
                    let gives_up = self.soon(claims + 100, window / 2);
                    self.add(gives_up, worker, Action::Release { drop, as_failed });
                }
                1 => {}
                _ => {
                    let quality = self.rng.u8(..10);
                    let submits = self.soon(claims, window - window / 4);
                    self.add(submits, worker, Action::Submit { drop, quality });
                    if self.is(10) {
                        let again = self.soon(submits, 3_000);
                        self.add(again, worker, Action::Submit { drop, quality });
                    }
                }
            }
        }
        if self.is_or(15, 8) {
            let cancels = self.soon(begins + 100, window);
            self.add(cancels, sender, Action::Cancel { drop });
        }
        if self.is_or(15, 8) {
            let pays = self.soon(begins + 100, window);
            self.add(pays, sender, Action::Pay { drop });
        }
        if self.is_or(20, 4) {
            let looks = self.soon(begins + 500, window * 2);
            let user = self.rng.usize(..USERS);
            self.add(looks, user, Action::Look { drop });
        }
        if self.is(10) {
            let appeals = begins + window + self.rng.u64(..60_000);
            let user = if self.rng.bool() { sender } else { self.one(&WORKERS) };
            self.add(appeals, user, Action::Appeal { drop });
        }
    }

    /// A top-up, and what the bank may do with it.
    fn money_in(&mut self) {
        let begins = self.soon(0, 4_000);
        let user = self.rng.usize(..USERS);
        let payer = self.one(&[
            Payer::Pays,
            Payer::Pays,
            Payer::Pays,
            Payer::Pays,
            Payer::Pays,
            Payer::PaysLater,
            Payer::FailsLater,
            Payer::Leaves,
        ]);
        let (cents, keyed) = (500 + self.rng.i64(0..2_000), self.is(85));
        self.add(begins, user, Action::TopUp { cents, payer, keyed });
        let mut reclaims = self.soon(begins + 3_000, 60_000);
        if self.is(50) {
            for _ in 0..self.rng.u8(1..=2) {
                self.reclaim(reclaims, cents);
                reclaims = self.soon(reclaims, 60_000);
            }
        }
        if self.is_or(40, 20) {
            // A payer who has disputed is frozen by then.
            let withdraws = self.soon(reclaims, 20_000);
            self.add(withdraws, user, Action::Withdraw { cents: 500 + cents / 4, keyed: true });
        }
        if self.is_or(30, 15) {
            let price_cents = self.one(&[500, 1_000]);
            let posts = self.soon(begins + 3_000, 30_000);
            let drop = self.add(posts, user, Action::Post { price_cents, seconds: 30, keyed: true });
            let worker = self.one(&WORKERS);
            self.add(posts + 3_000, worker, Action::Claim { drop });
            self.add(posts + 6_000, worker, Action::Submit { drop, quality: 5 });
        }
    }

    fn reclaim(&mut self, at: u64, paid: i64) {
        let payment = self.rng.u8(..4);
        let part = self.rng.i64(1..=paid);
        let cents = if self.rng.bool() { Some(part) } else { None };
        if self.rng.bool() {
            let fails_after_millis = if self.is(30) { Some(self.rng.u64(500..40_000)) } else { None };
            self.add(at, 0, Action::Refund { payment, cents, fails_after_millis });
            return;
        }
        let inquiry = self.is(25);
        let mut course = Vec::new();
        let mut then = |rng: &mut fastrand::Rng, call, body| {
            course.push(BankMove { after_millis: rng.u64(1_500..60_000), call, body });
        };
        if inquiry && self.is(60) {
            then(&mut self.rng, "escalate", serde_json::json!({}));
        }
        if self.is(30) {
            let amount = self.rng.i64(1..=paid);
            then(&mut self.rng, "update", serde_json::json!({ "amount": amount }));
        }
        if self.is(15) {
            let amount = self.rng.i64(1..=50);
            then(&mut self.rng, "reinstate", serde_json::json!({ "amount": amount }));
        }
        if self.is(80) {
            let won = self.rng.bool();
            let status = if won { "won" } else { "lost" };
            then(&mut self.rng, "close", serde_json::json!({ "status": status }));
            if self.is(20) {
                let status = if won { "lost" } else { "won" };
                then(&mut self.rng, "close", serde_json::json!({ "status": status, "again": true }));
            }
        }
        self.add(at, 0, Action::Dispute { payment, cents, inquiry, course });
    }

    /// Withdrawals, and what may come back of them.
    fn money_out(&mut self) {
        let user = self.one(&WORKERS);
        for _ in 0..self.rng.u8(1..=3) {
            let at = self.soon(0, 20_000);
            let (cents, keyed) = (500 + self.rng.i64(0..2_500), self.is(85));
            self.add(at, user, Action::Withdraw { cents, keyed });
        }
        if self.is(40) {
            for _ in 0..self.rng.u8(1..=2) {
                let at = self.soon(10_000, 60_000);
                let cents = if self.rng.bool() { Some(self.rng.i64(1..400)) } else { None };
                self.add(at, user, Action::ReverseTransfer { transfer: 0, cents });
            }
        }
    }

    /// Drops that a wallet can pay only after a charge of its card.
    fn automatic_topups(&mut self) {
        let user = self.one(&SENDERS);
        let (cents, threshold_cents) = (self.one(&[500, 1_000, 20_000]), self.one(&[100, 25_000]));
        self.add(0, user, Action::AutoTopUps { enabled: true, cents, threshold_cents });
        if self.is(25) {
            let card = self.one(&["declined", "authentication_required"]);
            self.add(500, user, Action::SetCard { card });
        }
        // Posts that overlap meet a charge in flight.
        let within = self.one(&[400, 6_000]);
        for _ in 0..self.rng.u8(1..=3) {
            let at = self.soon(1_500, within);
            let price_cents = self.one(&[5_000, 19_500, 21_000]);
            let drop = self.add(at, user, Action::Post { price_cents, seconds: 30, keyed: true });
            if self.is(30) {
                let worker = self.one(&WORKERS);
                self.add(at + 2_000, worker, Action::Claim { drop });
                self.add(at + 5_000, worker, Action::Submit { drop, quality: 5 });
            }
        }
        if self.is(40) {
            let at = self.soon(8_000, 60_000);
            self.reclaim(at, cents);
        }
    }

    /// Won money, withdrawn while the payment that it came from is disputed; and forged events.
    fn quarrel(&mut self) {
        let (user, worker) = (self.one(&SENDERS), self.one(&WORKERS[..3]));
        self.add(0, user, Action::TopUp { cents: 5_000, payer: Payer::Pays, keyed: true });
        let drop = self.add(4_000, user, Action::Post { price_cents: 5_000, seconds: 30, keyed: true });
        self.add(6_000, worker, Action::Claim { drop });
        self.add(8_000, worker, Action::Submit { drop, quality: 7 });
        let disputes = self.soon(20_000, 7_200_000);
        self.reclaim(disputes, 5_000);
        for _ in 0..self.rng.u8(1..=2) {
            let at = self.soon(60_000, 7_200_000);
            let cents = self.one(&[3_000, 5_000, 6_950]);
            self.add(at, worker, Action::Withdraw { cents, keyed: true });
        }
        if self.is(50) {
            let old = self.rng.bool();
            let at = self.soon(5_000, 60_000);
            self.add(at, user, Action::Forge { old });
        }
    }

    /// The schedules, which run a few times amid the rest.
    fn sweeps(&mut self) {
        let ends = self.steps.iter().map(|step| step.at_millis).max().unwrap_or_default() + 40_000;
        if self.is_or(20, 2) {
            // Two at once, as when a run takes longer than the schedule's minute.
            let at = self.soon(30_000, ends);
            for instance in 0..INSTANCES {
                self.add(at, 0, Action::SweepDrops { instance });
            }
        }
        for _ in 0..if self.crowded { self.one(&[0, 1, 2]) } else { self.one(&[0, 0, 0, 1]) } {
            let at = self.soon(5_000, ends);
            let instance = self.rng.usize(..INSTANCES);
            self.add(at, 0, Action::Reconcile { instance });
        }
    }
}
