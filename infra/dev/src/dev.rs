//! `cargo dev`: runs the whole API on this machine.

mod banner;
mod build;
mod database;
mod functions;
mod log;
mod payments;
mod ports;
mod process;
mod sessions;
mod sources;
mod sweep;
mod uploads;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clorp_sam::Template;
use clorp_stand_in::files;
use clorp_store::Store;
use jiff::Timestamp;
use reqwest::Client;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

use crate::cargo_lambda::CargoLambda;
use crate::dev_file::{DevFile, DevUser};
use crate::seed;
use crate::term::Style;
use database::{Choice, Database};
use functions::{Functions, Setup, Surroundings};
use log::Notice;
use payments::StripeServer;
use process::Marker;
use sessions::Sessions;
use sources::Sources;
use uploads::Uploads;

/// Minimum pause between two restarts that follow the unexpected end of an instance.
const RESTART_PAUSE: Duration = Duration::from_secs(15);

/// Run the whole API on this machine, with seeded users to try it with.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Delete the database, the files and the seeded users, and start from nothing.
    #[arg(long)]
    fresh: bool,
    /// Number of workers to seed, in addition to the sender.
    #[arg(long, value_name = "N", default_value_t = 7)]
    users: usize,
    /// Port of the API.
    #[arg(long, default_value_t = 9000, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Port of the embedded DynamoDB [default: 8000, or any free port].
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    dynamodb_port: Option<u16>,
    /// Port of the Stripe sandbox [default: 12111, or any free port].
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    stripe_port: Option<u16>,
    /// Port of the session issuer [default: 54321, or any free port].
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    supabase_port: Option<u16>,
    /// Port of the local S3 [default: 9090, or any free port].
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    s3_port: Option<u16>,
    /// Number of instances of each function.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = positive)]
    concurrency: usize,
    /// Directory for data and logs [default: .local in the workspace].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

fn positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| (1..=64).contains(n)).ok_or_else(|| "must be from 1 to 64".to_owned())
}

/// Runs the stack until a signal stops it.
///
/// # Errors
/// Fails if the stack cannot be started, or if a part of it fails.
pub async fn run(args: Args) -> Result<ExitCode> {
    let mut stop = Stop::listen()?;
    let mut stack = Stack::new();
    let outcome = tokio::select! {
        outcome = stack.run(&args) => outcome,
        () = stop.requested() => Ok(()),
    };
    if outcome.is_ok() {
        println!("\nstopping (press Ctrl-C again to force it)");
    }
    let marker = stack.marker.clone();
    tokio::select! {
        closed = stack.down() => outcome.and(closed).map(|()| ExitCode::SUCCESS),
        () = stop.requested() => {
            marker.kill_survivors();
            Ok(ExitCode::from(130))
        }
    }
}

/// Everything started so far. The value outlives a failed start, so that `down` can stop what did start.
#[derive(Debug)]
struct Stack {
    marker: Marker,
    lock: Option<File>,
    database: Option<Database>,
    payments: Option<StripeServer>,
    sessions: Option<Sessions>,
    uploads: Option<Uploads>,
    functions: Option<Functions>,
    sweeps: JoinSet<()>,
}

impl Stack {
    fn new() -> Self {
        Self {
            marker: Marker::unique(),
            lock: None,
            database: None,
            payments: None,
            sessions: None,
            uploads: None,
            functions: None,
            sweeps: JoinSet::new(),
        }
    }

    /// Starts everything, prints the banner, and keeps the functions running. Returns only on a failure.
    async fn run(&mut self, args: &Args) -> Result<()> {
        let data_dir = self.claim_data_dir(args)?;
        let root = files::workspace_root();
        let template = Template::from_repo()?;
        let (table_choice, setup) = (Choice::from_env(), self.setup(args, &root, &data_dir));
        let payments_choice = payments::Choice::from_env(&table_choice)?;
        let sessions_choice = sessions::Choice::from_env(&table_choice)?;
        let uploads_choice = uploads::Choice::from_env(&table_choice)?;
        let cargo_lambda =
            CargoLambda::find_or_install(&root.join(".local").join("tools").join("cargo-lambda")).await?;
        let database =
            Database::open(table_choice, &data_dir, args.dynamodb_port, &template.table()?).await?;
        let database = self.database.insert(database);
        let mut users = seed_users(database, &data_dir, args.users).await?;
        let (base_url, log_path) = (setup.base_url(), setup.log_path());
        let payments = StripeServer::open(payments_choice, &data_dir, args.stripe_port, &base_url).await?;
        let payments = self.payments.insert(payments);
        let sessions = Sessions::open(sessions_choice, &data_dir, args.supabase_port).await?;
        let sessions = self.sessions.insert(sessions);
        sessions.sign_in(&mut users)?;
        let uploads = Uploads::open(uploads_choice, &data_dir, args.s3_port).await?;
        let uploads = self.uploads.insert(uploads);

        let mut sources = Sources::of(&root);
        build::build(&root, &template.functions(), &self.marker).await?;
        let surroundings = Surroundings { template: &template, database, payments, sessions, uploads };
        let functions = Functions::start(setup, &cargo_lambda, surroundings, &self.marker).await?;
        let functions = self.functions.insert(functions);
        // A proxy from the environment must not stand between the stack and its own ports.
        let client = Client::builder().no_proxy().build()?;
        functions.warm_up(&client, &template).await?;
        for function in template.scheduled_functions() {
            self.sweeps.spawn(sweep::run(client.clone(), base_url.clone(), function));
        }

        let stack = DevFile {
            base_url,
            dynamodb_url: database.url().map(str::to_owned),
            table: database.choice.table().to_owned(),
            stripe_url: payments.url().map(str::to_owned),
            stripe_key: payments.sandbox_key().map(str::to_owned),
            webhook_secret: payments.webhook_secret(),
            supabase_url: sessions.url().map(str::to_owned),
            web_origin: sessions::WEB_ORIGIN.to_owned(),
            jwt: sessions.jwt()?,
            s3_url: uploads.url().map(str::to_owned),
            uploads_bucket: uploads.bucket().to_owned(),
            users,
        };
        stack.write(&data_dir)?;
        print!("{}", banner::banner(&stack, &data_dir, &log_path, Style::stdout()));
        tend(functions, &mut sources, &root, &template, &self.marker).await
    }

    fn setup(&self, args: &Args, root: &Path, data_dir: &Path) -> Setup {
        Setup {
            root: root.to_owned(),
            data_dir: data_dir.to_owned(),
            port: args.port,
            concurrency: args.concurrency,
        }
    }

    /// Locks the data directory for this stack, and empties it if `--fresh` was given.
    fn claim_data_dir(&mut self, args: &Args) -> Result<PathBuf> {
        ports::require_free(args.port, "--port")?;
        let data_dir = args.data_dir.clone().unwrap_or_else(files::default_data_dir);
        std::fs::create_dir_all(&data_dir).with_context(|| format!("creating {}", data_dir.display()))?;
        // cargo-lambda runs in another directory, and gets paths inside this one, so the path must be
        // absolute.
        let data_dir = data_dir.canonicalize()?;
        self.lock = Some(lock(&data_dir)?);
        files::remove(&DevFile::path(&data_dir))?;
        if args.fresh {
            Database::delete(&data_dir)?;
            StripeServer::delete(&data_dir)?;
            Sessions::delete(&data_dir)?;
            Uploads::delete(&data_dir)?;
            files::remove(&users_path(&data_dir))?;
        }
        Ok(data_dir)
    }

    /// Stops every started part, clients before the servers they use.
    async fn down(mut self) -> Result<()> {
        self.sweeps.abort_all();
        if let Some(functions) = self.functions.take() {
            functions.stop().await;
        }
        self.marker.kill_survivors();
        if let Some(sessions) = self.sessions.take() {
            sessions.close().await?;
        }
        if let Some(uploads) = self.uploads.take() {
            uploads.close().await?;
        }
        if let Some(payments) = self.payments.take() {
            payments.close().await?;
        }
        match self.database.take() {
            Some(database) => database.close().await,
            None => Ok(()),
        }
    }
}

/// Locks the directory against a second stack for as long as the returned file is open.
fn lock(data_dir: &Path) -> Result<File> {
    let path = data_dir.join("lock");
    let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => bail!(
            "another `cargo dev` uses {}: stop it, or choose another directory with --data-dir",
            files::display(data_dir)
        ),
    }
}

fn users_path(data_dir: &Path) -> PathBuf {
    data_dir.join("users.json")
}

/// Seeds the users and returns them. Seeds none on AWS.
async fn seed_users(database: &Database, data_dir: &Path, workers: usize) -> Result<Vec<DevUser>> {
    let Some(client) = database.client() else { return Ok(Vec::new()) };
    let roster = seed::roster(&users_path(data_dir), workers, Timestamp::now())?;
    seed::seed(&Store::new(client, database.choice.table()), &roster).await
}

/// Rebuilds and restarts the functions when their code changes, restarts them when an instance ends, and
/// prints their warnings and errors. Returns only if cargo-lambda fails.
async fn tend(
    functions: &mut Functions,
    sources: &mut Sources,
    root: &Path,
    template: &Template,
    marker: &Marker,
) -> Result<()> {
    let mut restarted_at: Option<Instant> = None;
    loop {
        let notice = tokio::select! {
            () = sources.changed() => {
                rebuild(functions, root, template, marker).await?;
                continue;
            }
            notice = functions.notice() => notice?,
        };
        match notice {
            Notice::Show(line) => println!("{line}"),
            // cargo-lambda never replaces an instance that has ended; Lambda would.
            Notice::InstanceEnded(_) if restarted_at.is_some_and(|at| at.elapsed() < RESTART_PAUSE) => {}
            Notice::InstanceEnded(how) => {
                println!("{} an instance of a function {how}: restarting all", Style::stdout().red("error:"));
                functions.restart()?;
                restarted_at = Some(Instant::now());
            }
        }
    }
}

async fn rebuild(functions: &Functions, root: &Path, template: &Template, marker: &Marker) -> Result<()> {
    let style = Style::stdout();
    println!("{}", style.dim("code changed: building"));
    match build::build(root, &template.functions(), marker).await {
        Err(error) => println!("{} {error:#}; the last good build keeps running", style.red("error:")),
        Ok(built) if built.changed.is_empty() => println!("{}", style.dim("no binary changed")),
        Ok(built) => {
            functions.restart()?;
            println!("{} {}", style.green("built, live within seconds:"), built.changed.join(", "));
        }
    }
    Ok(())
}

/// The signals by which a person or a supervisor stops the stack.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Stop {
    fn listen() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn requested(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
