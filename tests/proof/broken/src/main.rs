//! `cargo broken-builds`: shows that the simulation finds what it must find.

mod trials;

use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use clorp_broken::breakages::BREAKAGES;
use clorp_broken::harmless::HARMLESS;
use clorp_broken::tree::Tree;
use clorp_broken::{Breakage, SWITCH};
use serde::Serialize;
use serde_json::Value;

/// Breaks the backend on purpose, one rule at a time, and simulates it. The simulation must find each
/// breakage among its stated number of seeds, and must find nothing in the unbroken build.
///
/// All breakages are compiled into one build, in a copy of the sources below the target directory.
#[derive(Debug, Parser)]
#[command(name = "cargo broken-builds")]
struct Arguments {
    /// Tries these breakages only, or conditions whose names contain this. May be repeated.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Leaves out each condition of the store's writes in turn, in place of the breakages, and tries the
    /// simulation, the crash points and the API model. A condition whose absence nothing notices must be
    /// listed with a reason.
    #[arg(long)]
    conditions: bool,
    /// Lists the breakages, without trying them.
    #[arg(long)]
    list: bool,
    /// First seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// The profile of the build.
    #[arg(long, default_value = "simulation")]
    profile: String,
    /// Prints the results as JSON.
    #[arg(long)]
    json: bool,
}

/// The result of one simulated build.
#[derive(Debug, Serialize)]
struct Tried {
    /// The breakage; `unbroken` for none.
    name: &'static str,
    /// The rule that it breaks.
    breaks: &'static str,
    /// True if the simulation must find it.
    must_be_found: bool,
    /// Number of seeds among which it is to be found.
    seeds: u64,
    /// Number of seeds that were run.
    run: u64,
    /// The first seed that failed, if one did.
    seed: Option<u64>,
    /// The first violation of that seed.
    violation: Option<String>,
    /// Duration, in seconds.
    seconds: f64,
}

impl Tried {
    const fn is_as_it_must_be(&self) -> bool {
        self.must_be_found == self.seed.is_some()
    }
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let wanted = |breakage: &Breakage| {
        arguments.only.is_empty() || arguments.only.iter().any(|name| name == breakage.name)
    };
    let found = BREAKAGES.iter().map(|breakage| (breakage, true));
    let harmless = HARMLESS.iter().map(|harmless| (&harmless.breakage, false));
    let all: Vec<_> = found.chain(harmless).collect();
    let chosen: Vec<_> = all.iter().copied().filter(|(breakage, _)| wanted(breakage)).collect();
    ensure!(arguments.conditions || !chosen.is_empty(), "no such breakage; `--list` lists them");
    if arguments.list {
        list(&chosen);
        return Ok(ExitCode::SUCCESS);
    }
    let tree = Tree::new(&arguments.profile)?;
    let began = Instant::now();
    // Whatever is chosen, so that another choice needs no other build. A condition is named by its place,
    // which a breakage would move.
    let switched = all.iter().map(|(breakage, _)| *breakage).filter(|_| !arguments.conditions);
    tree.write(&switched.collect::<Vec<_>>())?;
    tree.build()?;
    let build_seconds = began.elapsed().as_secs_f64();
    if arguments.conditions {
        return trials::run(&tree, &arguments.only, arguments.json);
    }
    let most = chosen.iter().map(|(breakage, _)| breakage.seeds).max().unwrap_or_default();
    let unbroken = Breakage { name: "unbroken", breaks: "nothing", seeds: most, changes: &[] };
    let mut results = Vec::new();
    for (breakage, must_be_found) in std::iter::once((&unbroken, false)).chain(chosen) {
        let tried = simulate(&tree, breakage, must_be_found, arguments.from)?;
        if !arguments.json {
            print(&tried);
        }
        results.push(tried);
    }
    let failed = results.iter().filter(|tried| !tried.is_as_it_must_be()).count();
    let caught = results.iter().filter(|tried| tried.must_be_found && tried.seed.is_some()).count();
    if arguments.json {
        let figures = serde_json::json!({
            "caught": caught, "failed": failed, "build_seconds": build_seconds, "results": results,
        });
        println!("{figures}");
    } else {
        println!("{caught} breakages caught, {failed} results are not as they must be");
        println!(
            "built in {build_seconds:.0} s, simulated in {:.0} s",
            began.elapsed().as_secs_f64() - build_seconds
        );
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn list(chosen: &[(&Breakage, bool)]) {
    for (breakage, must_be_found) in chosen {
        let Breakage { name, breaks, seeds, .. } = breakage;
        let expected = if *must_be_found { format!("within {seeds} seeds") } else { "harmless".to_owned() };
        println!("{name:<32}{expected:<20}{breaks}");
    }
    for harmless in HARMLESS.iter().filter(|one| chosen.iter().any(|(it, _)| it.name == one.breakage.name)) {
        println!("{} is harmless because {}", harmless.breakage.name, harmless.protected_by);
    }
}

/// Simulates the build with one breakage until a seed fails.
fn simulate(tree: &Tree, breakage: &Breakage, must_be_found: bool, from: u64) -> Result<Tried> {
    let began = Instant::now();
    let mut command = Command::new(tree.program("clorp-simulate"));
    command.args(["--stop", "--no-shrink", "--json"]);
    command.args(["--seeds".to_owned(), breakage.seeds.to_string(), "--from".to_owned(), from.to_string()]);
    if breakage.changes.is_empty() {
        command.env_remove(SWITCH);
    } else {
        command.env(SWITCH, breakage.name);
    }
    let output = command.output().context("the simulation")?;
    let Ok(figures) = serde_json::from_slice::<Value>(&output.stdout) else {
        bail!("{}: the simulation ended with {}", breakage.name, String::from_utf8_lossy(&output.stderr));
    };
    let first = &figures["failures"][0];
    Ok(Tried {
        name: breakage.name,
        breaks: breakage.breaks,
        must_be_found,
        seeds: breakage.seeds,
        run: figures["seeds"].as_u64().unwrap_or_default(),
        seed: first["seed"].as_u64(),
        violation: first["violations"][0].as_str().map(str::to_owned),
        seconds: began.elapsed().as_secs_f64(),
    })
}

fn print(tried: &Tried) {
    let verdict = match (tried.is_as_it_must_be(), tried.seed) {
        (true, Some(seed)) => format!("caught by seed {seed} of {}", tried.seeds),
        (true, None) => format!("found nothing in {} seeds", tried.run),
        (false, Some(seed)) => format!("FAILS at seed {seed}"),
        (false, None) => format!("MISSED by {} seeds", tried.run),
    };
    println!("{:<32}{verdict}, {:.0} s", tried.name, tried.seconds);
    if let Some(violation) = &tried.violation {
        println!("    {}", violation.chars().take(160).collect::<String>());
    }
}
