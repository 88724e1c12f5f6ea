//! `cargo freeze`: freezes an account, ends its freeze, or shows its history.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, ensure};
use clorp_domain::{User, UserId};
use clorp_stand_in::files::default_data_dir;
use clorp_store::{FreezeRecord, Store};
use jiff::Timestamp;
use serde_json::json;

use crate::dev_file::DevFile;
use crate::table;

/// Freeze an account, so that it can neither withdraw nor post drops, or end its freeze.
///
/// A frozen account keeps its money. Ending a freeze also ends the freezes by disputes. Without `--reason`
/// nothing changes, and the account's freezes are printed.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Identifier of the user, or the name of a seeded one.
    user: String,
    /// Reason for the decision, which is recorded with it.
    #[arg(long)]
    reason: Option<String>,
    /// End the freeze instead.
    #[arg(long, requires = "reason")]
    lift: bool,
    /// Data directory of the running stack.
    #[arg(long, default_value_os_t = default_data_dir())]
    data_dir: PathBuf,
    /// Use this table on AWS instead, with AWS_REGION and your credentials.
    #[arg(long)]
    table: Option<String>,
    /// Print the account's freezes as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Records the decision, if there is one, and prints the account's freezes.
///
/// # Errors
/// Fails if there is no such user, or the table does not answer.
pub async fn run(args: Args) -> Result<ExitCode> {
    let (store, stack) = table::open(args.table, &args.data_dir).await?;
    let id = user_id(&args.user, stack.as_ref())?;
    if let Some(reason) = args.reason {
        ensure!(!reason.trim().is_empty(), "a freeze needs a reason");
        let record = FreezeRecord { frozen: !args.lift, reason, at: Timestamp::now() };
        let recorded = store.freezes().record(&id, &record).await.map_err(store_error)?;
        ensure!(recorded.is_applied(), "there is no user {id}");
    }
    let user = store.users().get(&id).await.map_err(store_error)?;
    let user = user.with_context(|| format!("there is no user {id}"))?;
    print(&store, &user, args.json).await?;
    Ok(ExitCode::SUCCESS)
}

async fn print(store: &Store, user: &User, as_json: bool) -> Result<()> {
    let records = store.freezes().of(&user.id).await.map_err(store_error)?;
    if as_json {
        let history = records.iter().map(
            |record| json!({ "frozen": record.frozen, "reason": record.reason, "at": record.at.to_string() }),
        );
        let account = json!({
            "user": user.id.to_string(),
            "frozen": user.freeze.is_frozen(),
            "by_operator": user.freeze.by_operator,
            "by_disputes": user.freeze.by_disputes,
            "history": history.collect::<Vec<_>>(),
        });
        println!("{}", serde_json::to_string_pretty(&account)?);
        return Ok(());
    }
    let state = if user.freeze.is_frozen() { "frozen" } else { "not frozen" };
    println!("{} ({}) is {state}", user.id, user.name);
    for dispute in &user.freeze.by_disputes {
        println!("  by dispute {dispute}");
    }
    for record in records {
        let decision = if record.frozen { "frozen" } else { "lifted" };
        println!("  {} {decision}: {}", record.at, record.reason);
    }
    Ok(())
}

/// The user that an argument names: a seeded user by name, or any by identifier.
fn user_id(name: &str, stack: Option<&DevFile>) -> Result<UserId> {
    let mut seeded = stack.iter().flat_map(|stack| &stack.users);
    let id = seeded.find(|user| user.name == name).map_or(name, |user| &user.id);
    id.parse().map_err(|_| anyhow!("{name} is no identifier of a user"))
}

fn store_error(error: clorp_domain::Error) -> anyhow::Error {
    anyhow!("{error:?}")
}
