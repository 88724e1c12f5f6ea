//! `POST /api/wallet/auto-topup`: read or change the settings of automatic top-ups.

use axum::extract::State;
use clorp_context::Context;
use clorp_deadline::{Decision, decide};
use clorp_domain::spend::Day;
use clorp_domain::topup::checked_amount;
use clorp_domain::{AutoTopup, Cents, Error, FieldError, Rules, User};
use clorp_http::openapi::{AnyErrors, AuthErrors, BodyErrors, CardErrors};
use clorp_http::{ApiJson, Caller, NoParams, Problem, Right};
use clorp_store::Conditional;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// Amount of a charge until the user sets one.
const DEFAULT_AMOUNT: Cents = Cents::new(1000);
/// Threshold for a charge until the user sets one.
const DEFAULT_THRESHOLD: Cents = Cents::new(500);

/// Pointer to the day's limit in the request.
const DAILY_LIMIT: &str = "/daily_limit_cents";

/// Settings to change. A setting that is left out stays unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AutoTopupRequest {
    /// `true` enables automatic top-ups, which requires a saved card; `false` disables them.
    enabled: Option<bool>,
    /// Amount of each charge in cents, 500 to 100,000. The initial value is 1000.
    #[schema(minimum = 500, maximum = 100_000, example = 1000)]
    amount_cents: Option<i64>,
    /// Balance in cents below which a debit triggers a charge, 0 to 100,000. The initial value is 500.
    #[schema(minimum = 0, maximum = 100_000, example = 500)]
    threshold_cents: Option<i64>,
    /// Most that the charges of one day (UTC) may add up to, in cents: at least one charge, and at most
    /// 200,000. Declined charges count. The initial value is ten charges.
    #[schema(minimum = 500, maximum = 200_000, example = 5000)]
    daily_limit_cents: Option<i64>,
}

/// Settings of automatic top-ups.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AutoTopup)]
pub(crate) struct AutoTopupBody {
    /// True if automatic top-ups are enabled. Repeated declines of the card disable them.
    enabled: bool,
    /// Amount of each charge, in cents.
    amount_cents: i64,
    /// Balance in cents below which a debit triggers a charge.
    threshold_cents: i64,
    /// Most that the charges of one day (UTC) may add up to, in cents.
    daily_limit_cents: i64,
    /// Sum of the charges begun today (UTC), in cents.
    charged_today_cents: i64,
    /// True if a card is saved.
    payment_method_saved: bool,
    /// Stripe's code for the failure of the last charge; `null` if the last charge did not fail.
    last_failure: Option<String>,
}

impl AutoTopupBody {
    fn new(settings: AutoTopup, user: &User, context: &Context) -> Self {
        Self {
            daily_limit_cents: settings.daily_limit(&context.rules).get(),
            charged_today_cents: settings.charged.on(Day::of(context.clock.now())).get(),
            enabled: settings.enabled,
            amount_cents: settings.amount.get(),
            threshold_cents: settings.threshold.get(),
            payment_method_saved: user.saved_card().is_some(),
            last_failure: settings.last_failure,
        }
    }
}

/// Change or read the settings of automatic top-ups from the saved card.
///
/// The card is charged if the balance is too low to pay for a drop, and if a debit leaves less than the
/// threshold. Only one charge is in progress at a time, and the charges of a day have a limit. An empty
/// object changes nothing and returns the current settings, for which an API key needs the right `read` only.
#[utoipa::path(
    post, path = "/api/wallet/auto-topup", tag = "wallet",
    request_body = AutoTopupRequest,
    responses(
        (status = 200, description = "The current settings", body = AutoTopupBody),
        AuthErrors, CardErrors, BodyErrors, AnyErrors)
)]
pub(crate) async fn auto_topup(
    caller: Caller,
    _: NoParams,
    State(app): State<App>,
    ApiJson(request): ApiJson<AutoTopupRequest>,
) -> Result<ApiJson<AutoTopupBody>, Problem> {
    let context = &app.payments.context;
    let AutoTopupRequest { enabled, amount_cents, threshold_cents, daily_limit_cents } = &request;
    let asks = enabled.is_some()
        || amount_cents.is_some()
        || threshold_cents.is_some()
        || daily_limit_cents.is_some();
    caller.require(if asks { Right::Cards } else { Right::Read })?;
    let (owner, request) = (&caller.id, &request);
    let body = decide("the settings", (), |()| async move {
        let user = context.account(owner).await?;
        let settings = apply_request(&user.auto_topup, request, &context.rules)?;
        if !asks {
            return Ok(Decision::Made(AutoTopupBody::new(settings, &user, context)));
        }
        if settings.enabled && user.saved_card().is_none() {
            return Err(Error::PaymentMethodRequired);
        }
        Ok(match context.store.users().set_auto_topup(owner, &user.auto_topup, &settings).await? {
            Conditional::Applied => {
                let settings = AutoTopup { last_failure: None, ..settings };
                Decision::Made(AutoTopupBody::new(settings, &user, context))
            }
            Conditional::Conflict(()) => Decision::Conflict(()),
        })
    });
    Ok(ApiJson(body.await?))
}

fn apply_request(
    now: &AutoTopup,
    request: &AutoTopupRequest,
    rules: &Rules,
) -> Result<AutoTopup, FieldError> {
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
    let chosen_daily_limit = match request.daily_limit_cents {
        None => now.chosen_daily_limit,
        cents => Some(checked_amount(DAILY_LIMIT, cents, amount, rules.max_auto_topup_per_day)?),
    };
    let enabled = request.enabled.unwrap_or(now.enabled);
    let settings = AutoTopup { enabled, amount, threshold, chosen_daily_limit, ..now.clone() };
    let limit = settings.daily_limit(rules);
    if amount > limit {
        let message = format!("A charge must be within the day's limit, which is {limit} cents");
        return Err(FieldError::new("/amount_cents", "amount_too_large", message));
    }
    Ok(settings)
}
