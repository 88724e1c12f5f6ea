//! Webhook events, as they are applied. Each line of the input is an event about a user with a paid top-up, a
//! pending one and a withdrawal. Each event comes twice.
//!
//! No event is a fault, none counts twice, the wallet is the sum of its ledger, and it never holds more or
//! less than these payments explain.

use std::sync::atomic::{AtomicU64, Ordering};

use clorp_context::new_ulid;
use clorp_domain::{
    Account, Cents, ConnectStatus, DropId, EntryId, Error, Posting, Reason, Topup, TopupKind, User, UserId,
    Withdrawal, WithdrawalStatus,
};
use clorp_payments::{Outcome, WebhookEvents};
use clorp_store::Store;
use jiff::Timestamp;

use super::event::{self, PAID_TOPUP, PENDING_TOPUP, SETUP, TOPUP_CENTS, WITHDRAWAL, WITHDRAWAL_CENTS};
use crate::support::{DATABASE, block_on};
use crate::{Shape, Target, ensure};

/// Most events of one input.
const MOST_EVENTS: usize = 5;

pub const TARGET: Target = Target {
    name: "webhook",
    subject: "webhook events, and what is done about them",
    valid,
    words: event::WORDS,
    check,
    shapes: &[
        Shape { name: "an unreadable body", make: |bytes| vec![b'{'; bytes], most: 1 << 20 },
        Shape {
            name: "a foreign object",
            make: |bytes| {
                let head = r#"{"id":"evt_1","type":"charge.refunded","created":1,"data":{"object":{"id":"ch_9","x":""#;
                let tail = r#"","payment_intent":null,"amount_refunded":1}}}"#;
                format!("{head}{}{tail}", "é".repeat(bytes / 2)).into_bytes()
            },
            most: 256 * 1024,
        },
    ],
};

fn valid() -> Vec<Vec<u8>> {
    let lines: Vec<String> = event::events().iter().map(ToString::to_string).collect();
    let pairs = lines.windows(2).map(|pair| pair.join("\n").into_bytes());
    pairs.chain([[&lines[5], &lines[9], &lines[10]].map(String::as_str).join("\n").into_bytes()]).collect()
}

/// A user of one input, with the ids that the input's are replaced by.
struct Case {
    user: UserId,
    number: u64,
    events: WebhookEvents,
}

/// The wallet before any event: what the user was given, the paid top-up, less the withdrawal.
const START: i64 = 2000;

impl Case {
    async fn start() -> Result<Self, Error> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let context = DATABASE.context.clone();
        let (store, now) = (context.store.clone(), context.clock.now());
        let user: UserId = format!("ada-{number}").parse().expect("an id");
        let _ = store.users().create(&User::new(user.clone(), "Ada", None, now)).await?;
        let case = Self { user, number, events: WebhookEvents { context } };
        case.fund(&store, now, START + WITHDRAWAL_CENTS - TOPUP_CENTS).await?;
        case.top_up(&store, now).await?;
        case.withdraw(&store, now).await?;
        store.setups().begin(&case.user, SETUP.parse().expect("an id"), now).await?;
        Ok(case)
    }

    fn entry(now: Timestamp) -> EntryId {
        EntryId::new(new_ulid(now))
    }

    /// Winnings that may be withdrawn.
    async fn fund(&self, store: &Store, now: Timestamp, cents: i64) -> Result<(), Error> {
        let to = Account::User(self.user.clone());
        let reason = Reason::Win(DropId::new(new_ulid(now)));
        let given =
            Posting::transfer(Self::entry(now), reason, now, Account::External, to, Cents::new(cents));
        store.ledger().post(&given.expect("balanced")).await
    }

    async fn top_up(&self, store: &Store, now: Timestamp) -> Result<(), Error> {
        for id in [PENDING_TOPUP, PAID_TOPUP] {
            let (id, kind) = (id.parse().expect("an id"), TopupKind::Checkout);
            store
                .topups()
                .begin(&Topup::begun(id, self.user.clone(), kind, Cents::new(TOPUP_CENTS), now))
                .await?;
        }
        let paid =
            store.topups().get(&self.user, PAID_TOPUP.parse().expect("an id")).await?.expect("a top-up");
        let session = format!("cs_9_{}", self.number);
        let credit = paid.credit(&session, Self::entry(now), now).expect("balanced");
        let intent = self.translate("pi_1");
        let credited = store.topups().credit(&paid, &session, Some(&intent), &credit).await?;
        assert!(credited.is_applied());
        Ok(())
    }

    /// A withdrawal of the user's winnings, which Stripe has transferred.
    async fn withdraw(&self, store: &Store, now: Timestamp) -> Result<(), Error> {
        let account = format!("acct_{}", self.number);
        let _ = store.users().open_account(&self.user, None, &account, ConnectStatus::Active).await?;
        let owner = store.users().get(&self.user).await?.expect("a user");
        let withdrawal = Withdrawal {
            id: WITHDRAWAL.parse().expect("an id"),
            user: self.user.clone(),
            amount: Cents::new(WITHDRAWAL_CENTS),
            status: WithdrawalStatus::Pending,
            account,
            created_at: now,
            transfer: None,
            reversed: Cents::ZERO,
        };
        let debit = withdrawal.debit(Self::entry(now), now).expect("balanced");
        let reserved = store.withdrawals().reserve(&withdrawal, &owner, &debit, now).await?;
        assert!(reserved.is_applied(), "{reserved:?}");
        let completed = store.withdrawals().complete(&withdrawal, &format!("tr_{}", self.number)).await?;
        assert!(completed.is_applied());
        Ok(())
    }

    /// An event about this user instead of `ada`.
    fn translate(&self, line: &str) -> String {
        let number = self.number;
        line.replace("\"ada\"", &format!("\"{}\"", self.user))
            .replace("pi_", &format!("pi_{number}_"))
            .replace("dp_", &format!("dp_{number}_"))
            .replace("acct_1", &format!("acct_{number}"))
            .replace("-of-ada", &format!("-of-{number}"))
    }

    async fn balance(&self) -> Result<i64, Error> {
        let user = self.events.context.store.users().get(&self.user).await?;
        Ok(user.expect("a user").balance.get())
    }

    async fn sum_of_ledger(&self) -> Result<i64, Error> {
        let page = self.events.context.store.ledger().page(&self.user, 100, None).await?;
        Ok(page.items.iter().map(|line| line.delta.get()).sum())
    }

    async fn receive(&self, line: &str) -> Result<(), String> {
        let fault = |error| format!("a fault: {error:?}");
        let line = self.translate(line);
        let first = self.events.receive(line.as_bytes()).await.map_err(fault)?;
        let once = self.balance().await.map_err(fault)?;
        let second = self.events.receive(line.as_bytes()).await.map_err(fault)?;
        let twice = self.balance().await.map_err(fault)?;
        ensure(once == twice, || format!("the second time moved {} cents", twice - once))?;
        let consistent = match first {
            Outcome::Nothing => second == Outcome::Nothing,
            Outcome::Done | Outcome::Already => second != Outcome::Nothing,
            Outcome::Parked(_) | Outcome::Quarantined(_) => second != Outcome::Done,
        };
        ensure(consistent, || format!("{first:?}, and then {second:?}"))?;
        let sum = self.sum_of_ledger().await.map_err(fault)?;
        ensure(sum == twice, || format!("a wallet of {twice} with entries of {sum}"))?;
        // Events may credit the pending top-up and the withdrawal, and take back both top-ups.
        let (least, most) = (START - TOPUP_CENTS, START + TOPUP_CENTS + WITHDRAWAL_CENTS);
        ensure((least..=most).contains(&twice), || format!("a wallet of {twice}"))
    }
}

fn check(input: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(input);
    block_on(async {
        let case = Case::start().await.map_err(|error| format!("no user: {error:?}"))?;
        for line in text.split('\n').take(MOST_EVENTS) {
            case.receive(line).await?;
        }
        Ok(())
    })
}
