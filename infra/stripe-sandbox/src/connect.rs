//! Connected accounts, their onboarding, and transfers to them.

use serde_json::{Map, Value, json};

use crate::balance::{self, Movement};
use crate::change::Change;
use crate::ids;
use crate::params::Params;
use crate::refusal::Refusal;
use crate::state::{Kind, Link, State, amount};

/// Lifetime of an onboarding link, in seconds.
const LINK_LIFE: i64 = 5 * 60;

/// The information that a new account still has to provide.
const REQUIRED: [&str; 4] = ["business_type", "external_account", "tos_acceptance.date", "tos_acceptance.ip"];

/// `POST /v1/accounts`
pub fn create(change: &mut Change<'_>, mut params: Params) -> Result<Value, Refusal> {
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

/// Completes the onboarding of an account, or restricts the account if `payouts_enabled` is false.
pub fn onboard(change: &mut Change<'_>, id: &str, payouts_enabled: bool) -> Result<Value, Refusal> {
    let account = change.state.get(Kind::Account, id).ok_or_else(|| Refusal::no_such("account", id))?;
    let requested = account["capabilities"].as_object().cloned().unwrap_or_default();
    let capabilities: Map<String, Value> =
        requested.into_iter().map(|(name, _)| (name, "active".into())).collect();
    let requirements = match payouts_enabled {
        true => requirements(&[], Value::Null),
        false => requirements(&["individual.verification.document"], "requirements.past_due".into()),
    };
    let fields = json!({
        "capabilities": capabilities,
        "charges_enabled": true,
        "details_submitted": true,
        "payouts_enabled": payouts_enabled,
        "requirements": requirements,
        "tos_acceptance": {"date": change.seconds(), "ip": null, "user_agent": null},
    });
    Ok(change.update_and_tell("account.updated", Kind::Account, id, fields))
}

/// Completes the onboarding as the hosted page does. Repeating it changes nothing.
pub fn complete_onboarding(change: &mut Change<'_>, id: &str) -> Result<(), Refusal> {
    let complete =
        change.state.get(Kind::Account, id).is_some_and(|account| account["payouts_enabled"] == true);
    if !complete {
        onboard(change, id, true)?;
    }
    Ok(())
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

/// `POST /v1/transfers`
pub fn create_transfer(change: &mut Change<'_>, mut params: Params) -> Result<Value, Refusal> {
    let cents = params.need_amount("amount", 1)?;
    params.currency("currency")?;
    let destination = params.need_text("destination")?;
    let transfer_group = params.text("transfer_group")?;
    let description = params.text("description")?;
    let metadata = params.metadata("metadata")?;
    params.finish()?;
    check_destination(change.state, &destination)?;
    if cents > change.state.available_cents {
        let message = "You have insufficient available funds in your Stripe account. \
                       Try adding funds directly to your available balance.";
        return Err(Refusal::invalid("balance_insufficient", message));
    }
    let id = change.new_id(Kind::Transfer);
    let transaction = balance::book(change, Movement::plain("transfer", -cents, &id));
    let transfer = json!({
        "id": id,
        "object": "transfer",
        "amount": cents,
        "amount_reversed": 0,
        "balance_transaction": transaction["id"],
        "created": change.seconds(),
        "currency": "usd",
        "description": description,
        "destination": destination,
        "destination_payment": ids::ordered("py_", change.state.next_number, 24),
        "livemode": false,
        "metadata": metadata,
        "reversals": {
            "object": "list", "data": [], "has_more": false, "url": format!("/v1/transfers/{id}/reversals"),
        },
        "reversed": false,
        "source_transaction": null,
        "source_type": "card",
        "transfer_group": transfer_group,
    });
    let transfer = change.insert(Kind::Transfer, transfer);
    change.tell("transfer.created", &transfer);
    Ok(transfer)
}

fn check_destination(state: &State, id: &str) -> Result<(), Refusal> {
    let Some(account) = state.get(Kind::Account, id) else {
        return Err(Refusal::no_such_reference("destination", "destination", id));
    };
    if account["capabilities"]["transfers"] == "active" {
        return Ok(());
    }
    let message = "Your destination account needs to have at least one of the following capabilities enabled: \
                   transfers, crypto_transfers, legacy_payments";
    Err(Refusal::invalid("insufficient_capabilities_for_transfer", message))
}

/// `POST /v1/transfers/{id}/reversals`
pub fn create_reversal(
    change: &mut Change<'_>,
    transfer: &str,
    mut params: Params,
) -> Result<Value, Refusal> {
    let cents = params.amount("amount", 1)?;
    params.text("description")?;
    params.flag("refund_application_fee")?;
    let metadata = params.metadata("metadata")?;
    params.finish()?;
    reverse(change, transfer, cents, metadata)
}

/// Reverses `cents` of a transfer, or everything that is left of it. Returns the reversal.
pub fn reverse(
    change: &mut Change<'_>,
    id: &str,
    cents: Option<i64>,
    metadata: Value,
) -> Result<Value, Refusal> {
    let transfer = change.state.find(Kind::Transfer, id)?.clone();
    let reversed = amount(&transfer, "amount_reversed");
    let left = amount(&transfer, "amount") - reversed;
    if left == 0 {
        return Err(Refusal::invalid(
            "transfer_already_reversed",
            format!("Transfer {id} is already fully reversed."),
        ));
    }
    let cents = cents.unwrap_or(left);
    if !(1..=left).contains(&cents) {
        let message = format!(
            "Reversal amount ({cents} cents) is greater than unreversed amount of the transfer ({left} cents)"
        );
        return Err(Refusal::invalid("amount_too_large", message).param("amount"));
    }
    let reversal = change.new_id(Kind::Reversal);
    let transaction = balance::book(change, Movement::plain("transfer_refund", cents, &reversal));
    let reversal = json!({
        "id": reversal,
        "object": "transfer_reversal",
        "amount": cents,
        "balance_transaction": transaction["id"],
        "created": change.seconds(),
        "currency": "usd",
        "destination_payment_refund": null,
        "metadata": metadata,
        "source_refund": null,
        "transfer": id,
    });
    let reversal = change.insert(Kind::Reversal, reversal);
    let mut reversals = transfer["reversals"].clone();
    if let Some(data) = reversals["data"].as_array_mut() {
        data.insert(0, reversal.clone());
    }
    let fields =
        json!({"amount_reversed": reversed + cents, "reversed": cents == left, "reversals": reversals});
    change.update_and_tell("transfer.reversed", Kind::Transfer, id, fields);
    Ok(reversal)
}
