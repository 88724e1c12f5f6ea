//! Debits of a drop's price from its sender's wallet, with automatic top-ups.

use clorp_deadline::{Decision, decide};
use clorp_domain::error::AutoTopupOutcome;
use clorp_domain::{Cents, Drop, DropId, Error, StoredKey, TopupId, User};
use clorp_http::{Caller, NewIds};
use clorp_payments::Cover;

use crate::App;

/// Automatic top-ups for one debit, at most. A concurrent request may spend the money of a top-up first.
const MAX_TOPUPS: usize = 3;

/// Outcome of one attempt to debit.
pub(crate) enum Debit {
    /// The drop, which is paid for, or whose status another request decided.
    Done(Box<Drop>),
    /// No debit: the balance is too low, or the account is frozen. Holds the account.
    Short(Box<User>),
    /// No debit: the API key has spent since it was read (`Some`), or was revoked (`None`).
    KeyChanged(Option<Box<StoredKey>>),
}

/// A debit that can be attempted repeatedly and takes effect once.
pub(crate) trait Attempt: Sync {
    /// Attempts the debit, and counts it against the spend policy of `key` if there is one.
    fn make(&self, app: &App, key: Option<&StoredKey>) -> impl Future<Output = Result<Debit, Error>> + Send;
}

/// Balance that was too low for a debit, and the outcome of the automatic top-up.
pub(crate) struct Shortfall {
    available: Cents,
    auto_topup: AutoTopupOutcome,
}

impl Shortfall {
    /// A shortfall without an automatic top-up.
    pub(crate) const fn without_topup(available: Cents) -> Self {
        Self { available, auto_topup: AutoTopupOutcome::None }
    }

    /// The error that asks the client to pay for `drop`.
    pub(crate) const fn refuse(self, required: Cents, drop: DropId) -> Error {
        let Self { available, auto_topup } = self;
        Error::InsufficientBalance { required, available, drop, auto_topup }
    }
}

/// State of a wallet before a debit.
pub(crate) struct Wallet {
    /// True if automatic top-ups are enabled.
    auto_topup: bool,
    /// The account, if it is known that it cannot pay: the first attempt is then skipped.
    short: Option<Box<User>>,
}

impl Wallet {
    /// The wallet for a drop that may already be paid; the attempt can tell.
    pub(crate) const fn maybe_paid(account: &User) -> Self {
        Self { auto_topup: account.auto_topup.enabled, short: None }
    }

    /// The wallet for a drop that costs `price`, and was not paid yet when the account was read.
    pub(crate) fn unpaid(account: User, price: Cents) -> Self {
        let auto_topup = account.auto_topup.enabled;
        Self { auto_topup, short: Some(account).filter(|user| user.balance < price).map(Box::new) }
    }
}

impl App {
    /// Debits `payer` by `attempt`, within the spend policy of their API key.
    ///
    /// If automatic top-ups are enabled, a balance below `price` is topped up and the debit attempted again,
    /// and a balance that the debit leaves low is topped up afterwards.
    pub(crate) async fn debit(
        &self,
        payer: &Caller,
        wallet: Wallet,
        price: Cents,
        ids: &NewIds,
        attempt: &impl Attempt,
    ) -> Result<Result<Drop, Shortfall>, Error> {
        let Wallet { auto_topup, short } = wallet;
        decide("the wallet", (short, payer.key().cloned(), 0), |(short, key, topups)| async move {
            let now = self.context.clock.now();
            if let Some(key) = &key {
                key.policy.check(price, &key.spent, now)?;
            }
            let tried = match short {
                Some(user) => Debit::Short(user),
                None => attempt.make(self, key.as_ref()).await?,
            };
            let id = TopupId::new(ids.ulid(&format!("topup-{topups}"), now));
            Ok(match tried {
                Debit::Done(drop) => {
                    // A drop that an earlier attempt left unpaid has no window, and was no debit.
                    if auto_topup && drop.window.is_some() {
                        self.payments.top_up_if_low(&payer.id, id).await;
                    }
                    Decision::Made(Ok(*drop))
                }
                Debit::KeyChanged(found) => {
                    Decision::Conflict((None, Some(*found.ok_or(Error::Unauthenticated)?), topups))
                }
                Debit::Short(_) if topups == MAX_TOPUPS => {
                    return Err(Error::unavailable("the wallet fell short after every top-up"));
                }
                Debit::Short(user) => {
                    let available = user.balance;
                    match self.payments.cover(*user, price, id).await? {
                        Cover::Credited => Decision::Conflict((None, key, topups + 1)),
                        Cover::Not(auto_topup) => Decision::Made(Err(Shortfall { available, auto_topup })),
                    }
                }
            })
        })
        .await
    }
}
