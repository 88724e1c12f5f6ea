//! A process with moto's DynamoDB.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// moto with the packages that its server needs for DynamoDB. `moto[server]` would add those for every
/// service.
const PACKAGES: &[&str] = &["moto==5.2.5", "flask==3.1.2", "flask-cors==6.0.1", "py-partiql-parser==0.6.3"];

/// Serves on a free port, which it prints, until its input ends. So the server never outlives this process.
/// HTTP/1.1 keeps connections open, which halves the time of a call.
const SERVER: &str = r#"
import sys
from werkzeug.serving import WSGIRequestHandler
from moto.server import ThreadedMotoServer

WSGIRequestHandler.protocol_version = "HTTP/1.1"
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("http://%s:%d" % server.get_host_and_port(), flush=True)
sys.stdin.read()
"#;

/// A running moto, which ends with this value.
#[derive(Debug)]
pub struct Moto {
    /// The base URL.
    pub url: String,
    process: Child,
}

impl Moto {
    /// Installs moto into `target/tools` if it is not there, and starts it.
    ///
    /// # Errors
    /// Fails if this machine's Python cannot install the packages, or if moto does not start.
    pub fn start() -> Result<Self> {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target/tools/moto-dynamodb");
        let bin = clorp_tools::python_venv(&tools, PACKAGES)?;
        let mut command = Command::new(bin.join("python"));
        command.args(["-c", SERVER]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().context("starting moto")?;
        let mut url = String::new();
        BufReader::new(process.stdout.take().context("no output")?).read_line(&mut url)?;
        ensure!(url.starts_with("http://"), "moto did not start");
        Ok(Self { url: url.trim().to_owned(), process })
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // The process may have ended by itself, and its status does not matter.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
