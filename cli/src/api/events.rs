//! Server-sent events.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Delay before the next request of a stream that names none.
const RETRY: Duration = Duration::from_secs(2);

/// The events of one response.
#[derive(Debug)]
pub struct Stream<T> {
    /// The complete events, in order.
    pub events: Vec<Event<T>>,
    /// Delay before the next request.
    pub retry: Duration,
}

/// One event.
#[derive(Debug)]
pub struct Event<T> {
    /// Identifier, by which a later request resumes.
    pub id: String,
    /// The event, as far as the command line reads it.
    pub value: T,
    /// Identifier, kind and data as one JSON object.
    pub json: String,
}

impl<T: DeserializeOwned> Stream<T> {
    /// Reads a stream. An event without its empty line is incomplete, and is left for the next request.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let (mut events, mut retry) = (Vec::new(), RETRY);
        let (mut id, mut kind, mut data) = (String::new(), String::new(), String::new());
        for line in text.lines() {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => value.clone_into(&mut id),
                "event" => value.clone_into(&mut kind),
                "data" => data += value,
                "retry" => retry = value.parse().map_or(retry, Duration::from_millis),
                "" if line.is_empty() && !data.is_empty() => {
                    events.push(Event::read(&id, &kind, &data)?);
                    (kind, data) = (String::new(), String::new());
                }
                _ => {}
            }
        }
        Ok(Self { events, retry })
    }
}

impl<T: DeserializeOwned> Event<T> {
    fn read(id: &str, kind: &str, data: &str) -> Result<Self, serde_json::Error> {
        let raw: &RawValue = serde_json::from_str(data)?;
        let json = format!("{{\"id\":{},\"event\":{},\"data\":{}}}", json!(id), json!(kind), raw.get());
        let whole = json!({ "id": id, "event": kind, "data": serde_json::from_str::<Value>(data)? });
        Ok(Self { id: id.to_owned(), value: serde_json::from_value(whole)?, json })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_up_to_the_last_complete_one() {
        let text = "retry: 1500\nid: 1\nevent: opened\ndata: {\"a\":1}\n\nid: 2\nevent: done\ndata: {\"b\":2}\n\n\
                    id: 3\nevent: cut\ndata: {\"c\"";
        let stream = Stream::<Value>::parse(text).unwrap();
        assert_eq!(stream.retry, Duration::from_millis(1500));
        let ids: Vec<_> = stream.events.iter().map(|event| event.id.as_str()).collect();
        assert_eq!(ids, ["1", "2"]);
        assert_eq!(stream.events[0].json, r#"{"id":"1","event":"opened","data":{"a":1}}"#);
        assert_eq!(stream.events[1].value, json!({ "id": "2", "event": "done", "data": { "b": 2 } }));
    }

    #[test]
    fn a_stream_without_events_only_names_the_delay() {
        let stream = Stream::<Value>::parse("retry: 2000\n").unwrap();
        assert!(stream.events.is_empty());
        assert!(Stream::<Value>::parse("data: {broken\n\n").is_err());
    }
}
