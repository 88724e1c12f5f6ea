//! Taking a drop's price from its sender's wallet, with the help of automatic top-ups.

use clorp_domain::error::AutoTopupOutcome;
use clorp_domain::{Cents, Drop, DropId, Error, TopupId, User, UserId};
use clorp_funds::Cover;
use clorp_http::NewIds;

use crate::{App, contended};

/// How often a debit is tried anew after a top-up. What the card brought may be spent by another request first.
const TOPUPS: usize = 3;

/// How one try of a debit ended.
pub(crate) enum Debit {
    /// The drop is paid for, or has been decided otherwise: this is the drop.
    Done(Box<Drop>),
    /// Nothing was done: the wallet falls short.
    Short(Box<User>),
}

/// A debit that can be tried more than once and is made once.
pub(crate) trait Attempt: Sync {
    /// Tries it.
    fn make(&self, app: &App) -> impl Future<Output = Result<Debit, Error>> + Send;
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

impl App {
    /// Debits `payer` by what `attempt` makes. Where the wallet falls short of `price` it is topped up, if its owner has
    /// asked for that, and the debit tried again; where it is left low, it is topped up afterwards.
    pub(crate) async fn debit(
        &self,
        payer: &UserId,
        price: Cents,
        ids: &NewIds,
        attempt: &impl Attempt,
    ) -> Result<Result<Drop, Shortfall>, Error> {
        for n in 0..TOPUPS {
            // Read beside the debit and not after it, which would be one more round trip for everybody.
            let (tried, before) = tokio::join!(attempt.make(self), self.service.store.user(payer));
            let id = TopupId::new(ids.ulid(&format!("topup-{n}"), self.service.clock.now()));
            match tried? {
                Debit::Done(drop) => {
                    if let Ok(Some(user)) = before {
                        self.top_up_if_low(user, price, id).await;
                    }
                    return Ok(Ok(*drop));
                }
                Debit::Short(user) => {
                    let available = user.balance;
                    match self.funds.cover(*user, price, id).await? {
                        Cover::Credited => {}
                        Cover::Not(auto_topup) => return Ok(Err(Shortfall { available, auto_topup })),
                    }
                }
            }
        }
        Err(contended())
    }

    /// `user` was read while the debit was made and may or may not have it in: taken as not, for whether to look; the
    /// top-up itself begins only under the condition that the wallet is low.
    async fn top_up_if_low(&self, mut user: User, spent: Cents, id: TopupId) {
        if let Ok(left) = user.balance.minus(spent) {
            user.balance = left;
        }
        self.funds.top_up_if_low(&user, id).await;
    }
}
