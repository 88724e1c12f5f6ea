//! Properties of a drop and its money, for any sequence of actions at any times.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use clorp_domain::drops::{CancelDecision, ClaimDecision, Due, Outcome, SubmitDecision};
use clorp_domain::time::{after_seconds, before_seconds, from_unix_millis};
use clorp_domain::timeline::EventId;
use clorp_domain::{
    Account, Cents, Draft, Drop, DropId, EntryId, Error, Grade, NewDrop, Posting, Rules, Status, UserId,
};
use jiff::Timestamp;
use proptest::prelude::*;
use ulid::Ulid;

const SENDER: usize = 0;
/// Number of users: the sender, and more workers than slots.
const USERS: usize = 9;

#[derive(Clone, Copy, Debug)]
enum Action {
    Pay(usize),
    Claim(usize),
    Submit(usize),
    Release(usize),
    Cancel(usize),
    Rank,
}

fn user(n: usize) -> UserId {
    format!("user-{n}").parse().expect("a user id")
}

/// Generates an action, and the seconds since the previous one.
fn step() -> impl Strategy<Value = (u32, Action)> {
    let action = prop_oneof![
        1 => (0..USERS).prop_map(Action::Pay),
        6 => (0..USERS).prop_map(Action::Claim),
        6 => (0..USERS).prop_map(Action::Submit),
        2 => (0..USERS).prop_map(Action::Release),
        1 => (0..USERS).prop_map(Action::Cancel),
        2 => Just(Action::Rank),
    ];
    (prop_oneof![4 => 0..5_u32, 2 => 20..150_u32, 1 => 150..1000_u32], action)
}

/// A drop, and the balances of the accounts involved.
struct Market {
    rules: Rules,
    drop: Drop,
    now: Timestamp,
    balances: BTreeMap<Account, i64>,
}

impl Market {
    fn new(price: i64, seconds: i64) -> Self {
        let rules = Rules::default();
        let now = from_unix_millis(1_795_512_600_000).expect("a date");
        let draft = Draft {
            prompt: Some("Race".to_owned()),
            price_cents: Some(price),
            time_limit_seconds: Some(seconds),
            ..Draft::default()
        };
        let new_drop = NewDrop::new(draft, &rules).expect("a valid new drop");
        let drop = Drop::pending(DropId::new(Ulid::from_parts(1, 1)), user(SENDER), &new_drop, &rules, now);
        Self { rules, drop, now, balances: BTreeMap::new() }
    }

    fn post(&mut self, posting: &Posting) {
        for entry in posting.entries() {
            *self.balances.entry(entry.account.clone()).or_default() += entry.delta.get();
        }
    }

    fn entry(&self) -> EntryId {
        EntryId::new(Ulid::from_parts(2, 2))
    }

    fn balance(&self, account: &Account) -> i64 {
        self.balances.get(account).copied().unwrap_or_default()
    }

    /// Applies the decision for an action, as the store would.
    fn act(&mut self, action: Action) {
        let (id, old) = (self.entry(), self.drop.clone());
        let now = old.next_change_at(self.now);
        match action {
            Action::Pay(n) => {
                if old.pay(&user(n), now).is_ok() {
                    self.post(&old.payment(id, now).unwrap());
                    self.drop = Drop { escrow: old.price, ..old.opened(now) };
                }
            }
            Action::Claim(n) => match old.claim(&user(n), &user(n), now, &self.rules) {
                Ok(ClaimDecision::Take(claim)) => self.drop = old.claimed(user(n), &user(n), claim, None),
                Ok(ClaimDecision::TakeOver(claim, lapsed)) => {
                    self.drop = old.claimed(user(n), &user(n), claim, Some(&lapsed));
                }
                Ok(ClaimDecision::Held(_)) | Err(_) => {}
            },
            Action::Submit(n) => {
                if let Ok(SubmitDecision::Accept { closes_at }) = old.submit(&user(n), now, &self.rules) {
                    self.drop.claims.get_mut(&user(n)).expect("a claim").submitted_at = Some(now);
                    self.drop.updated_at = now;
                    if closes_at.is_some_and(|at| at <= now) {
                        self.close(now);
                    }
                }
            }
            Action::Release(n) => {
                if old.release(&user(n), now).is_ok() {
                    self.drop = old.released(&user(n), now);
                }
            }
            Action::Cancel(n) => match old.cancel(&user(n)) {
                Ok(CancelDecision::Refund) => {
                    self.post(&old.refund(id, now).unwrap());
                    self.drop = old.ended(Status::Cancelled, now);
                }
                Ok(CancelDecision::Void) => self.drop = old.ended(Status::Cancelled, now),
                Ok(CancelDecision::Already) | Err(_) => {}
            },
            Action::Rank => match old.due(now, &self.rules) {
                Due::Close => self.close(now),
                Due::Expire => {
                    self.post(&old.refund(id, now).unwrap());
                    self.drop = old.ended(Status::Expired, now);
                }
                Due::Judge => {
                    let winner = old.claims.iter().find(|(_, claim)| claim.submitted_at.is_some());
                    let winner = winner.expect("a drop is judged only with a submission").0.clone();
                    self.post(&old.award(&winner, id, now).unwrap());
                    self.drop = old.completed(Outcome { winner, grade: Grade::A, completed_at: now });
                }
                Due::Nothing | Due::NotBefore(_) => {}
            },
        }
    }

    fn close(&mut self, now: Timestamp) {
        self.drop.status = Status::Ranking;
        self.drop.ranking_at = Some(now);
        self.drop.updated_at = now;
    }

    /// Reads the timeline as a client that has seen the events in `seen`, and appends the new ones.
    fn poll(&self, seen: &mut Vec<(EventId, String)>) {
        let events = self.drop.timeline(seen.last().map(|(id, _)| *id));
        seen.extend(events.into_iter().flatten().map(|event| (event.id, format!("{:?}", event.kind))));
    }

    /// Checks the invariants of a drop's state.
    fn check(&self) -> Result<(), TestCaseError> {
        let drop = &self.drop;
        prop_assert_eq!(self.balances.values().sum::<i64>(), 0);
        prop_assert_eq!(self.balance(&Account::Escrow(drop.id)), drop.escrow.get());
        let (price, fee) = (drop.price.get(), drop.fee.get());
        let sender = self.balance(&Account::User(drop.sender.clone()));
        match drop.status {
            Status::Open | Status::Ranking => prop_assert_eq!((sender, drop.escrow.get()), (-price, price)),
            Status::Completed => {
                let winner = &drop.outcome.as_ref().expect("an outcome").winner;
                prop_assert_eq!(sender, -price);
                prop_assert_eq!(self.balance(&Account::User(winner.clone())), price - fee);
                prop_assert_eq!(self.balance(&Account::Platform), fee);
            }
            Status::PendingPayment | Status::Cancelled | Status::Expired => {
                prop_assert!(self.balances.values().all(|balance| *balance == 0), "{:?}", self.balances);
            }
        }
        if let (Some(closed_at), Some(window)) = (drop.ranking_at, drop.window) {
            prop_assert!(closed_at >= window.earliest_ranking_at(&self.rules), "a race was cut short");
        }
        prop_assert!(drop.claims_count() <= drop.max_claims);
        prop_assert!(drop.submissions_count() <= drop.claims_count());
        prop_assert!(!drop.claims.contains_key(&drop.sender));
        let window = drop.window;
        for claim in drop.claims.values() {
            let window = window.expect("a claimed drop has a window");
            prop_assert!(claim.claimed_at >= window.opened_at && claim.claimed_at < window.closes_at);
            prop_assert!(claim.lease_expires_at <= window.closes_at);
            prop_assert!(claim.submitted_at.is_none_or(|at| claim.claimed_at <= at && at < window.closes_at));
        }
        Ok(())
    }

    /// Checks the invariants of a change.
    fn check_change(&self, old: &Drop, action: Action) -> Result<(), TestCaseError> {
        let new = &self.drop;
        prop_assert!(old.status <= new.status, "{} became {}", old.status, new.status);
        if old.status.is_terminal() {
            prop_assert_eq!(old, new);
        }
        if old.submissions_count() > 0 {
            prop_assert!(
                !matches!(new.status, Status::Cancelled | Status::Expired),
                "a drop with submissions ended without a payout"
            );
        }
        prop_assert!(old.window.is_none() || old.window == new.window);
        prop_assert!(old == new || old.updated_at < new.updated_at, "a change did not advance updated_at");
        for (worker, claim) in &old.claims {
            match new.claims.get(worker) {
                Some(kept) => prop_assert_eq!(
                    (kept.claimed_at, kept.submitted_at),
                    (claim.claimed_at, claim.submitted_at.or(kept.submitted_at))
                ),
                None => {
                    prop_assert_eq!(claim.submitted_at, None);
                    // The claim was released by its holder or taken over. A takeover needs a lapsed lease and
                    // a drop without free slots.
                    if matches!(action, Action::Release(n) if user(n) == *worker) {
                        prop_assert_eq!(new.claims_count() + 1, old.claims_count());
                    } else {
                        prop_assert!(claim.lapsed_at(new.updated_at).is_some());
                        let counts = (old.claims_count(), new.claims_count());
                        prop_assert_eq!(counts, (old.max_claims, old.max_claims));
                    }
                }
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn no_sequence_of_actions_loses_money_or_work_or_reverts_a_drop(
        price in 0..=200_000_i64,
        seconds in 0..=1000_i64,
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut market = Market::new(price, seconds);
        for (wait, action) in std::iter::once((0, Action::Pay(SENDER))).chain(steps) {
            market.now = after_seconds(market.now, wait);
            let old = market.drop.clone();
            market.act(action);
            market.check()?;
            market.check_change(&old, action)?;
        }
    }

    #[test]
    fn two_rankings_after_the_window_end_an_opened_drop(
        seconds in 0..=1000_i64,
        steps in prop::collection::vec(step(), 0..60),
        late in 0..10_000_u32,
    ) {
        let mut market = Market::new(500, seconds);
        market.act(Action::Pay(SENDER));
        for (wait, action) in steps {
            market.now = after_seconds(market.now, wait);
            market.act(action);
        }
        let closes_at = market.drop.window.expect("the drop is open").closes_at;
        market.now = market.now.max(after_seconds(closes_at, late));
        market.act(Action::Rank);
        market.act(Action::Rank);
        prop_assert!(market.drop.status.is_terminal());
        prop_assert_eq!(market.drop.due(market.now, &market.rules), Due::Nothing);
        market.check()?;
    }

    #[test]
    fn only_the_sender_pays_or_cancels_and_only_others_work(
        steps in prop::collection::vec(step(), 0..30),
        other in 1..USERS,
    ) {
        let mut market = Market::new(500, 300);
        for (wait, action) in steps {
            market.now = after_seconds(market.now, wait);
            market.act(action);
            let (drop, other) = (&market.drop, user(other));
            let refusal = if drop.relation(&other).is_some() { Error::NotTheSender } else { Error::NotFound };
            prop_assert_eq!(drop.pay(&other, market.now), Err(refusal.clone()));
            prop_assert_eq!(drop.cancel(&other), Err(refusal));
            prop_assert_eq!(drop.claim(&drop.sender, &drop.sender, market.now, &market.rules), Err(Error::OwnDrop));
            prop_assert_eq!(drop.submit(&drop.sender, market.now, &market.rules), Err(Error::OwnDrop));
            prop_assert_eq!(drop.release(&drop.sender, market.now), Err(Error::OwnDrop));
        }
    }

    #[test]
    fn a_full_drop_passes_on_only_the_slot_that_lapsed_first(
        joins in prop::collection::vec(0..100_u32, 5),
        wait in 0..800_u32,
    ) {
        let mut market = Market::new(500, 900);
        market.act(Action::Pay(SENDER));
        for (n, seconds) in joins.iter().enumerate() {
            market.now = after_seconds(market.now, *seconds);
            market.act(Action::Claim(n + 1));
        }
        prop_assume!(market.drop.claims_count() == 5);
        market.now = after_seconds(market.now, wait);
        let first = market.drop.claims.values().map(|claim| claim.lease_expires_at).min().unwrap();
        let closes_at = market.drop.window.unwrap().closes_at;
        let decision = market.drop.claim(&user(8), &user(8), market.now, &market.rules);
        match decision {
            Err(Error::WindowClosed) => prop_assert!(market.now >= closes_at),
            Err(Error::MaxClaimsReached) => prop_assert!(market.now < first),
            Ok(ClaimDecision::TakeOver(claim, lapsed)) => {
                prop_assert!(first <= market.now && market.now < closes_at);
                prop_assert_eq!(market.drop.claims[&lapsed].lease_expires_at, first);
                prop_assert_eq!(claim.claimed_at, market.now);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn a_polling_client_sees_every_event_once_and_in_order(
        steps in prop::collection::vec((step(), 0..6_u32, any::<bool>()), 0..60),
    ) {
        let mut market = Market::new(500, 900);
        let (mut clock, mut seen) = (market.now, Vec::new());
        for ((wait, action), behind, polled) in std::iter::once(((0, Action::Pay(SENDER)), 0, false)).chain(steps) {
            clock = after_seconds(clock, wait);
            // Each change is made under a clock that is behind by a different amount.
            market.now = before_seconds(clock, behind);
            market.act(action);
            if polled {
                market.poll(&mut seen);
            }
        }
        market.poll(&mut seen);
        prop_assert!(seen.is_sorted_by(|(a, _), (b, _)| a < b), "{:?}", seen);
        let mut fresh = Vec::new();
        market.poll(&mut fresh);
        let ids = |events: &[(EventId, String)]| events.iter().map(|(id, _)| *id).collect::<BTreeSet<_>>();
        let (all, now) = (ids(&seen), ids(&fresh));
        prop_assert!(all.is_superset(&now), "{:?} lacks some of {:?}", seen, fresh);
        // A new client does not see claims that were released or taken over.
        let gone = seen.iter().filter(|(id, _)| !now.contains(id));
        prop_assert!(gone.clone().all(|(_, what)| what.starts_with("Claimed")), "{:?}", seen);
        let ended = market.drop.status.is_terminal();
        prop_assert_eq!(fresh.last().is_some_and(|(_, what)| what == "Done"), ended);
        prop_assert_eq!(market.drop.timeline(seen.last().map(|(id, _)| *id)).is_none(), ended);
    }

    #[test]
    fn entries_form_a_posting_exactly_if_they_balance_and_repeat_no_account(
        deltas in prop::collection::vec((0..4_usize, -3..=3_i64), 0..6),
    ) {
        let entries = deltas.iter().map(|(n, delta)| (Account::User(user(*n)), Cents::new(*delta)));
        let moved: Vec<_> = deltas.iter().filter(|(_, delta)| *delta != 0).collect();
        let accounts: BTreeSet<_> = moved.iter().map(|(n, _)| n).collect();
        let balanced = moved.iter().map(|(_, delta)| delta).sum::<i64>() == 0;
        let reason = "topup:test".parse().expect("a reason");
        let at = from_unix_millis(0).expect("a date");
        let posting = Posting::new(EntryId::new(Ulid::from_parts(1, 1)), reason, at, entries);
        prop_assert_eq!(posting.is_ok(), balanced && !moved.is_empty() && accounts.len() == moved.len());
        if let Ok(posting) = posting {
            prop_assert_eq!(posting.entries().len(), moved.len());
        }
    }
}
