//! A strict parser of server-sent events.

use serde_json::{Value, json};

/// The events of a body, each with its `id`, `event` and `data`.
///
/// # Errors
/// A description of the first deviation from the API's format: a `retry` line in the block of the first
/// event, and events with one line for each of these fields. Without events, the `retry` line stands alone.
pub fn events(body: &str) -> Result<Vec<Value>, String> {
    let rest = body.strip_prefix("retry: ").ok_or("no leading retry line")?;
    let (retry, blocks) = rest.split_once('\n').ok_or("the retry line has no end")?;
    retry.parse::<u32>().map_err(|_| format!("retry is {retry:?}"))?;
    if blocks.is_empty() {
        return Ok(Vec::new());
    }
    let blocks = blocks.strip_suffix("\n\n").ok_or("the stream ends within an event")?;
    blocks.split("\n\n").map(event).collect()
}

fn event(block: &str) -> Result<Value, String> {
    let mut event = json!({});
    for line in block.split('\n') {
        let (field, value) = line.split_once(": ").ok_or_else(|| format!("no field: {line:?}"))?;
        let value = match field {
            "id" | "event" => json!(value),
            "data" => serde_json::from_str(value).map_err(|_| format!("no field: {line:?}"))?,
            _ => return Err(format!("{field} is no field of an event")),
        };
        if event.as_object_mut().and_then(|event| event.insert(field.to_owned(), value)).is_some() {
            return Err(format!("duplicate field {field}"));
        }
    }
    Ok(event)
}
