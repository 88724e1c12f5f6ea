//! `cargo run -p clorp-infra -- audit`: proves that every cent is accounted for, in the table and at Stripe.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use clorp_domain::{Account, Cents, Reason, TopupStatus, WithdrawalStatus};
use clorp_store::{LedgerAudit, Store};
use clorp_stripe_api::api::Movement;
use clorp_stripe_api::{Failure, Stripe};
use jiff::Timestamp;

use crate::dev_file::DevFile;
use crate::dynamo;
use crate::files::{default_data_dir, display};
use crate::term::{Style, dollars};

/// Check the ledger of the running `cargo dev`, or of a table on AWS.
///
/// Run it while nothing writes: money that moves during the audit may look as if it were missing.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Data directory of the running stack.
    #[arg(long, default_value_os_t = default_data_dir())]
    data_dir: PathBuf,
    /// Audit this table on AWS instead, with AWS_REGION and your credentials. If STRIPE_SECRET_KEY is set,
    /// the audit also reads Stripe.
    #[arg(long)]
    table: Option<String>,
    /// Mark an unapplied webhook event as resolved, so that it is not listed again. May be repeated.
    #[arg(long, value_name = "EVENT")]
    dealt_with: Vec<String>,
}

/// All movements of money at Stripe.
#[derive(Clone, Debug, Default)]
struct Statement {
    sessions: Vec<Movement>,
    intents: Vec<Movement>,
    transfers: Vec<Movement>,
}

/// The result of an audit.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// Figures to print: a label and a value.
    pub figures: Vec<(String, String)>,
    /// Discrepancies, one line each; empty if every cent is accounted for.
    pub discrepancies: Vec<String>,
    /// Webhook events that were not applied, one line each. A person must look at them; they are no
    /// discrepancies.
    pub unapplied: Vec<String>,
}

/// Runs the audit and prints its result.
///
/// # Errors
/// Fails if the table or Stripe cannot be read.
pub async fn run(args: Args) -> Result<ExitCode> {
    let (store, stripe) = match args.table {
        Some(table) => (Store::new(aws().await?, table), stripe_from_env()?),
        None => local(&args.data_dir)?,
    };
    settle(&store, &args.dealt_with).await?;
    let audit = audit(&store, stripe.as_ref()).await?;
    let style = Style::stdout();
    for (what, figure) in &audit.figures {
        println!("{what:<44} {figure:>16}");
    }
    for event in &audit.unapplied {
        println!("{} {event}", style.bold("unapplied:"));
    }
    for discrepancy in &audit.discrepancies {
        println!("{} {discrepancy}", style.red("wrong:"));
    }
    if audit.discrepancies.is_empty() {
        println!("{}", style.green("every cent is accounted for"));
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

/// Marks webhook events as resolved. Marks none if one of them is not waiting.
async fn settle(store: &Store, events: &[String]) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let unapplied = store.ledger_audit().await.map_err(|error| anyhow!("{error:?}"))?.unapplied;
    let mut settled = Vec::new();
    for id in events {
        let mut same = unapplied.iter().filter(|event| event.id == *id).peekable();
        same.peek().with_context(|| format!("no webhook event {id} is waiting"))?;
        settled.extend(same);
    }
    for event in settled {
        store.resolve_event(event, Timestamp::now()).await.map_err(|error| anyhow!("{error:?}"))?;
    }
    Ok(())
}

fn local(data_dir: &std::path::Path) -> Result<(Store, Option<Stripe>)> {
    let stack = DevFile::read(data_dir)?.with_context(|| {
        format!("no stack runs in {}: start `cargo dev`, or name a --table", display(data_dir))
    })?;
    let Some(url) = stack.dynamodb_url else {
        bail!("the stack runs on a table on AWS: name it with --table");
    };
    let stripe = match (&stack.stripe_key, &stack.stripe_url) {
        (Some(key), Some(url)) => Some(Stripe::new(key, Some(url)).map_err(|why| anyhow!(why))?),
        _ => stripe_from_env()?,
    };
    Ok((Store::new(dynamo::client(&url), stack.table), stripe))
}

async fn aws() -> Result<aws_sdk_dynamodb::Client> {
    let config = clorp_context::aws_config().await.map_err(|error| anyhow!("{error}"))?;
    Ok(aws_sdk_dynamodb::Client::new(&config))
}

fn stripe_from_env() -> Result<Option<Stripe>> {
    let Some(key) = clorp_context::var("STRIPE_SECRET_KEY") else { return Ok(None) };
    let url = clorp_context::var("STRIPE_API_URL");
    Stripe::new(&key, url.as_deref()).map(Some).map_err(|why| anyhow!(why))
}

/// Audits the table and, with access to Stripe, compares it with Stripe's lists.
///
/// # Errors
/// Fails if the table or Stripe cannot be read.
pub async fn audit(store: &Store, stripe: Option<&Stripe>) -> Result<Audit> {
    let ledger = store.ledger_audit().await.map_err(|error| anyhow!("{error:?}"))?;
    let unapplied = ledger.unapplied.iter();
    let unapplied = unapplied.map(|event| format!("{} about {}: {}", event.id, event.object, event.why));
    let mut audit = Audit {
        figures: figures(&ledger),
        discrepancies: ledger.discrepancies(),
        unapplied: unapplied.collect(),
    };
    let Some(stripe) = stripe else {
        audit.figures.push(("Stripe's own lists".to_owned(), "not read".to_owned()));
        return Ok(audit);
    };
    let statement = statement(stripe, &ledger).await?;
    let sum = |movements: &[Movement]| dollars(movements.iter().map(|movement| movement.amount.get()).sum());
    for (what, movements) in [
        ("Checkout sessions paid at Stripe", &statement.sessions),
        ("saved cards charged at Stripe", &statement.intents),
        ("transfers made at Stripe", &statement.transfers),
    ] {
        audit.figures.push((format!("{what} ({})", movements.len()), sum(movements)));
    }
    audit.discrepancies.extend(compare(&ledger, &statement));
    Ok(audit)
}

/// All movements at Stripe since the first record in the ledger.
async fn statement(stripe: &Stripe, ledger: &LedgerAudit) -> Result<Statement> {
    let begun = ledger.topups.iter().map(|topup| topup.created_at);
    let begun = begun.chain(ledger.withdrawals.iter().map(|withdrawal| withdrawal.created_at)).min();
    // Stripe's clock may run a little behind the ledger's.
    let since = begun.unwrap_or(Timestamp::UNIX_EPOCH).saturating_sub(jiff::SignedDuration::from_mins(5))?;
    let stripe_error = |failure: Failure| anyhow!("Stripe: {failure:?}");
    Ok(Statement {
        sessions: stripe.paid_sessions(since).await.map_err(stripe_error)?,
        intents: stripe.paid_intents(since).await.map_err(stripe_error)?,
        transfers: stripe.transfers(since).await.map_err(stripe_error)?,
    })
}

fn figures(ledger: &LedgerAudit) -> Vec<(String, String)> {
    let total = |of: &dyn Fn(&Account) -> bool, map: &BTreeMap<Account, Cents>| {
        dollars(map.iter().filter(|(account, _)| of(account)).map(|(_, cents)| cents.get()).sum())
    };
    let wallet = |account: &Account| matches!(account, Account::User(_));
    let wallets = ledger.balances.keys().filter(|account| wallet(account)).count();
    let escrow = |account: &Account| matches!(account, Account::Escrow(_));
    let paid = ledger.topups.iter().filter(|topup| topup.status == TopupStatus::Paid);
    let sent = ledger.withdrawals.iter().filter(|one| one.status == WithdrawalStatus::Paid);
    let sum = |cents: &mut dyn Iterator<Item = Cents>| dollars(cents.map(Cents::get).sum());
    vec![
        (format!("postings, each summing to zero ({})", ledger.postings.len()), dollars(0)),
        (format!("wallets ({wallets})"), total(&wallet, &ledger.balances)),
        (format!("held in escrow ({} drops)", ledger.open_prices.len()), total(&escrow, &ledger.balances)),
        ("fees of completed drops".to_owned(), dollars(ledger.fees.get())),
        ("entries of the external account".to_owned(), total(&|a| *a == Account::External, &ledger.entries)),
        (format!("top-ups paid ({})", paid.clone().count()), sum(&mut paid.map(|topup| topup.amount))),
        (format!("withdrawals paid ({})", sent.clone().count()), sum(&mut sent.map(|one| one.amount))),
        ("webhook events not applied".to_owned(), ledger.unapplied.len().to_string()),
    ]
}

/// The discrepancies between Stripe and the ledger.
fn compare(ledger: &LedgerAudit, statement: &Statement) -> Vec<String> {
    let mut discrepancies = Vec::new();
    let mut known = BTreeSet::new();
    let credits = statement.sessions.iter().map(|movement| (movement, Reason::Topup(movement.id.clone())));
    let charged = statement.intents.iter().map(|movement| (movement, Reason::AutoTopup(movement.id.clone())));
    for (movement, reason) in credits.chain(charged) {
        let credited = ledger.sum_of(&reason);
        if credited != movement.amount {
            discrepancies.push(format!("{reason} was paid {} and credited {credited}", movement.amount));
        }
        known.insert(reason.to_string());
    }
    for reason in ledger.reasons.keys().filter(|reason| names_stripe(reason) && !known.contains(*reason)) {
        discrepancies.push(format!("{reason} was credited, but Stripe has no such payment"));
    }
    let transfers: BTreeMap<&str, &Movement> =
        statement.transfers.iter().map(|movement| (movement.id.as_str(), movement)).collect();
    if transfers.len() != statement.transfers.len() {
        discrepancies.push("a withdrawal was transferred more than once".to_owned());
    }
    for withdrawal in &ledger.withdrawals {
        let id = withdrawal.id.to_string();
        let made = transfers.get(id.as_str());
        let fits = match (withdrawal.status, made) {
            (WithdrawalStatus::Paid, Some(made)) => {
                made.amount == withdrawal.amount && made.returned == withdrawal.reversed
            }
            (WithdrawalStatus::Pending, _) | (WithdrawalStatus::Refused, None) => true,
            (WithdrawalStatus::Paid, None) | (WithdrawalStatus::Refused, Some(_)) => false,
        };
        if !fits {
            discrepancies.push(format!(
                "withdrawal {id} is {} with {} of {} returned, and Stripe has {made:?}",
                withdrawal.status.as_str(),
                withdrawal.reversed,
                withdrawal.amount
            ));
        }
    }
    let ours: BTreeSet<String> =
        ledger.withdrawals.iter().map(|withdrawal| withdrawal.id.to_string()).collect();
    for id in transfers.keys().filter(|id| !ours.contains(**id)) {
        discrepancies.push(format!("Stripe made a transfer for withdrawal {id}, which is not in the ledger"));
    }
    discrepancies
}

/// True if a reason names a Stripe object that paid a wallet. The reason of seeded money does not.
fn names_stripe(reason: &str) -> bool {
    reason.starts_with("topup:cs_") || reason.starts_with("auto_topup:")
}
