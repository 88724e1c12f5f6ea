//! A webhook event that was not applied.
//!
//! Stripe's events are signed up to a size that an item cannot hold. One that does not fit even deflated is
//! stored without its largest fields. What decides about money is small, so a cut event can still be applied,
//! and a person finds the whole one at Stripe, by its id.

use clorp_domain::Error;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::items::keys::{STRIPE, UNAPPLIED_EVENT};
use crate::table::compressed::{self, stored_bytes};
use crate::table::item::{decode, key_of, keyed};
use crate::table::{Item, Key};

/// The attribute that an event carries once it was applied, or a person has looked at it.
pub(crate) const SETTLED_AT: &str = "settled_at";

/// Bytes that the text of an event may take in its item, which holds 400 KiB in all.
const MAX_BYTES: usize = 360 * 1024;
/// Bytes of each part of an event that is left of one that does not fit.
const CUT_BYTES: usize = 64 * 1024;

/// A webhook event that was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnappliedEvent {
    /// Stripe's object that the event is about, or the event's own id where that is not known.
    pub object: String,
    /// Stripe's id of the event.
    pub id: String,
    /// The reason why it was not applied.
    pub why: String,
    /// The event as it was signed, without its largest fields where it would not fit into an item.
    pub body: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct UnappliedItem {
    why: String,
    #[serde(with = "compressed")]
    body: String,
    kept_at: i64,
}

pub(crate) fn write_unapplied(key: &Key, event: &UnappliedEvent, now: Timestamp) -> Result<Item, Error> {
    let (why, body) = (event.why.clone(), fit(&event.body));
    keyed(key, &UnappliedItem { why, body, kept_at: now.as_millisecond() })
}

/// The event of an item.
pub(crate) fn read_unapplied(item: Item) -> Result<UnappliedEvent, Error> {
    let key = key_of(&item)?;
    let item: UnappliedItem = decode(item)?;
    Ok(UnappliedEvent {
        object: key.pk.strip_prefix(STRIPE).unwrap_or_default().to_owned(),
        id: key.sk.strip_prefix(UNAPPLIED_EVENT).unwrap_or_default().to_owned(),
        why: item.why,
        body: item.body,
    })
}

/// The text of an event, cut if it would not fit.
fn fit(body: &str) -> String {
    if body.len() <= MAX_BYTES || stored_bytes(body) <= MAX_BYTES {
        return body.to_owned();
    }
    match serde_json::from_str(body) {
        Ok(Value::Object(event)) => cut(event).to_string(),
        // A text that is no event has nothing to be applied.
        _ => body.chars().take(CUT_BYTES).collect(),
    }
}

/// The event with the smallest fields of itself and of its object.
fn cut(mut event: Map<String, Value>) -> Value {
    let object = event.get_mut("data").and_then(|data| data.get_mut("object")).map(Value::take);
    let mut cut = smallest_fields(event);
    if let Some(Value::Object(object)) = object {
        cut.insert("data".to_owned(), json!({ "object": smallest_fields(object) }));
    }
    Value::Object(cut)
}

/// The smallest fields, as many as fit.
fn smallest_fields(fields: Map<String, Value>) -> Map<String, Value> {
    let mut sized: Vec<_> =
        fields.into_iter().map(|(name, value)| (name.len() + value.to_string().len(), name, value)).collect();
    sized.sort_by_key(|(bytes, ..)| *bytes);
    let mut left = CUT_BYTES;
    let fits = sized.into_iter().map_while(|(bytes, name, value)| {
        left = left.checked_sub(bytes)?;
        Some((name, value))
    });
    fits.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text that hardly gets smaller when it is deflated.
    fn noise(bytes: usize) -> String {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'!' + u8::try_from(state >> 33 & 63).unwrap())
        };
        (0..bytes).map(|_| next()).collect()
    }

    #[test]
    fn an_event_that_fits_is_stored_as_it_was_signed() {
        for body in ["", "{}", &noise(MAX_BYTES), &"{\"a\": 1}".repeat(100_000)] {
            assert_eq!(fit(body), body);
        }
    }

    #[test]
    fn an_event_that_does_not_fit_keeps_its_small_fields() {
        let object = json!({ "id": "ch_1", "amount_refunded": 300, "metadata": { "a": "b" },
                             "description": noise(500_000) });
        let event = json!({ "id": "evt_1", "type": "charge.refunded", "created": 7, "extra": noise(400_000),
                            "data": { "object": object, "previous_attributes": noise(90_000) } });
        let kept: Value = serde_json::from_str(&fit(&event.to_string())).unwrap();
        let object = json!({ "id": "ch_1", "amount_refunded": 300, "metadata": { "a": "b" } });
        let expect =
            json!({ "id": "evt_1", "type": "charge.refunded", "created": 7, "data": { "object": object } });
        assert_eq!(kept, expect);
    }

    #[test]
    fn every_stored_event_fits() {
        let many: Map<String, Value> = (0..50_000).map(|n| (format!("{n}"), json!(noise(20)))).collect();
        let many = json!({ "id": "evt_1", "data": { "object": many } }).to_string();
        let broken = "\u{fffd}".repeat(1024 * 1024);
        for body in [noise(1_000_000), many, broken] {
            assert!(stored_bytes(&fit(&body)) <= MAX_BYTES);
        }
    }
}
