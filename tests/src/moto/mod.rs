//! moto, a simulation of AWS in Python that has nothing in common with the embedded servers: DynamoDB, S3,
//! SQS and Secrets Manager.

mod differences;
mod secret;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::tools;

pub use differences::{COVERED, Difference, EXCLUDED, covered, excluded};
pub use secret::StoredSecret;

/// moto with the packages that its server needs for these services. `moto[server]` would add those for every
/// service.
const PACKAGES: &[&str] = &["moto==5.2.5", "flask==3.1.2", "flask-cors==6.0.1"];
/// The program that serves moto.
const PROGRAM: &str = include_str!("server.py");
/// The most servers that one process starts. A server uses one core.
const MAX_SERVERS: usize = 4;

/// A signature, which DynamoDB's and S3's stand-ins require and moto does not check.
pub fn authorization(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/{service}/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature=0"
    )
}

/// A process that serves moto. It ends when this value is dropped, and at the latest with this process.
#[derive(Debug)]
pub struct Server {
    /// The base URL, such as `http://127.0.0.1:8000`, for S3, SQS and Secrets Manager.
    pub url: String,
    process: Child,
}

impl Server {
    /// Starts a server that makes up for [`Difference::Isolation`] and [`Difference::Checksum`].
    pub fn start() -> Self {
        Self::with_arguments(&[])
    }

    /// Starts a server of moto as it was published.
    pub fn start_plain() -> Self {
        Self::with_arguments(&["plain"])
    }

    fn with_arguments(arguments: &[&str]) -> Self {
        let bin = tools::python_venv(&tools::tools_dir().join("moto"), PACKAGES).expect("moto is installed");
        let mut command = Command::new(bin.join("python"));
        command.args(["-c", PROGRAM]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("moto starts");
        let mut url = String::new();
        let output = process.stdout.take().expect("the output of moto");
        BufReader::new(output).read_line(&mut url).expect("the URL of moto");
        assert!(url.starts_with("http://"), "moto did not start");
        Self { url: url.trim().to_owned(), process }
    }

    /// The URL of a DynamoDB without tables, which nobody else has.
    pub fn new_account(&self) -> String {
        format!("{}/{:012}", self.url, next_number())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server ends with its input. Waiting fails only if it has ended already.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// A number that this function has not returned before.
pub fn next_number() -> usize {
    static NUMBER: AtomicUsize = AtomicUsize::new(1);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

static SERVERS: LazyLock<Vec<LazyLock<Server>>> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (0..cores.min(MAX_SERVERS)).map(|_| LazyLock::new(Server::start as fn() -> Server)).collect()
});

/// One of this process's servers; the same number gets the same one. The first call for a server starts it,
/// and the first of all installs moto.
pub async fn server(number: usize) -> &'static Server {
    let start = move || LazyLock::force(&SERVERS[number % SERVERS.len()]);
    tokio::task::spawn_blocking(start).await.expect("moto runs")
}
