//! The command line of the local stack: `cargo dev`, `cargo demo`, and the ledger audit.

use std::process::ExitCode;

use clap::Parser;
use clorp_infra::term::Style;
use clorp_infra::{audit, demo, dev};

/// Run and check the local stack.
#[derive(Parser)]
#[command(bin_name = "cargo", disable_help_subcommand = true)]
enum Command {
    Dev(dev::Args),
    Demo(demo::Args),
    Audit(audit::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Dev(args) => dev::run(args).await,
        Command::Demo(args) => demo::run(args).await.map(|()| ExitCode::SUCCESS),
        Command::Audit(args) => audit::run(args).await,
    };
    done.unwrap_or_else(|error| {
        eprintln!("{} {error:#}", Style::stderr().red("error:"));
        ExitCode::FAILURE
    })
}
