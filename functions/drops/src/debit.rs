//! Taking a drop's price from its sender's wallet, with the help of automatic top-ups.

use clorp_domain::error::AutoTopupOutcome;
use clorp_domain::{Cents, Drop, DropId, Error, StoredKey, TopupId, User};
use clorp_http::{Caller, NewIds};
use clorp_payments::Cover;

use crate::{App, MAX_ATTEMPTS, contended};

/// How often a debit is tried anew after a top-up. What the card brought may be spent by another request first.
const TOPUPS: usize = 3;

/// How one try of a debit ended.
pub(crate) enum Debit {
    /// The drop is paid for, or has been decided otherwise: this is the drop.
    Done(Box<Drop>),
    /// Nothing was done: the wallet falls short.
    Short(Box<User>),
    /// Nothing was done: the key that was to pay has spent since it was read, or was revoked (`None`).
    KeyChanged(Option<Box<StoredKey>>),
}

/// A debit that can be tried more than once and is made once.
pub(crate) trait Attempt: Sync {
    /// Tries it, on the account of `key` if it is a key that pays.
    fn make(&self, app: &App, key: Option<&StoredKey>) -> impl Future<Output = Result<Debit, Error>> + Send;
}

/// What a wallet lacked in the end.
pub(crate) struct Shortfall {
    available: Cents,
    auto_topup: AutoTopupOutcome,
}

impl Shortfall {
    /// What a wallet lacks that nothing was done about.
    pub(crate) const fn of(available: Cents) -> Self {
        Self { available, auto_topup: AutoTopupOutcome::None }
    }

    /// The refusal of a drop for it.
    pub(crate) const fn refuse(self, required: Cents, drop: DropId) -> Error {
        let Self { available, auto_topup } = self;
        Error::InsufficientBalance { required, available, drop, auto_topup }
    }
}

/// What is known of a wallet before it is debited.
pub(crate) struct Wallet {
    /// Whether it tops itself up.
    auto_topup: bool,
    /// Its owner, if it cannot pay: then no debit needs to be tried to know that.
    short: Option<Box<User>>,
}

impl Wallet {
    /// Of something that only a debit can tell whether it is still to be paid for.
    pub(crate) const fn of(account: &User) -> Self {
        Self { auto_topup: account.auto_topup.enabled, short: None }
    }

    /// Of something that is certainly not paid for yet, and costs `price`.
    pub(crate) fn for_new(account: User, price: Cents) -> Self {
        let auto_topup = account.auto_topup.enabled;
        Self { auto_topup, short: Some(account).filter(|user| user.balance < price).map(Box::new) }
    }
}

impl App {
    /// Debits `payer` by what `attempt` makes, if their key may spend that. Where the wallet falls short of `price` it is
    /// topped up, if its owner has asked for that, and the debit tried again; where it is left low, it is topped up
    /// afterwards.
    pub(crate) async fn debit(
        &self,
        payer: &Caller,
        wallet: Wallet,
        price: Cents,
        ids: &NewIds,
        attempt: &impl Attempt,
    ) -> Result<Result<Drop, Shortfall>, Error> {
        let Wallet { auto_topup, mut short } = wallet;
        let (mut key, mut topups) = (payer.key().cloned(), 0);
        for _ in 0..MAX_ATTEMPTS {
            let now = self.context.clock.now();
            if let Some(key) = &key {
                key.policy.check(price, &key.spent, now)?;
            }
            let tried = match short.take() {
                Some(user) => Debit::Short(user),
                None => attempt.make(self, key.as_ref()).await?,
            };
            let id = TopupId::new(ids.ulid(&format!("topup-{topups}"), now));
            match tried {
                Debit::Done(drop) => {
                    if auto_topup {
                        self.payments.top_up_if_low(&payer.id, id).await;
                    }
                    return Ok(Ok(*drop));
                }
                Debit::KeyChanged(found) => key = Some(*found.ok_or(Error::Unauthenticated)?),
                Debit::Short(_) if topups == TOPUPS => break,
                Debit::Short(user) => {
                    topups += 1;
                    let available = user.balance;
                    match self.payments.cover(*user, price, id).await? {
                        Cover::Credited => {}
                        Cover::Not(auto_topup) => return Ok(Err(Shortfall { available, auto_topup })),
                    }
                }
            }
        }
        Err(contended())
    }
}
