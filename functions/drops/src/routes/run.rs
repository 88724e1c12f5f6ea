//! `POST /api/jobs/run`: estimate a drop, or post and pay for it.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use clorp_context::Context;
use clorp_domain::{Draft, Drop, DropId, Error, NewDrop, Status, StoredKey, User};
use clorp_http::openapi::{AnyErrors, AuthErrors, BodyErrors, PaymentErrors, RoleErrors};
use clorp_http::{ApiJson, AttachmentRequest, Caller, NewIds, NoParams, Problem, file_drafts};
use clorp_store::{Created, DropPayment, Spending};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;
use crate::debit::{Attempt, Debit, Shortfall, Wallet};
use crate::wire::DropBody;

/// What to post.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunRequest {
    /// The task in plain text, at most 16 KiB.
    #[schema(value_type = String, min_length = 1, example = "Give me three roast-style taglines for this README")]
    prompt: Option<String>,
    /// Context for workers, at most 50 entries and 16 KiB. Never on public pages.
    #[serde(rename = "envVars")]
    env_vars: Option<BTreeMap<String, String>>,
    /// Uploads of yours that belong to the task, at most 10. An estimate does not ask whether they are there.
    #[schema(max_items = 10)]
    attachments: Option<Vec<AttachmentRequest>>,
    /// `roast`, `scout`, `code`, `cook` or `wild`, which is the default.
    #[schema(example = "roast", pattern = "^(roast|scout|code|cook|wild)$")]
    pack: Option<String>,
    /// What the drop costs; defaults by pack, and is brought within 100 to 100000.
    #[schema(example = 100, minimum = 0)]
    price_cents: Option<i64>,
    /// Length of the window; 300 by default, and brought within 30 to 900.
    #[schema(example = 300, minimum = 0)]
    time_limit_seconds: Option<i64>,
    /// False or absent: only estimate. True: post and charge.
    confirmed: Option<bool>,
}

/// What a drop would be.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Estimate {
    /// Always true: send the same with `confirmed: true` to post it.
    needs_confirmation: bool,
    /// The task.
    prompt: String,
    /// First line of the prompt.
    title: String,
    /// Kind of work.
    pack: &'static str,
    /// What it would cost, in cents.
    estimated_price_cents: i64,
    /// How long its window would be, in seconds.
    estimated_time_limit_seconds: u32,
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
        }
    }
}

impl From<NewDrop> for Estimate {
    fn from(new_drop: NewDrop) -> Self {
        Self {
            needs_confirmation: true,
            prompt: new_drop.brief.prompt,
            title: new_drop.title,
            pack: new_drop.pack.as_str(),
            estimated_price_cents: new_drop.price.get(),
            estimated_time_limit_seconds: new_drop.time_limit_seconds,
        }
    }
}

/// Estimate a drop, or post it and pay for it.
///
/// Without `confirmed` nothing happens. With it the price leaves the wallet and the drop goes on the board; if the
/// wallet does not hold the price, the drop is kept as `pending_payment`.
#[utoipa::path(
    post, path = "/api/jobs/run", tag = "drops", security(("api_key" = [])),
    extensions(("x-rate-limit-class" = json!("create"))),
    request_body = RunRequest,
    responses(
        (status = 200, description = "The estimate; nothing was posted or charged", body = Estimate),
        (status = 201, description = "The drop: paid, open, on the board", body = DropBody),
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
    let mut new_drop = NewDrop::new(request.into(), &app.context.rules).map_err(Error::from)?;
    if !confirmed {
        return Ok(ApiJson(Estimate::from(new_drop)).into_response());
    }
    let drop = match attach(&app, &caller, &mut new_drop).await {
        Ok(account) => post(&app, &caller, account, &new_drop, &ids).await?,
        Err(refusal) => replay_post(&app, &mut new_drop, &ids, refusal).await?,
    };
    if let Some(window) = drop.window {
        app.wake_ranking(drop.id, window.closes_at).await;
    }
    let body = app.render(&drop, new_drop.brief, &caller.id).await?;
    Ok((StatusCode::CREATED, ApiJson(body)).into_response())
}

/// Gives the order its files; its sender's account, read on the way.
async fn attach(app: &App, caller: &Caller, new_drop: &mut NewDrop) -> Result<User, Error> {
    let uploads = app.context.store.uploads(&caller.id, new_drop.files.ids());
    let (uploads, account) = tokio::try_join!(uploads, app.context.account(&caller.id))?;
    new_drop.brief.attachments = app.attached(&new_drop.files, &uploads).await?;
    Ok(account)
}

/// The drop that an earlier try of this request posted when its files could still be attached; or else the refusal.
async fn replay_post(app: &App, new_drop: &mut NewDrop, ids: &NewIds, refusal: Error) -> Result<Drop, Error> {
    let found = if ids.may_be_taken() && matches!(refusal, Error::Invalid(_)) {
        let id = DropId::new(ids.ulid("drop", app.context.clock.now()));
        app.context.store.drop_with_brief(id).await?
    } else {
        None
    };
    let (drop, brief) = found.ok_or(refusal)?;
    new_drop.brief = brief;
    create_or_find(app, drop).await
}

/// A drop that is posted opened and paid for.
struct PaidPost<'a> {
    pending: Drop,
    new_drop: &'a NewDrop,
    ids: &'a NewIds,
}

impl Attempt for PaidPost<'_> {
    async fn make(&self, app: &App, key: Option<&StoredKey>) -> Result<Debit, Error> {
        let now = app.context.clock.now();
        let drop = self.pending.clone().opened(now);
        let posting = drop.payment(self.ids.entry("payment", now), now)?;
        let spending = key.map(|key| Spending { key, price: drop.price, now });
        let payment = DropPayment { posting: &posting, spending };
        Ok(match app.context.store.create_drop(&drop, &self.new_drop.brief, Some(payment)).await? {
            Created::Done => Debit::Done(Box::new(drop)),
            Created::Already(made) => Debit::Done(made),
            Created::InsufficientBalance(user) => Debit::Short(user),
            Created::KeyChanged(key) => Debit::KeyChanged(key),
        })
    }
}

/// Posts and pays; without the money, posts unpaid and refuses.
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
    let pending = Drop::pending(id, caller.id.clone(), new_drop, rules, now);
    let post = PaidPost { pending, new_drop, ids };
    // A request that may have been carried out before may have taken from the wallet what it lacks now.
    let wallet =
        if ids.may_be_taken() { Wallet::of(&account) } else { Wallet::for_new(account, new_drop.price) };
    let debited = match app.debit(caller, wallet, new_drop.price, ids, &post).await {
        // What an earlier try of this request has spent does not count against this one.
        Err(Error::SpendLimitPerDay { .. })
            if ids.may_be_taken()
                && let Some(drop) = store.drop(id).await? =>
        {
            return create_or_find(app, drop).await;
        }
        debited => debited?,
    };
    match debited {
        Ok(drop) => create_or_find(app, drop).await,
        Err(shortfall) => match store.create_drop(&post.pending, &new_drop.brief, None).await? {
            Created::Already(before) => create_or_find(app, *before).await,
            Created::Done | Created::InsufficientBalance(_) | Created::KeyChanged(_) => {
                Err(shortfall.refuse(new_drop.price, id))
            }
        },
    }
}

/// Answers from the drop that this request, or an earlier try of it, made.
async fn create_or_find(app: &App, drop: Drop) -> Result<Drop, Error> {
    match drop.status {
        Status::PendingPayment => {
            let available = app.context.account(&drop.sender).await?.balance;
            Err(Shortfall::of(available).refuse(drop.price, drop.id))
        }
        Status::Open | Status::Ranking | Status::Completed | Status::Cancelled | Status::Expired => Ok(drop),
    }
}
