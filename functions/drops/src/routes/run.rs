//! `POST /api/jobs/run`: estimate a drop, or post and pay for it.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use clorp_context::Context;
use clorp_domain::{
    BucketKey, Draft, Drop, DropId, Error, NewDrop, RequirementsDraft, Status, StoredKey, User,
};
use clorp_http::openapi::{AnyErrors, AuthErrors, BodyErrors, PaymentErrors, RoleErrors};
use clorp_http::{
    ApiJson, AttachmentRequest, Caller, NewIds, NoParams, Problem, RequirementsBody, RequirementsRequest,
    Right, file_drafts, words,
};
use clorp_store::{Conditional, Draw, DropPayment, PaymentConflict, Spending};
use clorp_write_gate::wait_for_admission;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;
use crate::debit::{Attempt, Debit, Shortfall, Wallet};
use crate::wire::DropBody;

/// A drop to estimate or to post.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunRequest {
    /// Task for the workers in plain text, at most 16 KiB.
    #[schema(value_type = String, min_length = 1, example = "Give me three roast-style taglines for this README")]
    prompt: Option<String>,
    /// Context for workers, by name: at most 50 entries and 16 KiB in total. Never shown publicly. `env_vars`
    /// is accepted too.
    #[serde(rename = "envVars", alias = "env_vars")]
    env_vars: Option<BTreeMap<String, String>>,
    /// Uploads of yours that belong to the task, at most 10. An estimate does not check that they exist.
    #[schema(max_items = 10)]
    attachments: Option<Vec<AttachmentRequest>>,
    /// Kind of work: `roast`, `scout`, `code`, `cook` or `wild`. The default is `wild`.
    #[schema(value_type = Option<words::Pack>, example = "roast")]
    pack: Option<String>,
    /// Price of the drop in cents. The default depends on `pack`; a value outside of 100 to 100000 is
    /// replaced by the nearest limit.
    #[schema(example = 100, minimum = 0)]
    price_cents: Option<i64>,
    /// Length of the window in seconds. The default is 300; a value outside of 30 to 900 is replaced by the
    /// nearest limit.
    #[schema(example = 300, minimum = 0)]
    time_limit_seconds: Option<i64>,
    /// Requirements of the workers who may claim the drop; none if left out.
    worker_requirements: Option<RequirementsRequest>,
    /// `true` posts the drop and pays for it; `false`, the default, only estimates.
    confirmed: Option<bool>,
}

/// An estimate: the drop that would be posted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Estimate {
    /// Always `true`: send the same request with `confirmed: true` to post the drop.
    needs_confirmation: bool,
    /// Task for the workers, in plain text.
    prompt: String,
    /// First line of the prompt, cut at a word to at most 80 characters.
    title: String,
    /// Kind of work: `roast`, `scout`, `code`, `cook` or `wild`.
    #[schema(value_type = words::Pack)]
    pack: &'static str,
    /// Price that the drop would cost, in cents.
    estimated_price_cents: i64,
    /// Part of the price that the platform would keep, in cents.
    fee_cents: i64,
    /// Part of the price that the winner would receive, in cents.
    payout_cents: i64,
    /// Length that the window would have, in seconds.
    estimated_time_limit_seconds: u32,
    /// Requirements that a worker would have to meet.
    worker_requirements: RequirementsBody,
}

impl From<RunRequest> for Draft {
    fn from(request: RunRequest) -> Self {
        Self {
            prompt: request.prompt,
            env_vars: request.env_vars.unwrap_or_default(),
            attachments: file_drafts(request.attachments),
            pack: request.pack,
            price_cents: request.price_cents,
            time_limit_seconds: request.time_limit_seconds,
            requirements: request.worker_requirements.map(RequirementsDraft::from).unwrap_or_default(),
        }
    }
}

impl TryFrom<NewDrop> for Estimate {
    type Error = Error;

    fn try_from(new_drop: NewDrop) -> Result<Self, Error> {
        Ok(Self {
            needs_confirmation: true,
            prompt: new_drop.brief.prompt,
            title: new_drop.title,
            pack: new_drop.pack.as_str(),
            estimated_price_cents: new_drop.price.get(),
            fee_cents: new_drop.fee.get(),
            payout_cents: new_drop.price.minus(new_drop.fee)?.get(),
            estimated_time_limit_seconds: new_drop.time_limit_seconds,
            worker_requirements: new_drop.requirements.into(),
        })
    }
}

/// Estimate a drop, or post it and pay for it.
///
/// Without `confirmed`, nothing is posted or charged. With it, the wallet is debited by the price and the
/// drop appears on the board. If the balance is too low, this is a 402, and the drop stays `pending_payment`.
/// It can be paid for a day, and is then deleted with its files. Only so many unpaid drops can be posted in a
/// day; one above that is a 429 `rate_limited`. An API key needs the right `spend` to post, and `read` to
/// estimate.
#[utoipa::path(
    post, path = "/api/jobs/run", tag = "drops",
    request_body = RunRequest,
    responses(
        (status = 200, description = "The estimate. Nothing was posted or charged", body = Estimate),
        (status = 201, description = "The drop, which is paid and open", body = DropBody),
        PaymentErrors, AuthErrors, RoleErrors, BodyErrors, AnyErrors)
)]
pub(crate) async fn run(
    caller: Caller,
    _: NoParams,
    State(app): State<App>,
    ids: NewIds,
    ApiJson(request): ApiJson<RunRequest>,
) -> Result<Response, Problem> {
    let confirmed = request.confirmed.unwrap_or(false);
    caller.require(if confirmed { Right::Spend } else { Right::Read })?;
    let mut new_drop = NewDrop::new(request.into(), &app.context.rules).map_err(Error::from)?;
    if !confirmed {
        return Ok(ApiJson(Estimate::try_from(new_drop)?).into_response());
    }
    let posted = match attach(&app, &caller, &mut new_drop).await {
        Ok(account) => post(&app, &caller, account, &new_drop, &ids).await,
        Err(refusal) => Err(refusal),
    };
    let drop = match posted {
        Ok(drop) => drop,
        Err(refusal) => replay_post(&app, &mut new_drop, &ids, refusal).await?,
    };
    app.announce_opening(&drop).await;
    let body = app.render(&drop, new_drop.brief, &caller.id).await?;
    Ok((StatusCode::CREATED, ApiJson(body)).into_response())
}

/// Describes the files in the new drop. Returns its sender's account, read concurrently. Files are checked
/// here only if the wallet is short, before a card is charged for them: a payment checks and keeps them
/// itself.
async fn attach(app: &App, caller: &Caller, new_drop: &mut NewDrop) -> Result<User, Error> {
    let uploads = app.context.store.uploads().get_many(&caller.id, new_drop.files.ids());
    let (uploads, account) = tokio::try_join!(uploads, app.context.account(&caller.id))?;
    let files = new_drop.files.among(&uploads, app.context.clock.now())?;
    if account.balance < new_drop.price {
        app.require_uploaded("/attachments", &files).await?;
    }
    new_drop.brief.attachments = files;
    Ok(account)
}

/// The drop that an earlier attempt of this request posted, while its files could still be attached;
/// otherwise the refusal.
async fn replay_post(app: &App, new_drop: &mut NewDrop, ids: &NewIds, refusal: Error) -> Result<Drop, Error> {
    let found = if ids.may_be_taken() && matches!(refusal, Error::Invalid(_)) {
        let id = DropId::new(ids.ulid("drop", app.context.clock.now()));
        app.context.store.drops().get_with_brief(id).await?
    } else {
        None
    };
    let (drop, brief) = found.ok_or(refusal)?;
    new_drop.brief = brief;
    create_or_find(app, drop).await
}

/// The creation of a drop that is paid and open at once.
struct PaidPost<'a> {
    pending: Drop,
    new_drop: &'a NewDrop,
    ids: &'a NewIds,
    /// The drop of an earlier attempt of this request.
    before: Option<Drop>,
}

impl Attempt for PaidPost<'_> {
    async fn make(&self, app: &App, key: Option<&StoredKey>) -> Result<Debit, Error> {
        if let Some(before) = &self.before {
            return Ok(Debit::Done(Box::new(before.clone())));
        }
        app.keep("/attachments", &self.new_drop.brief.attachments).await?;
        let now = app.context.clock.now();
        let drop = self.pending.clone().opened(now);
        let posting = drop.payment(self.ids.entry("payment", now), now)?;
        let spending = key.map(|key| Spending { key, price: drop.price, now });
        let payment = DropPayment { posting: &posting, spending };
        Ok(match app.context.store.drops().create(&drop, &self.new_drop.brief, Some(payment)).await? {
            Conditional::Applied => Debit::Done(Box::new(drop)),
            Conditional::Conflict(PaymentConflict::Drop(made)) => Debit::Done(made),
            Conditional::Conflict(PaymentConflict::Wallet(user)) => Debit::Short(user),
            Conditional::Conflict(PaymentConflict::KeyChanged(key)) => Debit::KeyChanged(key),
        })
    }
}

/// Posts a drop and pays for it. If the balance is too low, posts it unpaid and returns the refusal.
async fn post(
    app: &App,
    caller: &Caller,
    account: User,
    new_drop: &NewDrop,
    ids: &NewIds,
) -> Result<Drop, Error> {
    let Context { store, rules, clock } = &app.context;
    let now = clock.now();
    let id = DropId::new(ids.ulid("drop", now));
    let mut pending = Drop::pending(id, caller.id.clone(), new_drop, rules, now);
    if account.owner.is_some() {
        pending.sender_owner = Some(store.owners().of(&account).await?);
    }
    // A retry may find a balance that its own first attempt has debited. Nothing is kept or charged for it.
    let before = if ids.may_be_taken() && account.balance < new_drop.price {
        store.drops().get(id).await?
    } else {
        None
    };
    let wallet = match &before {
        Some(_) => Wallet::maybe_paid(&account),
        None => Wallet::unpaid(account, new_drop.price),
    };
    let post = PaidPost { pending, new_drop, ids, before };
    let debited = match app.debit(caller, wallet, new_drop.price, ids, &post).await {
        // An amount that an earlier attempt of this request spent does not count against this one.
        Err(Error::SpendLimitPerDay { .. })
            if ids.may_be_taken()
                && let Some(drop) = store.drops().get(id).await? =>
        {
            return create_or_find(app, drop).await;
        }
        debited => debited?,
    };
    match debited {
        Ok(drop) => create_or_find(app, drop).await,
        Err(shortfall) => match post_unpaid(app, &post).await? {
            Some(before) => create_or_find(app, before).await,
            None => Err(shortfall.refuse(new_drop.price, id)),
        },
    }
}

/// Posts the drop without a payment, within the sender's limit of unpaid drops. Returns the drop of an
/// earlier attempt of this request, if there is one.
async fn post_unpaid(app: &App, post: &PaidPost<'_>) -> Result<Option<Drop>, Error> {
    let Context { store, rules, clock } = &app.context;
    let brief = &post.new_drop.brief;
    wait_for_admission().await?;
    let bucket = BucketKey::Unpaid(post.pending.sender.clone());
    let draw = Draw { bucket, limit: rules.unpaid_rate, expected: None };
    if let Some(retry_after_seconds) =
        store.rate_limits().take(&[draw], clock.now()).await?.retry_after_seconds
    {
        return Err(Error::RateLimited { retry_after_seconds });
    }
    Ok(match store.drops().create(&post.pending, brief, None).await? {
        Conditional::Conflict(PaymentConflict::Drop(before)) => Some(*before),
        Conditional::Applied | Conditional::Conflict(_) => None,
    })
}

/// Maps a drop that this request, or an earlier attempt of it, created to the request's result.
async fn create_or_find(app: &App, drop: Drop) -> Result<Drop, Error> {
    match drop.status {
        Status::PendingPayment => {
            let available = app.context.account(&drop.sender).await?.balance;
            Err(Shortfall::without_topup(available).refuse(drop.price, drop.id))
        }
        Status::Open | Status::Ranking | Status::Completed | Status::Cancelled | Status::Expired => Ok(drop),
    }
}
