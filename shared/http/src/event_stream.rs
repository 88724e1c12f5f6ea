//! Server-sent events, for a browser's `EventSource`.
//!
//! The gateway buffers a response until it is complete, so each response ends once all current events are
//! written. The browser then reconnects by itself, and names the last event that it received in
//! `Last-Event-ID`.

use std::fmt::Write;
use std::str::FromStr;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clorp_domain::Error;
use serde::Serialize;
use serde_json::Value;

use crate::headers::LAST_EVENT_ID;
use crate::problem::Problem;

/// Media type of an event stream.
pub const EVENT_STREAM: &str = "text/event-stream";
/// Delay in milliseconds after which a browser reconnects.
const RETRY_MILLIS: u32 = 2000;

/// A response with events, whose JSON form has `id`, `event` and `data`. `None` is a 204, at which a browser
/// stops reconnecting.
#[derive(Clone, Debug)]
pub struct EventStream<T>(pub Option<Vec<T>>);

impl<T: Serialize> IntoResponse for EventStream<T> {
    fn into_response(self) -> Response {
        let Some(events) = self.0 else {
            return StatusCode::NO_CONTENT.into_response();
        };
        match write(&events) {
            Ok(text) => {
                let mut response = Response::new(Body::from(text));
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
                response
            }
            Err(what) => {
                Problem::from(Error::internal(format!("event cannot be written: {what}"))).into_response()
            }
        }
    }
}

/// Writes the stream. `retry` is a line of the first event's block: some clients report a block of its own as
/// an empty message. Without an event, the line takes effect and its block remains incomplete, so no client
/// reports it.
fn write<T: Serialize>(events: &[T]) -> Result<String, String> {
    let mut text = format!("retry: {RETRY_MILLIS}\n");
    for event in events {
        let event = serde_json::to_value(event).map_err(|e| e.to_string())?;
        let field = |name| event.get(name).and_then(Value::as_str).ok_or_else(|| format!("it has no {name}"));
        // JSON escapes a line break within a string, so the data is one line.
        let data = event.get("data").ok_or("it has no data")?;
        write!(text, "id: {}\nevent: {}\ndata: {data}\n\n", field("id")?, field("event")?)
            .map_err(|e| e.to_string())?;
    }
    Ok(text)
}

/// Identifier of the last event that the client received. `None`, from an absent or empty header, means the
/// beginning.
#[derive(Clone, Copy, Debug)]
pub struct LastEventId<T>(pub Option<T>);

impl<T, S> FromRequestParts<S> for LastEventId<T>
where
    T: FromStr,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(LAST_EVENT_ID).iter();
        let id = match (values.next(), values.next()) {
            (None, _) => return Ok(Self(None)),
            (Some(value), None) if value.is_empty() => return Ok(Self(None)),
            (Some(value), None) => value.to_str().ok().and_then(|text| text.parse().ok()),
            (Some(_), Some(_)) => None,
        };
        let id = id.ok_or_else(|| {
            let message = "Last-Event-ID must be one id of an event of this stream; leave it out to start from the beginning";
            Problem::invalid("Last-Event-ID", "invalid_last_event_id", message)
        })?;
        Ok(Self(Some(id)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_field_of_an_event_is_one_line() {
        let events =
            [json!({ "id": "1-0", "event": "created", "data": { "at": "then", "text": "two\nlines" } })];
        let expected =
            "retry: 2000\nid: 1-0\nevent: created\ndata: {\"at\":\"then\",\"text\":\"two\\nlines\"}\n\n";
        assert_eq!(write(&events).unwrap(), expected);
        assert_eq!(write::<Value>(&[]).unwrap(), "retry: 2000\n");
        assert!(write(&[json!({ "id": "1-0", "data": {} })]).is_err());
    }
}
