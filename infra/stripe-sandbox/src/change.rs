//! A change of the state: new objects, changed ones, and the events about them.

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::ids;
use crate::state::{Delivery, Kind, State, with};

/// The version of Stripe's API in which events are written. It is the version of the client library.
const API_VERSION: &str = "2026-09-30.endive";

/// The API request that caused a change.
#[derive(Clone, Debug)]
pub struct Cause {
    /// The request's identifier.
    pub request: String,
    /// The request's idempotency key.
    pub key: Option<String>,
}

/// A change of the state that is in progress.
#[derive(Debug)]
pub struct Change<'a> {
    /// The state to change.
    pub state: &'a mut State,
    /// The time of the change.
    pub now: Timestamp,
    /// The sandbox's base URL.
    pub url: &'a str,
    /// Number of endpoints that receive events.
    pub endpoints: usize,
    /// The request that caused the change; `None` for control calls and background tasks.
    pub cause: Option<Cause>,
}

impl Change<'_> {
    /// The time in seconds since the epoch.
    pub fn seconds(&self) -> i64 {
        self.now.as_second()
    }

    /// A new identifier for an object of this kind.
    pub fn new_id(&mut self, kind: Kind) -> String {
        let (prefix, length) = kind.id();
        ids::ordered(prefix, self.number(), length)
    }

    /// A new unique number.
    fn number(&mut self) -> u64 {
        let number = self.state.next_number;
        self.state.next_number += 1;
        number
    }

    /// Stores a new object and returns it.
    pub fn insert(&mut self, kind: Kind, object: Value) -> Value {
        if let Some(id) = object["id"].as_str() {
            self.state.objects.entry(kind).or_default().insert(id.to_owned(), object.clone());
        }
        object
    }

    /// Deletes an object. Returns what Stripe answers about it from now on.
    pub fn delete(&mut self, kind: Kind, id: &str) -> Value {
        let object = self.state.objects.get_mut(&kind).and_then(|all| all.remove(id)).unwrap_or_default();
        let deleted = json!({"id": id, "object": object["object"], "deleted": true});
        self.state.deleted.insert(id.to_owned(), deleted.clone());
        deleted
    }

    /// Sets fields of an existing object. Returns the object before and after.
    pub fn update(&mut self, kind: Kind, id: &str, fields: Value) -> (Value, Value) {
        let Some(object) = self.state.objects.get_mut(&kind).and_then(|all| all.get_mut(id)) else {
            return Default::default();
        };
        let before = object.clone();
        *object = with(before.clone(), fields);
        (before, object.clone())
    }

    /// Sets fields of an existing object and records an event about it. Returns the object after the change.
    pub fn update_and_tell(&mut self, event: &str, kind: Kind, id: &str, fields: Value) -> Value {
        let (before, after) = self.update(kind, id, fields);
        self.tell_change(event, &before, &after);
        after
    }

    /// Records an event about an object.
    pub fn tell(&mut self, event: &str, object: &Value) {
        self.tell_of(event, object, None);
    }

    /// Records an event about a changed object.
    pub fn tell_change(&mut self, event: &str, before: &Value, after: &Value) {
        self.tell_of(event, after, Some(before));
    }

    fn tell_of(&mut self, kind: &str, object: &Value, before: Option<&Value>) {
        let id = self.new_id(Kind::Event);
        let mut data = json!({ "object": object });
        if let Some(before) = before {
            data["previous_attributes"] = changed_fields(before, object);
        }
        let mut event = json!({
            "id": id,
            "object": "event",
            "api_version": API_VERSION,
            "created": self.seconds(),
            "data": data,
            "livemode": false,
            "pending_webhooks": self.endpoints,
            "request": {
                "id": self.cause.as_ref().map(|cause| &cause.request),
                "idempotency_key": self.cause.as_ref().and_then(|cause| cause.key.as_ref()),
            },
            "type": kind,
        });
        // An event about an account belongs to that account.
        if object["object"] == "account" {
            event["account"] = object["id"].clone();
        }
        self.insert(Kind::Event, event);
        let copies = 1 + self.state.webhooks.duplicates;
        for endpoint in (0..self.endpoints).flat_map(|endpoint| (0..copies).map(move |_| endpoint)) {
            self.send(&id, endpoint);
        }
    }

    /// Queues an event for an endpoint.
    pub fn send(&mut self, event: &str, endpoint: usize) {
        let delay = std::time::Duration::from_millis(self.state.webhooks.delay_ms);
        let delivery = Delivery {
            number: self.number(),
            event: event.to_owned(),
            endpoint,
            attempts: 0,
            last_status: None,
            not_before: Some(Instant::now() + delay),
            sending: false,
        };
        self.state.deliveries.push(delivery);
    }
}

/// The fields of `before` that differ in `after`, with their old values.
fn changed_fields(before: &Value, after: &Value) -> Value {
    let fields = before.as_object().into_iter().flatten();
    fields
        .filter(|(name, value)| after[name.as_str()] != **value)
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect()
}
