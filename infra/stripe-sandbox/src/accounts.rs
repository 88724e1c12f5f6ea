//! Connected accounts, which receive transfers, and their onboarding.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::change::Change;
use crate::ids;
use crate::params::Params;
use crate::refusal::Refusal;
use crate::state::{Kind, Link};

/// Lifetime of an onboarding link, in seconds.
const LINK_LIFE: i64 = 5 * 60;

/// The information that a new account still has to provide.
const REQUIRED: [&str; 4] = ["business_type", "external_account", "tos_acceptance.date", "tos_acceptance.ip"];

/// `POST /v1/accounts`
pub fn create(change: &mut Change<'_>, mut params: Params) -> Result<Value, Refusal> {
    if params.group("controller")?.is_some() {
        let message =
            "The sandbox does not act out accounts by `controller`. Create the account by its `type`.";
        return Err(Refusal::bad_parameter("controller", message));
    }
    if params.word("type", &["express"])?.is_none() {
        return Err(Refusal::missing_parameter("type"));
    }
    let country = params.text("country")?.unwrap_or_else(|| "US".to_owned());
    let email = params.text("email")?;
    let business_type =
        params.word("business_type", &["company", "government_entity", "individual", "non_profit"])?;
    let metadata = params.metadata("metadata")?;
    let capabilities = requested_capabilities(&mut params)?;
    params.finish()?;
    let id = change.new_id(Kind::Account);
    let account = json!({
        "id": id,
        "object": "account",
        "business_profile": null,
        "business_type": business_type,
        "capabilities": capabilities,
        "charges_enabled": false,
        "country": country,
        "created": change.seconds(),
        "default_currency": "usd",
        "details_submitted": false,
        "email": email,
        "external_accounts": {
            "object": "list", "data": [], "has_more": false, "url": format!("/v1/accounts/{id}/external_accounts"),
        },
        "future_requirements": requirements(&[], Value::Null),
        "metadata": metadata,
        "payouts_enabled": false,
        "requirements": requirements(&REQUIRED, "requirements.past_due".into()),
        "settings": settings(),
        "tos_acceptance": {"date": null, "ip": null, "user_agent": null},
        "type": "express",
    });
    Ok(change.insert(Kind::Account, account))
}

fn requested_capabilities(params: &mut Params) -> Result<Value, Refusal> {
    let mut capabilities = Map::new();
    if let Some(mut group) = params.group("capabilities")? {
        for name in ["card_payments", "transfers"] {
            let Some(mut capability) = group.group(name)? else { continue };
            if capability.flag("requested")? {
                capabilities.insert(name.to_owned(), "inactive".into());
            }
            capability.finish()?;
        }
        group.finish()?;
    }
    Ok(Value::Object(capabilities))
}

fn requirements(due: &[&str], disabled_reason: Value) -> Value {
    json!({
        "alternatives": [], "current_deadline": null, "currently_due": due, "disabled_reason": disabled_reason,
        "errors": [], "eventually_due": due, "past_due": due, "pending_verification": [],
    })
}

fn settings() -> Value {
    json!({
        "branding": {"icon": null, "logo": null, "primary_color": null, "secondary_color": null},
        "card_payments": {"decline_on": {"avs_failure": false, "cvc_failure": false}, "statement_descriptor_prefix": null},
        "dashboard": {"display_name": null, "timezone": "Etc/UTC"},
        "payments": {"statement_descriptor": null},
        "payouts": {
            "debit_negative_balances": true,
            "schedule": {"delay_days": 2, "interval": "daily"},
            "statement_descriptor": null,
        },
    })
}

/// The state of a capability, such as to receive transfers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// The account has it.
    #[default]
    Active,
    /// The account does not have it.
    Inactive,
    /// Stripe still checks the account.
    Pending,
}

/// The result of an account's onboarding.
#[derive(Clone, Debug, Default)]
pub struct Onboarding {
    /// True if Stripe pays the account's balance to its bank account.
    pub payouts_enabled: bool,
    /// The state of the capability `transfers`.
    pub transfers: Capability,
    /// The fingerprint of the bank account, equal for all accounts with the same number; `None` for the one
    /// that the account has, or for one of its own.
    pub fingerprint: Option<String>,
}

/// Completes the onboarding of an account, or restricts the account if it can no longer do everything.
pub fn onboard(change: &mut Change<'_>, id: &str, onboarding: Onboarding) -> Result<Value, Refusal> {
    let account = change.state.get(Kind::Account, id).ok_or_else(|| Refusal::no_such("account", id))?.clone();
    let Onboarding { payouts_enabled, transfers, fingerprint } = onboarding;
    let mut capabilities = capabilities(&account, "active");
    if let Some(state) = capabilities.get_mut("transfers") {
        *state = json!(transfers);
    }
    let complete = payouts_enabled && transfers == Capability::Active;
    let requirements = match complete {
        true => requirements(&[], Value::Null),
        false => requirements(&["individual.verification.document"], "requirements.past_due".into()),
    };
    let mut banks = account["external_accounts"].clone();
    banks["data"] = json!([bank_account(&account, fingerprint)]);
    let fields = json!({
        "capabilities": capabilities,
        "charges_enabled": true,
        "details_submitted": true,
        "external_accounts": banks,
        "payouts_enabled": payouts_enabled,
        "requirements": requirements,
        "tos_acceptance": {"date": change.seconds(), "ip": null, "user_agent": null},
    });
    Ok(change.update_and_tell("account.updated", Kind::Account, id, fields))
}

/// The capabilities that an account has requested, all in this state.
fn capabilities(account: &Value, state: &str) -> Map<String, Value> {
    let requested = account["capabilities"].as_object().into_iter().flatten();
    requested.map(|(name, _)| (name.clone(), state.into())).collect()
}

/// The bank account to which Stripe pays: the one that an account has, or a new one.
fn bank_account(account: &Value, fingerprint: Option<String>) -> Value {
    let before = &account["external_accounts"]["data"][0];
    let known = |field: &str| before[field].as_str().map(str::to_owned);
    let id = known("id").unwrap_or_else(|| format!("ba_{}", ids::random(24)));
    let fingerprint = fingerprint.or_else(|| known("fingerprint"));
    json!({
        "id": id,
        "object": "bank_account",
        "account": account["id"],
        "account_holder_name": null,
        "account_holder_type": "individual",
        "account_type": null,
        "available_payout_methods": ["standard"],
        "bank_name": "SANDBOX TEST BANK",
        "country": account["country"],
        "currency": "usd",
        "default_for_currency": true,
        "fingerprint": fingerprint.unwrap_or_else(|| format!("sandbox6789{}", ids::random(5))),
        "last4": "6789",
        "metadata": {},
        "routing_number": "110000000",
        "status": "new",
    })
}

/// Completes the onboarding as the hosted page does. Repeating it changes nothing.
pub fn complete_onboarding(change: &mut Change<'_>, id: &str) -> Result<(), Refusal> {
    let complete =
        change.state.get(Kind::Account, id).is_some_and(|account| account["payouts_enabled"] == true);
    if !complete {
        onboard(change, id, Onboarding { payouts_enabled: true, ..Onboarding::default() })?;
    }
    Ok(())
}

/// `POST /v1/accounts/{id}/reject`
pub fn request_rejection(change: &mut Change<'_>, id: &str, mut params: Params) -> Result<Value, Refusal> {
    let reason = params.word("reason", &["fraud", "other", "terms_of_service"])?;
    params.finish()?;
    reject(change, id, &reason.ok_or_else(|| Refusal::missing_parameter("reason"))?)
}

/// Rejects an account: it can never receive transfers or payouts again.
pub fn reject(change: &mut Change<'_>, id: &str, reason: &str) -> Result<Value, Refusal> {
    let account = change.state.find(Kind::Account, id)?;
    let fields = json!({
        "capabilities": capabilities(account, "inactive"),
        "charges_enabled": false,
        "payouts_enabled": false,
        "requirements": requirements(&[], format!("rejected.{reason}").into()),
    });
    Ok(change.update_and_tell("account.updated", Kind::Account, id, fields))
}

/// `DELETE /v1/accounts/{id}`. The platform loses its access to the account, and all links to it.
pub fn delete(change: &mut Change<'_>, id: &str) -> Result<Value, Refusal> {
    change.state.find(Kind::Account, id)?;
    change.state.links.retain(|_, link| link.account != id);
    Ok(change.delete(Kind::Account, id))
}

/// `POST /v1/accounts/{id}/login_links`. The link leads to a landing page, because the sandbox has no
/// dashboard.
pub fn create_login_link(change: &mut Change<'_>, id: &str, params: Params) -> Result<Value, Refusal> {
    params.finish()?;
    if change.state.find(Kind::Account, id)?["details_submitted"] != true {
        let message = "Cannot create a login link for an account that has not completed onboarding.";
        return Err(Refusal::invalid("account_invalid", message));
    }
    let url = format!("{}/_sandbox/returned", change.url);
    Ok(json!({"object": "login_link", "created": change.seconds(), "url": url}))
}

/// `POST /v1/account_links`
pub fn create_link(change: &mut Change<'_>, mut params: Params) -> Result<Value, Refusal> {
    let account = params.need_text("account")?;
    if params.word("type", &["account_onboarding"])?.is_none() {
        return Err(Refusal::missing_parameter("type"));
    }
    let mut url = |name| params.url(name)?.ok_or_else(|| Refusal::missing_parameter(name));
    let (return_url, refresh_url) = (url("return_url")?, url("refresh_url")?);
    if let Some(mut options) = params.group("collection_options")? {
        options.word("fields", &["currently_due", "eventually_due"])?;
        options.word("future_requirements", &["include", "omit"])?;
        options.finish()?;
    }
    params.finish()?;
    change.state.referenced("account", Kind::Account, &account)?;
    let now = change.seconds();
    // Links are kept for a day after their expiry.
    change.state.links.retain(|_, link| link.expires_at + 24 * 3600 > now);
    let (token, expires_at) = (ids::random(32), now + LINK_LIFE);
    let link = Link { account, return_url, refresh_url, expires_at, opened: false };
    change.state.links.insert(token.clone(), link);
    Ok(json!({
        "object": "account_link",
        "created": now,
        "expires_at": expires_at,
        "url": format!("{}/connect/onboarding/{token}", change.url),
    }))
}
