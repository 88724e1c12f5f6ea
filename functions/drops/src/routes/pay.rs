//! `POST /api/jobs/{id}/pay`: pay for a pending drop from the wallet.

use axum::extract::State;
use clorp_domain::{Attachment, Drop, DropId, EntryId, Error, StoredKey, User};
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors, NoBodyErrors, PaymentErrors, RoleErrors};
use clorp_http::{ApiJson, Caller, NewIds, NoBody, NoParams, PathId, Problem};
use clorp_store::{Conditional, DropPayment, PaymentConflict, Spending};

use crate::App;
use crate::debit::{Attempt, Debit, Wallet};
use crate::wire::DropBody;

/// Pay for a drop that is waiting for payment.
///
/// The wallet is debited by the price, the drop appears on the board, and its window begins. A drop in any
/// other status, or one that was posted more than a day ago, is a 400 `drop_not_pending`.
#[utoipa::path(
    post, path = "/api/jobs/{id}/pay", tag = "drops",
    params(("id" = String, Path, description = "Identifier of the drop")),
    responses(
        (status = 200, description = "The drop, which is now open", body = DropBody),
        PaymentErrors, AuthErrors, RoleErrors, IdErrors, NoBodyErrors, AnyErrors)
)]
pub(crate) async fn pay(
    caller: Caller,
    PathId(id): PathId<DropId>,
    _: NoParams,
    State(app): State<App>,
    ids: NewIds,
    _: NoBody,
) -> Result<ApiJson<DropBody>, Problem> {
    let (found, account) =
        tokio::try_join!(app.context.store.drops().get_with_brief(id), app.context.account(&caller.id))?;
    let (pending, brief) = found.ok_or(Error::NotFound)?;
    let drop = open(&app, &caller, account, (pending, brief.attachments.as_slice()), &ids).await?;
    app.announce_opening(&drop).await;
    Ok(ApiJson(app.render(&drop, brief, &caller.id).await?))
}

/// The payment for a drop that waits for it.
struct PendingPayment<'a> {
    pending: Drop,
    files: &'a [Attachment],
    ids: &'a NewIds,
}

impl Attempt for PendingPayment<'_> {
    async fn make(&self, app: &App, key: Option<&StoredKey>) -> Result<Debit, Error> {
        app.keep("/attachments", self.files).await?;
        let now = self.pending.next_change_at(app.context.clock.now());
        let drop = self.pending.clone().opened(now);
        let entry = self.ids.entry("payment", now);
        let posting = drop.payment(entry, now)?;
        let spending = key.map(|key| Spending { key, price: drop.price, now });
        let payment = DropPayment { posting: &posting, spending };
        Ok(match app.context.store.drops().pay(&drop, payment).await? {
            Conditional::Applied => Debit::Done(Box::new(drop)),
            Conditional::Conflict(PaymentConflict::Drop(changed)) => {
                Debit::Done(Box::new(require_paid_by_this_request(app, *changed, entry, self.ids).await?))
            }
            Conditional::Conflict(PaymentConflict::Wallet(user)) => Debit::Short(user),
            Conditional::Conflict(PaymentConflict::KeyChanged(key)) => Debit::KeyChanged(key),
        })
    }
}

async fn open(
    app: &App,
    caller: &Caller,
    account: User,
    (mut pending, files): (Drop, &[Attachment]),
    ids: &NewIds,
) -> Result<Drop, Error> {
    if account.balance < pending.price {
        // The account may have been read after another request paid. The drop is read again after it, so a
        // drop that is still pending shows that the price is still missing.
        pending = app.context.store.drops().get(pending.id).await?.ok_or(Error::NotFound)?;
    }
    match pending.pay(&caller.id, app.context.clock.now()) {
        Ok(()) => {}
        Err(Error::DropNotPending) => {
            let entry = ids.entry("payment", app.context.clock.now());
            return require_paid_by_this_request(app, pending, entry, ids).await;
        }
        Err(error) => return Err(error),
    }
    let (id, price) = (pending.id, pending.price);
    let payment = PendingPayment { pending, files, ids };
    let debited = app.debit(caller, Wallet::unpaid(account, price), price, ids, &payment).await?;
    debited.map_err(|shortfall| shortfall.refuse(price, id))
}

/// The drop, if an earlier attempt of this same request paid for it.
async fn require_paid_by_this_request(
    app: &App,
    drop: Drop,
    entry: EntryId,
    ids: &NewIds,
) -> Result<Drop, Error> {
    let ledger = app.context.store.ledger();
    let ours = ids.may_be_taken() && ledger.has_posting(&drop.sender, entry).await?;
    if ours { Ok(drop) } else { Err(Error::DropNotPending) }
}
