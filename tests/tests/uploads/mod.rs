//! Files: announced, uploaded, attached to drops and submissions, downloaded. S3 is one that checks what was signed.

mod announce;
mod attach;
mod faults;
mod flow;
mod signed;

use clorp_tests::{Answer, Client};
use serde_json::{Value, json};

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n not much of a picture";

/// The body of a request that posts a drop with these files, or asks what it would cost.
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

/// An upload's own description, as it is attached.
fn described(upload: &Value) -> Value {
    let mut file = upload.clone();
    file.as_object_mut().unwrap().remove("upload");
    file
}

/// A file as it is read, without its address.
fn plain(file: &Value) -> Value {
    let mut file = file.clone();
    for name in ["url", "url_expires_at"] {
        assert!(file.as_object_mut().unwrap().remove(name).is_some(), "{file}");
    }
    file
}

fn id(body: &Value) -> &str {
    body["id"].as_str().unwrap()
}
