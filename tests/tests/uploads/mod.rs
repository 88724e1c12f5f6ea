//! Files: announced, uploaded, attached to drops and submissions, and downloaded. The local S3 checks
//! signatures.

mod announce;
mod attach;
mod faults;
mod flow;
mod signed;
mod unpaid;

use clorp_tests::{Answer, Client};
use serde_json::{Value, json};

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n not much of a picture";

/// The body of a request that posts a drop with these files, or that only asks for an estimate.
fn order(attachments: &Value, confirmed: bool) -> Value {
    json!({ "prompt": "Roast this picture", "price_cents": 1000, "confirmed": confirmed, "attachments": attachments })
}

async fn run(sender: &Client, attachments: &Value) -> Answer {
    sender.post("/api/jobs/run", order(attachments, true)).await
}

async fn submit(worker: &Client, drop: &str, text: &str, files: &Value) -> Answer {
    let body = json!({ "output_text": text, "output_attachments": files });
    worker.post(&format!("/api/jobs/{drop}/submit"), body).await
}

/// The description of an upload, as a request can attach it.
fn description(upload: &Value) -> Value {
    let mut file = upload.clone();
    file.as_object_mut().unwrap().remove("upload");
    file
}

/// A file of a response, without its URL.
fn without_url(file: &Value) -> Value {
    let mut file = file.clone();
    for name in ["url", "url_expires_at"] {
        assert!(file.as_object_mut().unwrap().remove(name).is_some(), "{file}");
    }
    file
}

fn id(body: &Value) -> &str {
    body["id"].as_str().unwrap()
}
