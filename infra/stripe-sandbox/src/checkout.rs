//! Checkout sessions: created by the API, paid on a hosted page or by a control call.

use serde_json::{Value, json};

use crate::change::Change;
use crate::line_items;
use crate::methods::{self, MethodKind, NewMethod};
use crate::params::Params;
use crate::payments::{self, DECLINED, NO_FUNDS, Outcome};
use crate::refusal::Refusal;
use crate::state::{Card, Debit, Kind, SessionPlan, State, text, with};

/// Lifetime of an unpaid session, in seconds: the default, the minimum and the maximum.
const DEFAULT_LIFE: i64 = 24 * 3600;
const LEAST_LIFE: i64 = 30 * 60;
const MOST_LIFE: i64 = 24 * 3600;

/// The outcome of one attempt to pay a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visit {
    /// The card is charged.
    Paid,
    /// The card is not charged: its bank declines, or the payer fails the authentication.
    Declined(Outcome),
    /// A bank debit begins, and will end with the given outcome, or pends until a control call settles it.
    Debit(Option<Debit>),
}

/// An attempt with a card that is declined.
pub const DECLINED_CARD: Visit = Visit::Declined(DECLINED);

/// `POST /v1/checkout/sessions`
pub fn create(change: &mut Change<'_>, mut params: Params) -> Result<Value, Refusal> {
    let wanted = Wanted::read(&mut params, change.seconds())?;
    let expand = params.texts("expand")?;
    params.finish()?;
    payments::check_amount("line_items", wanted.total())?;
    if let Some(customer) = &wanted.customer {
        change.state.referenced("customer", Kind::Customer, customer)?;
    }
    let id = change.new_id(Kind::CheckoutSession);
    let url = format!("{}/c/pay/{id}", change.url);
    let session = change.insert(Kind::CheckoutSession, wanted.session(&id, &url, change.seconds()));
    let items = wanted.plan.lines.iter().map(|line| line_items::show(line, change.seconds())).collect();
    change.state.line_items.insert(id.clone(), items);
    change.state.plans.insert(id, wanted.plan);
    super::lists::expand_paths(change.state, session, &expand)
}

/// The parameters of a session to create.
#[derive(Debug)]
struct Wanted {
    customer: Option<String>,
    customer_email: Option<String>,
    client_reference_id: Option<String>,
    success_url: String,
    cancel_url: Option<String>,
    expires_at: i64,
    method_types: Vec<String>,
    method_options: Value,
    metadata: Value,
    locale: Option<String>,
    submit_type: Option<String>,
    plan: SessionPlan,
}

impl Wanted {
    fn read(params: &mut Params, now: i64) -> Result<Self, Refusal> {
        if params.word("mode", &["payment"])?.is_none() {
            return Err(Refusal::missing_parameter("mode"));
        }
        params.word("ui_mode", &["hosted", "hosted_page"])?;
        let success_url =
            params.url("success_url")?.ok_or_else(|| Refusal::missing_parameter("success_url"))?;
        let expires_at = params.integer("expires_at")?.unwrap_or(now + DEFAULT_LIFE);
        if !(now + LEAST_LIFE..=now + MOST_LIFE).contains(&expires_at) {
            let message = "The `expires_at` timestamp must be from 30 minutes to 24 hours from now.";
            return Err(Refusal::bad_parameter("expires_at", message));
        }
        Ok(Self {
            customer: params.text("customer")?,
            customer_email: params.text("customer_email")?,
            client_reference_id: params.text("client_reference_id")?,
            success_url,
            cancel_url: params.url("cancel_url")?,
            expires_at,
            method_types: params.texts("payment_method_types")?,
            method_options: method_options(params)?,
            metadata: params.metadata("metadata")?,
            locale: params.text("locale")?,
            submit_type: params.word("submit_type", &["auto", "book", "donate", "pay"])?,
            plan: plan(params)?,
        })
    }

    fn total(&self) -> i64 {
        self.plan
            .lines
            .iter()
            .map(|line| line.quantity.saturating_mul(line.unit_amount))
            .fold(0, i64::saturating_add)
    }

    fn session(&self, id: &str, url: &str, now: i64) -> Value {
        let types = match self.method_types.as_slice() {
            [] => vec!["card".to_owned(), "us_bank_account".to_owned()],
            types => types.to_vec(),
        };
        let fields = json!({
            "id": id,
            "object": "checkout.session",
            "amount_subtotal": self.total(),
            "amount_total": self.total(),
            "cancel_url": self.cancel_url,
            "client_reference_id": self.client_reference_id,
            "created": now,
            "currency": "usd",
            "customer": self.customer,
            "customer_email": self.customer_email,
            "expires_at": self.expires_at,
            "livemode": false,
            "locale": self.locale,
            "metadata": self.metadata,
            "mode": "payment",
            "payment_intent": null,
            "payment_method_options": self.method_options,
            "payment_method_types": types,
            "payment_status": "unpaid",
            "status": "open",
            "submit_type": self.submit_type,
            "success_url": self.success_url,
            "url": url,
        });
        with(unused_fields(), fields)
    }
}

/// Fields of a session that the sandbox does not simulate.
fn unused_fields() -> Value {
    json!({
        "adaptive_pricing": {"enabled": false},
        "after_expiration": null,
        "allow_promotion_codes": null,
        "automatic_tax": {"enabled": false, "liability": null, "provider": null, "status": null},
        "billing_address_collection": null,
        "client_secret": null,
        "collected_information": null,
        "consent": null,
        "consent_collection": null,
        "currency_conversion": null,
        "custom_fields": [],
        "custom_text": {
            "after_submit": null, "shipping_address": null, "submit": null, "terms_of_service_acceptance": null,
        },
        "customer_creation": "if_required",
        "customer_details": null,
        "discounts": [],
        "invoice": null,
        "invoice_creation": null,
        "payment_link": null,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": null,
        "permissions": null,
        "phone_number_collection": {"enabled": false},
        "recovered_from": null,
        "saved_payment_method_options": null,
        "setup_intent": null,
        "shipping_address_collection": null,
        "shipping_cost": null,
        "shipping_options": [],
        "subscription": null,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "wallet_options": null,
    })
}

/// Reads `payment_method_options` and returns it as a session shows it.
fn method_options(params: &mut Params) -> Result<Value, Refusal> {
    let Some(mut options) = params.group("payment_method_options")? else { return Ok(json!({})) };
    let mut shown = json!({});
    if let Some(mut card) = options.group("card")? {
        let asks = card.word("request_three_d_secure", &["any", "automatic", "challenge"])?;
        card.finish()?;
        shown["card"] = json!({ "request_three_d_secure": asks.unwrap_or_else(|| "automatic".to_owned()) });
    }
    options.finish()?;
    Ok(shown)
}

fn plan(params: &mut Params) -> Result<SessionPlan, Refusal> {
    let mut plan = SessionPlan {
        lines: params.groups("line_items")?.into_iter().map(line_items::read).collect::<Result<_, _>>()?,
        metadata: json!({}),
        description: None,
        transfer_group: None,
        saves_card: false,
        payment_intent: None,
    };
    if plan.lines.is_empty() {
        return Err(Refusal::missing_parameter("line_items"));
    }
    if let Some(mut data) = params.group("payment_intent_data")? {
        plan.metadata = data.metadata("metadata")?;
        plan.description = data.text("description")?;
        plan.transfer_group = data.text("transfer_group")?;
        plan.saves_card = data.word("setup_future_usage", &["off_session", "on_session"])?.is_some();
        data.finish()?;
    }
    Ok(plan)
}

/// The open session `id` with its plan, or a conflict if it is already paid or expired.
pub fn open_session(state: &State, id: &str) -> Result<(Value, SessionPlan), Refusal> {
    let session = state.find(Kind::CheckoutSession, id)?;
    match state.plans.get(id) {
        Some(plan) => Ok((session.clone(), plan.clone())),
        None => Err(Refusal::conflict(format!("{id} is already {}", text(session, "status")))),
    }
}

/// Makes one attempt to pay a session, as the hosted page does, with a payment method of this fingerprint.
/// Returns the session afterwards.
pub fn visit(
    change: &mut Change<'_>,
    id: &str,
    visit: Visit,
    fingerprint: Option<String>,
) -> Result<Value, Refusal> {
    let (session, plan) = open_session(change.state, id)?;
    let customer = session["customer"].as_str().filter(|_| plan.saves_card);
    let (kind, card, customer, outcome) = match visit {
        Visit::Paid => (MethodKind::Card, Card::Ok, customer, Outcome::Paid),
        Visit::Declined(outcome) => (MethodKind::Card, Card::Declined, None, outcome),
        Visit::Debit(_) => (MethodKind::UsBankAccount, Card::Ok, customer, Outcome::Pending),
    };
    let method = methods::save(change, NewMethod { kind, card, fingerprint }, customer);
    let intent = match &plan.payment_intent {
        Some(intent) => intent.clone(),
        None => text(&payments::open(change, &payment_of(&session, &plan)), "id").to_owned(),
    };
    payments::attempt(change, &intent, &method, outcome);
    if outcome != Outcome::Paid && outcome != Outcome::Pending {
        if let Some(plan) = change.state.plans.get_mut(id) {
            plan.payment_intent = Some(intent);
        }
        return Ok(session);
    }
    change.state.plans.remove(id);
    if let Visit::Debit(Some(debit)) = visit {
        change.state.debits.insert(id.to_owned(), debit);
    }
    let fields = json!({
        "customer_details": {
            "address": null, "email": session["customer_email"].as_str().unwrap_or("payer@example.com"),
            "name": null, "phone": null, "tax_exempt": "none", "tax_ids": [],
        },
        "payment_intent": intent,
        "payment_status": if outcome == Outcome::Paid { "paid" } else { "unpaid" },
        "status": "complete",
        "url": null,
    });
    let (_, session) = change.update(Kind::CheckoutSession, id, fields);
    change.tell("checkout.session.completed", &session);
    Ok(session)
}

fn payment_of(session: &Value, plan: &SessionPlan) -> payments::Plan {
    let types = session["payment_method_types"].as_array().into_iter().flatten();
    payments::Plan {
        amount: super::state::amount(session, "amount_total"),
        customer: session["customer"].as_str().map(str::to_owned),
        payment_method: None,
        metadata: plan.metadata.clone(),
        description: plan.description.clone(),
        transfer_group: plan.transfer_group.clone(),
        method_types: types.filter_map(Value::as_str).map(str::to_owned).collect(),
        automatic_methods: Value::Null,
    }
}

/// Ends the bank debit of a session with its planned outcome.
pub fn end_debit(change: &mut Change<'_>, id: &str) {
    let Some(debit) = change.state.debits.remove(id) else { return };
    let session = change.state.get(Kind::CheckoutSession, id).cloned().unwrap_or_default();
    // A control call may have settled the debit before its time.
    let _ = settle(change, text(&session, "payment_intent"), debit);
}

/// Ends the bank debit of a payment intent, and tells its Checkout session, if it has one. Returns the
/// intent.
pub fn settle(change: &mut Change<'_>, intent: &str, debit: Debit) -> Result<Value, Refusal> {
    let found = change.state.find(Kind::PaymentIntent, intent)?;
    if text(found, "status") != "processing" {
        return Err(Refusal::conflict(format!("{intent} is {}", text(found, "status"))));
    }
    let outcome = if debit == Debit::Paid { Outcome::Paid } else { NO_FUNDS };
    let after = payments::conclude(change, intent, outcome);
    let of_intent = |session: &&Value| session["payment_intent"] == *intent;
    let session = change.state.all(Kind::CheckoutSession).find(of_intent).cloned();
    let Some(session) = session else { return Ok(after) };
    match debit {
        Debit::Paid => {
            let fields = json!({"payment_status": "paid"});
            let (_, session) = change.update(Kind::CheckoutSession, text(&session, "id"), fields);
            change.tell("checkout.session.async_payment_succeeded", &session);
        }
        Debit::Failed => change.tell("checkout.session.async_payment_failed", &session),
    }
    Ok(after)
}

/// `POST /v1/checkout/sessions/{id}/expire`
pub fn expire(change: &mut Change<'_>, id: &str, params: Params) -> Result<Value, Refusal> {
    params.finish()?;
    let session = change.state.find(Kind::CheckoutSession, id)?;
    match text(session, "status") {
        "open" => Ok(close(change, id)),
        status => Err(Refusal::not_open(status)),
    }
}

/// True if an open session is past its expiry. `now` is in seconds since the epoch.
pub fn any_overdue(state: &State, now: i64) -> bool {
    state.plans.keys().any(|id| is_overdue(state, id, now))
}

/// Expires the open sessions that are past their expiry.
pub fn expire_overdue(change: &mut Change<'_>) {
    let (now, state) = (change.seconds(), &change.state);
    let overdue: Vec<_> = state.plans.keys().filter(|id| is_overdue(state, id, now)).cloned().collect();
    for id in overdue {
        close(change, &id);
    }
}

fn is_overdue(state: &State, id: &str, now: i64) -> bool {
    state
        .get(Kind::CheckoutSession, id)
        .is_some_and(|session| super::state::amount(session, "expires_at") <= now)
}

fn close(change: &mut Change<'_>, id: &str) -> Value {
    change.state.plans.remove(id);
    let (_, session) = change.update(Kind::CheckoutSession, id, json!({"status": "expired", "url": null}));
    change.tell("checkout.session.expired", &session);
    session
}
