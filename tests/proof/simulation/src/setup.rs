//! The beginning that all seeds share: users with money, saved cards and connected accounts.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use axum::http::Method;
use clorp_context::{new_api_key, new_ulid};
use clorp_domain::{
    Account, Cents, DropId, EntryId, KeyId, Posting, Reason, Rights, StoredKey, User, UserId,
};
use clorp_dynamo_model::TableShape;
use clorp_sam::Template;
use clorp_stripe_sandbox::Options;
use serde_json::{Value, json};

use crate::aws::TABLE;
use crate::client::{Answer, Call, Caller};
use crate::fleet::{Fleet, WEBHOOK_SECRET};
use crate::plan::{SENDERS, USERS, WORKERS};
use crate::site::Site;
use crate::task::Task;

/// The money of a sender at the beginning, in cents.
const SENDER_CENTS: i64 = 20_000;
/// The money of a worker at the beginning, in cents.
const WORKER_CENTS: i64 = 3_000;
/// The platform's balance at Stripe at the beginning, in cents.
pub const STRIPE_CENTS: i64 = 10_000_000;

/// The money of a user at the beginning, in cents. It counts as won and matured.
pub fn initial_cents(user: usize) -> i64 {
    if SENDERS.contains(&user) { SENDER_CENTS } else { WORKER_CENTS }
}

/// The sandbox's options.
pub fn sandbox_options(site: &Arc<Site>) -> Options {
    Options {
        clock: {
            let site = Arc::clone(site);
            clorp_clock::Clock::simulated(move || site.now())
        },
        webhook_secret: WEBHOOK_SECRET.to_owned(),
        starting_balance_cents: STRIPE_CENTS,
        ..Options::default()
    }
}

/// The shape of the table.
///
/// # Errors
/// Fails if the template describes no table.
pub fn table_shape(template: &Template) -> Result<TableShape> {
    TableShape::from_spec(TABLE, &template.table()?).context("a table")
}

/// Creates the users.
///
/// # Errors
/// Fails if a step fails.
pub async fn users(fleet: &Fleet) -> Result<Vec<Caller>> {
    let mut users = Vec::new();
    for number in 0..USERS {
        users.push(user(fleet, number).await?);
    }
    for number in SENDERS {
        save_card(fleet, &users[number]).await?;
    }
    for number in &WORKERS[..WORKERS.len() - 1] {
        connect(fleet, &users[*number]).await?;
    }
    Ok(users)
}

async fn user(fleet: &Fleet, number: usize) -> Result<Caller> {
    let context = &fleet.rankings[0].context;
    let (store, now) = (&context.store, context.clock.now());
    let id: UserId = new_ulid(now).to_string().parse().ok().context("a user's id")?;
    let user = User::new(id.clone(), format!("user-{number}"), None, now);
    let created = store.users().create(&user).await;
    ensure!(created.is_ok_and(|created| created.is_applied()), "a user is not created");
    let key = new_api_key();
    let stored = StoredKey::new(KeyId::new(new_ulid(now)), &key, id.clone(), now);
    let stored =
        StoredKey { name: "simulated".to_owned(), rights: Rights::ALL, last_used_at: Some(now), ..stored };
    let created = store.api_keys().create(&stored, 100).await;
    ensure!(created.is_ok_and(|created| created.is_applied()), "a key is not created");
    let (entry, reason) = (EntryId::new(new_ulid(now)), Reason::Win(DropId::new(new_ulid(now))));
    let (from, to) = (Account::External, Account::User(id.clone()));
    let won = Posting::transfer(entry, reason, now, from, to, Cents::new(initial_cents(number)));
    let posted = store.ledger().post(&won.ok().context("a posting")?).await;
    ensure!(posted.is_ok(), "a wallet is not funded");
    Ok(Caller { id: id.to_string(), authorization: format!("Bearer {}", key.expose()) })
}

async fn ask(fleet: &Fleet, call: &Call<'_>) -> Result<Answer> {
    let answer = fleet.send(&Task::new(0), call).await.context("an answer")?;
    ensure!(answer.is_success(), "{} {}: {} {}", call.method, call.path, answer.status, answer.text);
    Ok(answer)
}

async fn control(fleet: &Fleet, path: &str, body: Value) -> Result<Value> {
    let stripe = fleet.site.with(|state| state.stripe.clone());
    let done = stripe.control(path, &body).await;
    done.map_err(|refusal| anyhow::anyhow!("{path}: {refusal}"))
}

async fn save_card(fleet: &Fleet, user: &Caller) -> Result<()> {
    let setup = ask(fleet, &Call::post(user, "/api/wallet/setup-payment-method", &Value::Null)).await?;
    let secret = setup.body["client_secret"].as_str().context("a secret")?;
    let (id, _) = secret.split_once("_secret_").context("the secret names its setup")?;
    control(fleet, &format!("setup_intents/{id}/succeed"), json!({})).await?;
    deliver_events(fleet).await
}

async fn connect(fleet: &Fleet, user: &Caller) -> Result<()> {
    ask(fleet, &Call::post(user, "/api/stripe/connect", &Value::Null)).await?;
    let known = ask(fleet, &Call::get(user, format!("/api/users/{}", user.id))).await?;
    let account = known.body["stripe_account_id"].as_str().context("an account")?;
    control(fleet, &format!("accounts/{account}/onboard"), json!({})).await?;
    deliver_events(fleet).await
}

async fn deliver_events(fleet: &Fleet) -> Result<()> {
    let events = fleet.site.with(|state| {
        let events = state.stripe.events_after(state.events_taken);
        state.events_taken += events.len();
        events
    });
    for event in events {
        let (body, signature) = fleet.site.with(|state| state.stripe.delivery(&event));
        let mut call = Call::new(None, Method::POST, "/api/stripe/webhook", body);
        call.headers.push(("stripe-signature", signature));
        ask(fleet, &call).await?;
    }
    Ok(())
}
