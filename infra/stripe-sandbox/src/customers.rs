//! Customers, who pay.

use serde_json::{Value, json};

use crate::change::Change;
use crate::methods;
use crate::params::Params;
use crate::refusal::Refusal;
use crate::state::{Kind, text};

/// `POST /v1/customers`
pub fn create(change: &mut Change<'_>, mut params: Params) -> Result<Value, Refusal> {
    let (email, name) = (params.text("email")?, params.text("name")?);
    let (phone, description) = (params.text("phone")?, params.text("description")?);
    let metadata = params.metadata("metadata")?;
    params.finish()?;
    let id = change.new_id(Kind::Customer);
    let customer = json!({
        "id": id,
        "object": "customer",
        "address": null,
        "balance": 0,
        "created": change.seconds(),
        "currency": null,
        "default_source": null,
        "delinquent": false,
        "description": description,
        "email": email,
        "invoice_prefix": super::ids::random(8).to_uppercase(),
        "invoice_settings": {
            "custom_fields": null, "default_payment_method": null, "footer": null, "rendering_options": null,
        },
        "livemode": false,
        "metadata": metadata,
        "name": name,
        "next_invoice_sequence": 1,
        "phone": phone,
        "preferred_locales": [],
        "shipping": null,
        "tax_exempt": "none",
        "test_clock": null,
    });
    let customer = change.insert(Kind::Customer, customer);
    change.tell("customer.created", &customer);
    Ok(customer)
}

/// `POST /v1/customers/{id}`
pub fn update(change: &mut Change<'_>, id: &str, mut params: Params) -> Result<Value, Refusal> {
    let customer = change.state.find(Kind::Customer, id)?.clone();
    let mut fields = json!({"metadata": params.changed_metadata("metadata", &customer["metadata"])?});
    for name in ["description", "email", "name", "phone"] {
        if let Some(value) = params.changed_text(name)? {
            fields[name] = value;
        }
    }
    params.finish()?;
    Ok(change.update_and_tell("customer.updated", Kind::Customer, id, fields))
}

/// `DELETE /v1/customers/{id}`. Detaches the customer's payment methods.
pub fn delete(change: &mut Change<'_>, id: &str) -> Result<Value, Refusal> {
    let customer = change.state.find(Kind::Customer, id)?.clone();
    let methods = change.state.all(Kind::PaymentMethod).filter(|method| method["customer"] == *id);
    let methods: Vec<String> = methods.map(|method| text(method, "id").to_owned()).collect();
    for method in methods {
        methods::detach(change, &method)?;
    }
    change.tell("customer.deleted", &customer);
    Ok(change.delete(Kind::Customer, id))
}
