//! The commands of the local stack: `cargo dev`, `cargo demo`, `cargo freeze`, `cargo ledger-audit` and
//! `cargo rejudge`.

mod cargo_lambda;
mod demo;
mod dev;
mod dev_file;
mod freeze;
mod ledger_audit;
mod rejudge;
mod seed;
mod table;
mod term;

use std::process::ExitCode;

use clap::Parser;
use term::Style;

/// Run and check the local stack.
#[derive(Parser)]
#[command(bin_name = "cargo", disable_help_subcommand = true)]
enum Command {
    Dev(dev::Args),
    Demo(demo::Args),
    Freeze(freeze::Args),
    LedgerAudit(ledger_audit::Args),
    Rejudge(rejudge::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Dev(args) => dev::run(args).await,
        Command::Demo(args) => demo::run(args).await.map(|()| ExitCode::SUCCESS),
        Command::Freeze(args) => freeze::run(args).await,
        Command::LedgerAudit(args) => ledger_audit::run(args).await,
        Command::Rejudge(args) => rejudge::run(args).await,
    };
    done.unwrap_or_else(|error| {
        eprintln!("{} {error:#}", Style::stderr().red("error:"));
        ExitCode::FAILURE
    })
}
