//! The embedded DynamoDB as a process of its own, which can be killed and started again.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use clorp_ledger_audit::{Audit, audit};
use clorp_local_aws::dynamo::{Dynamo, client};
use clorp_store::Store;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::history::Sums;

/// Name of the table.
pub const TABLE: &str = "clorp";
/// Time that the process may take to open its file.
const START: Duration = Duration::from_secs(60);
/// The files that make up a database, beginning with the database itself.
const FILES: [&str; 2] = ["dynamodb.sqlite", "dynamodb.sqlite-wal"];

/// Serves the database in `folder` on `port` until standard input ends, which it does with the parent.
///
/// # Errors
/// Fails if the file cannot be opened, or if the port is taken.
pub async fn serve(folder: &Path, port: u16) -> Result<()> {
    let dynamo = Dynamo::on_file(&folder.join(FILES[0]), Some(port)).await?;
    println!("ready");
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await?;
    dynamo.shutdown().await
}

/// The running process of the database.
#[derive(Debug)]
pub struct Database {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    child: Child,
}

impl Database {
    /// Starts the process. `program` is this package's.
    ///
    /// # Errors
    /// Fails if the process does not start.
    pub async fn start(program: &Path, folder: &Path) -> Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = spawn(program, folder, port).await?;
        Ok(Self { program: program.to_owned(), folder: folder.to_owned(), port, child })
    }

    /// The database's URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Kills the process, and returns its id.
    ///
    /// # Errors
    /// Fails if the process had ended by itself.
    pub async fn kill(&mut self) -> Result<u32> {
        let pid = self.child.id().context("the database has ended by itself")?;
        self.child.kill().await?;
        Ok(pid)
    }

    /// Starts the process again, on the same file and port.
    ///
    /// # Errors
    /// Fails if the process does not start.
    pub async fn restart(&mut self) -> Result<()> {
        self.child = spawn(&self.program, &self.folder, self.port).await?;
        Ok(())
    }

    /// Audits a copy of the files, as the killed process has left them. The copy is kept in `copy` only if
    /// there are discrepancies.
    ///
    /// # Errors
    /// Fails if the files cannot be copied, opened or read.
    pub async fn audit_image(&self, copy: &Path) -> Result<Audit> {
        std::fs::create_dir_all(copy)?;
        for name in FILES {
            let from = self.folder.join(name);
            if from.exists() {
                std::fs::copy(&from, copy.join(name))?;
            }
        }
        let dynamo = Dynamo::on_file(&copy.join(FILES[0]), None).await?;
        let audited = audit(&Store::new(client(&dynamo.url), TABLE), None).await?;
        dynamo.shutdown().await?;
        if audited.discrepancies.is_empty() {
            std::fs::remove_dir_all(copy)?;
        }
        Ok(audited)
    }
}

/// The sums of all accounts in an audit.
pub fn sums(audited: &Audit) -> Sums {
    let figures = &audited.figures;
    Sums {
        wallets: figures.wallets.cents,
        escrow: figures.open_drops.cents,
        platform: figures.fees_cents,
        external: figures.external_cents,
    }
}

async fn spawn(program: &Path, folder: &Path, port: u16) -> Result<Child> {
    let mut command = Command::new(program);
    command.arg("database").arg(folder).arg(port.to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().with_context(|| format!("starting {}", program.display()))?;
    let output = child.stdout.take().ok_or_else(|| anyhow!("the database has no output"))?;
    let mut lines = BufReader::new(output).lines();
    let line =
        tokio::time::timeout(START, lines.next_line()).await.context("the database does not start")??;
    ensure!(line.as_deref() == Some("ready"), "the database did not start");
    Ok(child)
}
