//! The bucket, in the same process: descriptions and copies of objects. Nothing else passes through a
//! function.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use tokio::time::sleep;

use crate::faults::Fault;
use crate::site::Site;
use crate::task::Task;

/// The bytes of every uploaded file.
pub const FILE: &str = "fog\n";
/// The SHA-256 of [`FILE`] in hexadecimal, as `printf 'fog\n' | sha256sum` prints it.
pub const FILE_SHA256: &str = "9d59ab579f8274470dcc4154a0f0ada4f7dcc8b89c89e494524f7674e797826b";
/// The same in Base64.
const FILE_CHECKSUM: &str = "nVmrV5+CdEcNzEFUoPCtpPfcyLicieSUUk92dOeXgms=";

/// The objects of the bucket. All have the same contents.
#[derive(Clone, Debug, Default)]
pub struct Bucket(BTreeMap<String, ()>);

impl Bucket {
    /// Stores the file under a key.
    pub fn put(&mut self, key: &str) {
        self.0.insert(key.to_owned(), ());
    }

    /// Number of objects whose keys begin so.
    pub fn count(&self, prefix: &str) -> usize {
        self.0.keys().filter(|key| key.starts_with(prefix)).count()
    }
}

/// Answers a request.
///
/// # Errors
/// A broken connection.
pub async fn answer(site: &Arc<Site>, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let task = Task::current();
    let at = task.next_point();
    let mut chance = site.with(|state| state.weather.chance(at));
    sleep(Duration::from_millis(chance.u64(2..60))).await;
    let fault = site.strike(&task, at, &[Fault::FilesDown, Fault::DeathBefore, Fault::DeathAfter]);
    match fault {
        Some(Fault::DeathBefore) => task.die().await,
        Some(Fault::FilesDown) if chance.bool() => return std::future::pending().await,
        Some(Fault::FilesDown) => return respond(503, &[], "<Error><Code>SlowDown</Code></Error>"),
        _ => {}
    }
    let path = request.uri().split("amazonaws.com/").nth(1).unwrap_or_default();
    let key = path.split('?').next().unwrap_or_default().to_owned();
    let source = request
        .headers()
        .get("x-amz-copy-source")
        .map(|source| source.split_once('/').map_or(source, |(_, key)| key).to_owned());
    let answer = match (request.method(), source) {
        ("HEAD", _) if site.with(|state| state.bucket.0.contains_key(&key)) => respond(
            200,
            &[
                ("content-type", "text/plain"),
                ("content-length", "4"),
                ("etag", "\"fog\""),
                ("x-amz-checksum-sha256", FILE_CHECKSUM),
            ],
            "",
        ),
        ("HEAD", _) => respond(404, &[], ""),
        ("PUT", Some(source)) if site.with(|state| state.bucket.0.contains_key(&source)) => {
            site.with(|state| state.bucket.put(&key));
            respond(200, &[], "<CopyObjectResult><ETag>\"fog\"</ETag></CopyObjectResult>")
        }
        _ => respond(404, &[], "<Error><Code>NoSuchKey</Code></Error>"),
    };
    if fault == Some(Fault::DeathAfter) {
        task.die().await;
    }
    answer
}

fn respond(
    status: u16,
    headers: &[(&'static str, &'static str)],
    body: &'static str,
) -> Result<HttpResponse, ConnectorError> {
    let status = status.try_into().map_err(|_| ConnectorError::io("no such status".into()))?;
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    for (name, value) in headers {
        response.headers_mut().insert(*name, *value);
    }
    Ok(response)
}
