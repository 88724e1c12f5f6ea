//! The test bench: a marketplace with one address, a home folder, and the program.

mod pty;
mod script;
mod snapshot;

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use clorp_tests::{Client, Gateway, Options, World};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

pub use pty::Terminal;
pub use script::{Answer, Scripted};
pub use snapshot::Transcript;

/// The longest wait for something that must happen. Nothing is measured by it.
const PATIENCE: Duration = Duration::from_secs(120);

/// The variables that would change what the program does.
const FOREIGN: [&str; 9] = [
    "CLORP_API_KEY",
    "CLORP_API_URL",
    "NO_COLOR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// A marketplace behind one address.
pub struct Bench {
    pub world: World,
    pub gateway: Gateway,
    pub home: TempDir,
}

impl Bench {
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        let world = World::with(options).await;
        let gateway = Gateway::start(&world.anon).await;
        Self { world, gateway, home: tempfile::tempdir().unwrap() }
    }

    /// The program with a user's key.
    pub fn cli(&self, user: &Client) -> Cli {
        let key = user.authorization().map(|header| header.trim_start_matches("Bearer ").to_owned());
        Cli { url: self.gateway.url.clone(), key, home: self.home.path().to_owned(), variables: Vec::new() }
    }

    /// The program with the sender's key.
    pub fn sender(&self) -> Cli {
        self.cli(&self.world.sender)
    }

    /// The program with a worker's key.
    pub fn worker(&self, number: usize) -> Cli {
        self.cli(&self.world.workers[number])
    }

    /// Settles what is due after the end of every window.
    pub async fn settle(&self) {
        self.world.advance_seconds(301);
        self.world.sweep().await;
    }

    /// Proves that every cent is accounted for, and that every answer was documented.
    pub async fn finish(self) {
        self.gateway.assert_documented();
        self.world.finish().await;
    }
}

/// The program with its environment.
#[derive(Clone, Debug)]
pub struct Cli {
    pub url: String,
    pub key: Option<String>,
    pub home: std::path::PathBuf,
    pub variables: Vec<(String, String)>,
}

/// A finished run.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Cli {
    /// The program at another address, with any key.
    pub fn at(url: &str, home: &Path) -> Self {
        let key = Some("clorp_any".to_owned());
        Self { url: url.to_owned(), key, home: home.to_owned(), variables: Vec::new() }
    }

    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without_key(mut self) -> Self {
        self.key = None;
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clorp"));
        command.args(arguments).current_dir(&self.home).kill_on_drop(true);
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.env("HOME", &self.home).env("TERM", "xterm-256color").env("CLORP_API_URL", &self.url);
        if let Some(key) = &self.key {
            command.env("CLORP_API_KEY", key);
        }
        command.envs(self.variables.iter().cloned());
        command
    }

    /// Runs without a terminal.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, Stdio::null()).await
    }

    /// Runs without a terminal, with this standard input.
    pub async fn run_with(&self, arguments: &[&str], stdin: Stdio) -> Ran {
        let output = self.command(arguments).stdin(stdin).output().await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran {
            code: output.status.code().expect("the program was not killed"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Starts without a terminal, and keeps both outputs.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Starts on a terminal of its own.
    pub fn on_terminal(&self, arguments: &[&str]) -> Terminal {
        Terminal::start(self.command(arguments))
    }

    /// Runs on a terminal without colours, and returns the exit code and the screen.
    pub async fn read_by_people(&self, arguments: &[&str]) -> (i32, String) {
        self.clone().variable("NO_COLOR", "1").on_terminal(arguments).finish().await
    }
}

impl Ran {
    /// Standard output as JSON, if the exit code is the one expected.
    #[track_caller]
    pub fn expect(&self, code: i32) -> Value {
        assert_eq!(self.code, code, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Standard output as one JSON value for each line.
    #[track_caller]
    pub fn lines(&self, code: i32) -> Vec<Value> {
        assert_eq!(self.code, code, "{self:?}");
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The error object, if the exit code is the one expected and nothing was printed.
    #[track_caller]
    pub fn fails(&self, code: i32) -> Value {
        assert_eq!((self.code, self.stdout.as_str()), (code, ""), "{self:?}");
        let error: Value =
            serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        assert_eq!(error["exit_code"], code, "{self:?}");
        error
    }
}

/// Waits until an asynchronous question is answered with a value.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = ask().await {
            return value;
        }
        assert!(began.elapsed() < PATIENCE, "{what}: not in time");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
