//! The line items of Checkout sessions.

use serde_json::{Value, json};

use crate::ids;
use crate::params::Params;
use crate::refusal::Refusal;
use crate::state::{Line, State};

/// Reads a line item of a session to create.
pub fn read(mut item: Params) -> Result<Line, Refusal> {
    let quantity = item.need_amount("quantity", 1)?;
    let mut price =
        item.group("price_data")?.ok_or_else(|| Refusal::missing_parameter(&item.name("price_data")))?;
    price.currency("currency")?;
    let unit_amount = price.need_amount("unit_amount", 0)?;
    let mut product = price
        .group("product_data")?
        .ok_or_else(|| Refusal::missing_parameter(&price.name("product_data")))?;
    let name = product.need_text("name")?;
    product.text("description")?;
    product.finish()?;
    price.finish()?;
    item.finish()?;
    Ok(Line { name, quantity, unit_amount })
}

/// A line item as the API shows it. `now` is in seconds since the epoch.
pub fn show(line: &Line, now: i64) -> Value {
    let total = line.quantity.saturating_mul(line.unit_amount);
    let price = json!({
        "id": format!("price_{}", ids::random(24)),
        "object": "price",
        "active": false,
        "billing_scheme": "per_unit",
        "created": now,
        "currency": "usd",
        "custom_unit_amount": null,
        "livemode": false,
        "lookup_key": null,
        "metadata": {},
        "nickname": null,
        "product": format!("prod_{}", ids::random(14)),
        "recurring": null,
        "tax_behavior": "unspecified",
        "tiers_mode": null,
        "transform_quantity": null,
        "type": "one_time",
        "unit_amount": line.unit_amount,
        "unit_amount_decimal": line.unit_amount.to_string(),
    });
    json!({
        "id": format!("li_{}", ids::random(24)),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": "usd",
        "description": line.name,
        "price": price,
        "quantity": line.quantity,
    })
}

/// The list of a session's line items.
pub fn list(state: &State, session: &str) -> Value {
    let items = state.line_items.get(session).cloned().unwrap_or_default();
    let url = format!("/v1/checkout/sessions/{session}/line_items");
    json!({"object": "list", "data": items, "has_more": false, "url": url})
}
