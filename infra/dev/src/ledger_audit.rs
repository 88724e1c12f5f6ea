//! `cargo ledger-audit`: prints the audit of a table.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clorp_ledger_audit::{Audit, Total, audit};
use clorp_stand_in::files::default_data_dir;
use clorp_store::Store;
use clorp_stripe_api::Stripe;
use jiff::Timestamp;

use crate::dev_file::DevFile;
use crate::table;
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
    /// Print figures and findings as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the audit and prints its result.
///
/// # Errors
/// Fails if the table or Stripe cannot be read.
pub async fn run(args: Args) -> Result<ExitCode> {
    let (store, stack) = table::open(args.table, &args.data_dir).await?;
    let stripe = stripe(stack.as_ref())?;
    settle(&store, &args.dealt_with).await?;
    let audit = audit(&store, stripe.as_ref()).await?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&audit)?);
    } else {
        print(&audit);
    }
    let sound = audit.discrepancies.is_empty();
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(audit: &Audit) {
    let style = Style::stdout();
    for (what, figure) in rows(audit) {
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
    }
}

/// The figures to print: a label and a value each.
fn rows(audit: &Audit) -> Vec<(String, String)> {
    let figures = &audit.figures;
    let total = |what: &str, total: Total| (format!("{what} ({})", total.count), dollars(total.cents));
    let mut rows = vec![
        (format!("postings, each summing to zero ({})", figures.postings), dollars(0)),
        total("wallets", figures.wallets),
        total("held in escrow for drops", figures.open_drops),
        ("fees of completed drops".to_owned(), dollars(figures.fees_cents)),
        ("entries of the external account".to_owned(), dollars(figures.external_cents)),
        total("top-ups paid", figures.paid_topups),
        total("withdrawals paid", figures.paid_withdrawals),
        ("webhook events not applied".to_owned(), audit.unapplied.len().to_string()),
    ];
    match figures.stripe {
        None => rows.push(("Stripe's own lists".to_owned(), "not read".to_owned())),
        Some(stripe) => rows.extend([
            total("Checkout sessions paid at Stripe", stripe.paid_sessions),
            total("saved cards charged at Stripe", stripe.card_charges),
            total("transfers made at Stripe", stripe.transfers),
            total("refunds made at Stripe", stripe.refunds),
            total("held by banks in disputes at Stripe", stripe.disputes),
        ]),
    }
    rows
}

/// Marks webhook events as resolved. Marks none if one of them is not waiting.
async fn settle(store: &Store, events: &[String]) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let unapplied = store.ledger().audit().await.map_err(|error| anyhow!("{error:?}"))?.unapplied;
    let mut settled = Vec::new();
    for id in events {
        let mut same = unapplied.iter().filter(|event| event.id == *id).peekable();
        same.peek().with_context(|| format!("no webhook event {id} is waiting"))?;
        settled.extend(same);
    }
    for event in settled {
        store
            .unapplied_events()
            .resolve(event, Timestamp::now())
            .await
            .map_err(|error| anyhow!("{error:?}"))?;
    }
    Ok(())
}

/// Stripe as the stack uses it, or as the environment says.
fn stripe(stack: Option<&DevFile>) -> Result<Option<Stripe>> {
    let of_stack = stack.and_then(|stack| stack.stripe_key.as_deref().zip(stack.stripe_url.as_deref()));
    match of_stack {
        Some((key, url)) => Stripe::new(key, Some(url)).map(Some).map_err(|why| anyhow!(why)),
        None => stripe_from_env(),
    }
}

fn stripe_from_env() -> Result<Option<Stripe>> {
    let Some(key) = clorp_context::var("STRIPE_SECRET_KEY") else { return Ok(None) };
    let url = clorp_context::var("STRIPE_API_URL");
    Stripe::new(key, url.as_deref()).map(Some).map_err(|why| anyhow!(why))
}
