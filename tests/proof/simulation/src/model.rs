//! The model that judges, in the same process: slow, wrong or down at times.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Request, Response};
use clorp_judge::model::{Api, ConfigError, Model, ModelConfig};
use clorp_model_stand_in::{Reader, read};
use clorp_outbound::{Https, NoResponse};
use clorp_ranking::{Judges, Limits};
use futures::FutureExt;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::faults::Fault;
use crate::site::Site;
use crate::task::Task;

/// The judge's patience with one call, in seconds.
const PATIENCE_SECONDS: u64 = 5;
/// Longest usual time of an answer, in milliseconds.
const MAX_LATENCY_MILLIS: u64 = 1_500;

/// The models that judge.
///
/// # Errors
/// Those of [`Model::new`].
pub fn judges(site: &Arc<Site>) -> Result<Judges, ConfigError> {
    let config = ModelConfig::new("https://model.example/v1", Api::ChatCompletions, "simulated-1");
    let config = config.ok_or(ConfigError::Unusable("the model's address"))?;
    let config = config.with_timeout(Duration::from_secs(PATIENCE_SECONDS));
    let site = Arc::clone(site);
    let https = Https::local(Arc::new(move |request| answer(Arc::clone(&site), request).boxed()));
    Ok(Judges { first: Model::new(config, None)?.with_https(https), second: None, limits: Limits::default() })
}

async fn answer(site: Arc<Site>, request: Request<Bytes>) -> Result<Response<Bytes>, NoResponse> {
    let task = Task::current();
    let at = task.next_point();
    let mut chance = site.with(|state| state.weather.chance(at));
    sleep(Duration::from_millis(chance.u64(50..MAX_LATENCY_MILLIS))).await;
    let possible =
        [Fault::ModelSlow, Fault::ModelWrong, Fault::ModelDown, Fault::DeathBefore, Fault::DeathAfter];
    let fault = site.strike(&task, at, &possible);
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    let judged = read(&body, Reader::default());
    match fault {
        Some(Fault::DeathBefore | Fault::DeathAfter) => task.die().await,
        Some(Fault::ModelSlow) => sleep(Duration::from_secs(PATIENCE_SECONDS * 2)).await,
        Some(Fault::ModelDown) if chance.bool() => return Err("the connection was closed".to_owned()),
        Some(Fault::ModelDown) => return respond(503, &json!({ "error": { "message": "overloaded" } })),
        _ => {}
    }
    let text = match fault {
        Some(Fault::ModelWrong) => "{\"assessments\": {}, \"order\": {}}".to_owned(),
        _ => judged.ok_or("not a request for a judgement")?,
    };
    site.with(|state| state.watch.saw_judgement(&body, fault.is_none()));
    let message = json!({ "role": "assistant", "content": text, "refusal": null });
    respond(
        200,
        &json!({
            "object": "chat.completion",
            "model": "simulated-1",
            "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }],
            "usage": { "prompt_tokens": 900, "completion_tokens": 120 },
        }),
    )
}

fn respond(status: u16, body: &Value) -> Result<Response<Bytes>, NoResponse> {
    let response = Response::builder().status(status).body(Bytes::from(body.to_string()));
    response.map_err(|error| error.to_string())
}
