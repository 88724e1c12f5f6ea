//! The functions, run by `cargo lambda watch`.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use futures::future::try_join_all;
use reqwest::Client;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{sleep, timeout};

use super::build::clear_package_variables;
use super::database::{Choice, Database};
use super::log::{Log, Notice};
use super::payments::StripeServer;
use super::process::{Group, Guard, Marker};
use super::sessions::Sessions;
use super::sweep;
use super::uploads::Uploads;
use crate::cargo_lambda::CargoLambda;
use clorp_sam::Template;

/// Time that a function gets to answer its first request. It is compiled by then.
const FIRST_ANSWER: Duration = Duration::from_secs(30);

/// Time that cargo-lambda gets to stop its functions.
const GRACE: Duration = Duration::from_secs(5);

/// The functions' log levels if `RUST_LOG` is not set. cargo-lambda reads the same variable. Its modules
/// `watchexec` and `tokio_graceful_shutdown` log errors for restarts that the stack wants.
const LOG_LEVELS: &str = "info,watchexec=off,tokio_graceful_shutdown=warn";

/// The settings with which the functions run.
#[derive(Debug)]
pub struct Setup {
    /// The workspace's root.
    pub root: PathBuf,
    /// The directory of the log and of generated files.
    pub data_dir: PathBuf,
    /// The port of the API.
    pub port: u16,
    /// The number of instances of each function.
    pub concurrency: usize,
}

impl Setup {
    /// The URL of the API.
    pub fn base_url(&self) -> String {
        format!("http://{}:{}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// The path of the functions' log.
    pub fn log_path(&self) -> PathBuf {
        self.data_dir.join("functions.log")
    }

    /// The directory that cargo-lambda watches. It holds only the trigger file, which the stack touches after
    /// each build. It lies inside the workspace because cargo searches upward from there for its settings.
    fn watched_dir(&self) -> PathBuf {
        self.root.join(".local").join("watch").join(self.port.to_string())
    }

    fn trigger(&self) -> PathBuf {
        self.watched_dir().join("built")
    }

    fn router_path(&self) -> PathBuf {
        self.data_dir.join("cargo-lambda.toml")
    }
}

/// The template and the servers that the functions use.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The template that declares the functions and their routes.
    pub template: &'a Template,
    /// The database.
    pub database: &'a Database,
    /// The Stripe sandbox, or Stripe itself.
    pub payments: &'a StripeServer,
    /// The issuer of browser sessions.
    pub sessions: &'a Sessions,
    /// The storage of files.
    pub uploads: &'a Uploads,
}

/// The running functions.
#[derive(Debug)]
pub struct Functions {
    setup: Setup,
    watch: Group,
    _guard: Guard,
    log: Arc<Log>,
    notices: UnboundedReceiver<Notice>,
}

impl Functions {
    /// Starts cargo-lambda and waits until it accepts connections.
    ///
    /// # Errors
    /// Fails if cargo-lambda does not start, or does not listen within 30 seconds.
    pub async fn start(
        setup: Setup,
        cargo_lambda: &CargoLambda,
        around: Surroundings<'_>,
        marker: &Marker,
    ) -> Result<Self> {
        std::fs::create_dir_all(setup.watched_dir()).context("creating the watched directory")?;
        std::fs::write(setup.trigger(), "").context("writing the trigger file")?;
        std::fs::write(setup.router_path(), around.template.watch_router_toml())
            .context("writing the routes")?;
        let (log, notices) = Log::create(&setup.log_path())?;
        let mut command = command(&setup, cargo_lambda);
        set_database(&mut command, around.database);
        around.payments.set(&mut command);
        around.sessions.set(&mut command);
        around.uploads.set(&mut command);
        let mut watch = Group::spawn(&mut command, marker)?;
        let guard = watch.guard()?;
        if let (Some(out), Some(err)) = (watch.child().stdout.take(), watch.child().stderr.take()) {
            tokio::spawn(Arc::clone(&log).follow(out));
            tokio::spawn(Arc::clone(&log).follow(err));
        }
        let mut functions = Self { setup, watch, _guard: guard, log, notices };
        functions.wait_until_listening().await?;
        Ok(functions)
    }

    async fn wait_until_listening(&mut self) -> Result<()> {
        let start = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.setup.port)).await.is_err() {
            tokio::select! {
                ended = self.watch.wait() => return Err(self.end_error(ended?)),
                () = sleep(Duration::from_millis(50)) => {}
            }
            if start.elapsed() > FIRST_ANSWER {
                bail!("cargo-lambda does not accept connections; the end of its log:\n{}", self.log.tail());
            }
        }
        Ok(())
    }

    /// Calls every function once, so that the first real request meets a warm instance.
    ///
    /// # Errors
    /// Fails if a function ends, does not answer, or answers with a server error.
    pub async fn warm_up(&mut self, client: &Client, template: &Template) -> Result<()> {
        let base_url = self.setup.base_url();
        let calls = template.functions().into_iter().map(|name| {
            let path = template.routes().into_iter().find(|route| route.function == name).map(|r| r.path);
            first_call(client, &base_url, name, path)
        });
        let warm = try_join_all(calls);
        tokio::pin!(warm);
        loop {
            let problem = tokio::select! {
                done = &mut warm => match done {
                    Ok(_) => return Ok(()),
                    Err(error) => error,
                },
                notice = self.notice() => match notice? {
                    Notice::Show(line) => {
                        println!("{line}");
                        continue;
                    }
                    Notice::InstanceEnded(how) => anyhow!("a function {how} as soon as it was started"),
                },
            };
            return Err(problem.context(format!("the end of the functions' log:\n{}", self.log.tail())));
        }
    }

    /// Makes cargo-lambda restart every instance, which takes a few seconds.
    ///
    /// # Errors
    /// Fails if the trigger file cannot be written.
    pub fn restart(&self) -> Result<()> {
        let now = jiff::Timestamp::now().to_string();
        std::fs::write(self.setup.trigger(), now).context("writing the trigger file")
    }

    /// Waits for the next notice in the functions' log.
    ///
    /// # Errors
    /// Fails if cargo-lambda ends unexpectedly.
    pub async fn notice(&mut self) -> Result<Notice> {
        tokio::select! {
            ended = self.watch.wait() => Err(self.end_error(ended?)),
            Some(notice) = self.notices.recv() => Ok(notice),
        }
    }

    /// Stops cargo-lambda and with it the functions.
    pub async fn stop(mut self) {
        self.watch.stop(GRACE).await;
        let _removed = std::fs::remove_dir_all(self.setup.watched_dir());
    }

    fn end_error(&self, status: ExitStatus) -> anyhow::Error {
        anyhow!("cargo-lambda ended unexpectedly ({status}); the end of its log:\n{}", self.log.tail())
    }
}

fn command(setup: &Setup, cargo_lambda: &CargoLambda) -> Command {
    let mut command = cargo_lambda.watch();
    clear_package_variables(&mut command);
    command
        .current_dir(setup.watched_dir())
        .args(["--manifest-path".as_ref(), setup.root.join("Cargo.toml").as_os_str()])
        .args(["--global".as_ref(), setup.router_path().as_os_str()])
        .args(["--invoke-address", &Ipv4Addr::LOCALHOST.to_string()])
        .args(["--invoke-port", &setup.port.to_string()])
        .args(["--concurrency", &setup.concurrency.to_string()])
        .args(["--disable-cors", "--wait"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if std::env::var_os("RUST_LOG").is_none() {
        command.env("RUST_LOG", LOG_LEVELS);
    }
    // A model is asked only where the developer's variables say so; the functions inherit them.
    if std::env::var_os("CLORP_JUDGE").is_none() {
        command.env("CLORP_JUDGE", "embedded");
    }
    // The stack's own variables would contradict the secret's fields.
    command.env_remove("CLORP_SECRET_ARN");
    // Winnings of play money need not mature.
    if std::env::var_os("CLORP_PAYOUT_HOLD_SECONDS").is_none() {
        command.env("CLORP_PAYOUT_HOLD_SECONDS", "0");
    }
    command
}

/// Points the functions at `database`. The developer's own AWS credentials reach only a table on AWS.
fn set_database(command: &mut Command, database: &Database) {
    command.env("CLORP_TABLE", database.choice.table());
    if matches!(database.choice, Choice::Aws { .. }) {
        return;
    }
    if let Some(url) = database.url() {
        command.env("AWS_ENDPOINT_URL_DYNAMODB", url);
    }
    command
        .envs([("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "local")])
        .env("AWS_SECRET_ACCESS_KEY", "local");
    for name in ["AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
        command.env_remove(name);
    }
}

/// Calls the function `name` for the first time: over HTTP if it has a route, otherwise with a scheduled
/// event.
async fn first_call(client: &Client, base_url: &str, name: String, path: Option<String>) -> Result<()> {
    let call = async {
        match path {
            None => sweep::invoke(client, base_url, &name, FIRST_ANSWER).await,
            Some(path) => {
                let url = format!("{base_url}{}", example(&path));
                let status = client.get(url).send().await?.status();
                if status.is_server_error() { Err(anyhow!("it answered {status}")) } else { Ok(()) }
            }
        }
    };
    let answered = timeout(FIRST_ANSWER, call).await.unwrap_or_else(|_| Err(anyhow!("no answer")));
    answered.with_context(|| format!("calling the function {name} for the first time"))
}

/// A path that matches the route `path`.
fn example(path: &str) -> String {
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { "warm-up" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_a_route_are_filled_in() {
        for (route, path) in [
            ("/", "/"),
            ("/api/board", "/api/board"),
            ("/api/jobs/{id}/claim", "/api/jobs/warm-up/claim"),
            ("/{proxy+}", "/warm-up"),
        ] {
            assert_eq!(example(route), path);
        }
    }
}
