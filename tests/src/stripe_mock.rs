//! Stripe's own `stripe-mock`, which checks requests against Stripe's published OpenAPI document.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::tools;

const PACKAGE: &str = "github.com/stripe/stripe-mock@v0.203.0";

/// A running `stripe-mock`. Dropping it ends the process.
#[derive(Debug)]
pub struct StripeMock {
    /// The URL to which a sandbox mirrors its requests.
    pub url: String,
    process: Child,
}

impl StripeMock {
    /// Starts a `stripe-mock`. On a machine without one it returns `None` and prints what is `untested`.
    pub fn start(untested: &str) -> Option<Self> {
        let tool = tools::go_tool(&tools::tools_dir().join("stripe-mock"), PACKAGE).expect("stripe-mock");
        let program = tool.or_skip(untested)?;
        // It picks a free port and prints it.
        let mut command = Command::new(program);
        command.args(["-http-addr", "127.0.0.1:"]).stdout(Stdio::piped());
        let mut process = command.spawn().expect("stripe-mock starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let address = lines.find_map(|line| {
            line.expect("text").split_once("address: ").map(|(_, address)| address.to_owned())
        });
        // Later output must be read, or the process would block.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { url: format!("http://{}", address.expect("an address")), process })
    }
}

impl Drop for StripeMock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
