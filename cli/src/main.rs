//! `clorp`, the command line: posts drops, races on them, and reads verdicts. The API is the only authority.
//! Nothing here knows a rule that the API does not, and no other crate of the workspace is linked.

mod api;
mod args;
mod clean;
mod commands;
mod credentials;
mod exit;
mod failure;
mod files;
mod output;
mod signals;
mod work;

use std::process::ExitCode;

use clap::Parser;
use failure::Failure;
use output::Output;

fn main() -> ExitCode {
    let (output, done) = match args::Args::try_parse() {
        Ok(args) => {
            let output = Output::new(args.common.json);
            (output, commands::run(args, output))
        }
        Err(error) => {
            let output = Output::new(std::env::args().any(|argument| argument == "--json"));
            // Help and the version are no errors, and people get clap's own text with the usage.
            if !error.use_stderr() || !output.json {
                error.exit();
            }
            let text = error.to_string();
            let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
            (
                output,
                Err(Failure::usage(clean::one_line(message)).with_hint("`--help` lists what is possible")),
            )
        }
    };
    let exit = done.unwrap_or_else(|failure| {
        output.fail(&failure);
        failure.exit()
    });
    ExitCode::from(exit as u8)
}
