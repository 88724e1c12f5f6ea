//! `POST /api/wallet/auto-topup`: when the wallet tops itself up.

use axum::extract::State;
use clorp_domain::topup::checked_amount;
use clorp_domain::{AutoTopup, Cents, Error, FieldError, Rules, User};
use clorp_http::openapi::{AnyErrors, AuthErrors, BodyErrors, CardErrors, RoleErrors};
use clorp_http::{ApiJson, Caller, NoParams, Problem};
use clorp_store::Recorded;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// Charged each time, if the user has never said how much.
const DEFAULT_AMOUNT: Cents = Cents::new(1000);
/// Where a charge is set off, if the user has never said.
const DEFAULT_THRESHOLD: Cents = Cents::new(500);
/// How often a change is decided anew when the settings change between reading and writing them.
const MAX_ATTEMPTS: usize = 8;

/// What to change; what is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AutoTopupRequest {
    /// Whether the wallet tops itself up. Takes a saved card.
    enabled: Option<bool>,
    /// What is charged each time, in cents, 500 to 100,000. 1000 unless ever set.
    #[schema(minimum = 500, maximum = 100_000, example = 1000)]
    amount_cents: Option<i64>,
    /// A debit that leaves less than this in the wallet sets off a charge, in cents. 500 unless ever set.
    #[schema(minimum = 0, maximum = 100_000, example = 500)]
    threshold_cents: Option<i64>,
}

/// When the wallet tops itself up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AutoTopup)]
pub(crate) struct AutoTopupBody {
    /// Whether it does. Repeated refusals of the card switch it off.
    enabled: bool,
    /// What is charged each time, in cents.
    amount_cents: i64,
    /// A debit that leaves less than this sets off a charge, in cents.
    threshold_cents: i64,
    /// Whether a card is saved.
    payment_method_saved: bool,
    /// Why the last charge was refused, in Stripe's word; `null` if it was not.
    last_failure: Option<String>,
}

impl AutoTopupBody {
    fn new(settings: AutoTopup, user: &User) -> Self {
        Self {
            enabled: settings.enabled,
            amount_cents: settings.amount.get(),
            threshold_cents: settings.threshold.get(),
            payment_method_saved: user.saved_card().is_some(),
            last_failure: settings.last_failure,
        }
    }
}

/// Set when the wallet tops itself up from the saved card.
///
/// It does when a drop could not be paid otherwise, and when a debit leaves less than the threshold; never more than one
/// charge at a time. An empty object changes nothing and tells how things are.
#[utoipa::path(
    post, path = "/api/wallet/auto-topup", tag = "wallet", security(("api_key" = [])),
    extensions(("x-rate-limit-class" = json!("money"))),
    request_body = AutoTopupRequest,
    responses(
        (status = 200, description = "The settings", body = AutoTopupBody),
        AuthErrors, RoleErrors, CardErrors, BodyErrors, AnyErrors)
)]
pub(crate) async fn auto_topup(
    caller: Caller,
    _: NoParams,
    State(app): State<App>,
    ApiJson(request): ApiJson<AutoTopupRequest>,
) -> Result<ApiJson<AutoTopupBody>, Problem> {
    caller.require_unlimited()?;
    let context = &app.payments.context;
    let asks =
        request.enabled.is_some() || request.amount_cents.is_some() || request.threshold_cents.is_some();
    for _ in 0..MAX_ATTEMPTS {
        let user = context.account(&caller.id).await?;
        let settings = changed(&user.auto_topup, &request, &context.rules)?;
        if !asks {
            return Ok(ApiJson(AutoTopupBody::new(settings, &user)));
        }
        if settings.enabled && user.saved_card().is_none() {
            return Err(Error::PaymentMethodRequired.into());
        }
        if context.store.set_auto_topup(&caller.id, &user.auto_topup, &settings).await? == Recorded::Done {
            return Ok(ApiJson(AutoTopupBody::new(AutoTopup { last_failure: None, ..settings }, &user)));
        }
    }
    Err(Error::unavailable("the settings kept changing between decision and write").into())
}

fn changed(now: &AutoTopup, request: &AutoTopupRequest, rules: &Rules) -> Result<AutoTopup, FieldError> {
    let never_set = now.amount == Cents::ZERO;
    let or = |known: Cents, default: Cents| if never_set { default } else { known };
    let amount = match request.amount_cents {
        None => or(now.amount, DEFAULT_AMOUNT.clamp(rules.min_topup, rules.max_topup)),
        cents => checked_amount("/amount_cents", cents, rules.min_topup, rules.max_topup)?,
    };
    let threshold = match request.threshold_cents {
        None => or(now.threshold, DEFAULT_THRESHOLD),
        cents => checked_amount("/threshold_cents", cents, Cents::ZERO, rules.max_topup)?,
    };
    Ok(AutoTopup { enabled: request.enabled.unwrap_or(now.enabled), amount, threshold, ..now.clone() })
}
