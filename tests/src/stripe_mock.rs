//! Stripe's own `stripe-mock`, which holds requests against Stripe's published description of its API.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::tools;

const PACKAGE: &str = "github.com/stripe/stripe-mock@v0.203.0";

/// A running `stripe-mock`. It ends with this.
#[derive(Debug)]
pub struct StripeMock {
    /// Where it answers: what a sandbox mirrors to.
    pub url: String,
    process: Child,
}

impl StripeMock {
    /// Nothing, and a line that says that `what` is not tested, if this machine cannot have one.
    pub fn start(what: &str) -> Option<Self> {
        let tool = tools::go_tool(&tools::tools_dir().join("stripe-mock"), PACKAGE).expect("stripe-mock");
        let program = tool.or_skip(what)?;
        // It picks a free port itself, and says which.
        let mut command = Command::new(program);
        command.args(["-http-addr", "127.0.0.1:"]).stdout(Stdio::piped());
        let mut process = command.spawn().expect("stripe-mock starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let address = lines.find_map(|line| {
            line.expect("text").split_once("address: ").map(|(_, address)| address.to_owned())
        });
        // What it prints later has to go somewhere.
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
