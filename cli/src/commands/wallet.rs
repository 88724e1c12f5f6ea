//! `wallet` and `balance`.

use crate::api::calls::{AUTO_TOPUP, BALANCE, CONNECT, CONNECT_STATUS, TOPUP, WITHDRAW};
use crate::api::types::{self, AmountRequest, AutoTopupRequest, Balance};
use crate::args::{self, WalletAction};
use crate::failure::Result;
use crate::output::{Style, Table, ago, dollars, left};

use super::Session;

/// Runs an action on the wallet.
pub async fn run(session: &Session, args: args::Wallet) -> Result<()> {
    match args.action {
        None => balance(session, 10).await,
        Some(WalletAction::Balance(count)) => balance(session, count.limit).await,
        Some(WalletAction::Topup { amount }) => topup(session, amount).await,
        Some(WalletAction::Withdraw { amount, yes }) => withdraw(session, amount, yes).await,
        Some(WalletAction::Connect { status }) => connect(session, status).await,
        Some(WalletAction::AutoTopup(args)) => auto_topup(session, args).await,
    }
}

/// Shows the balance and the newest movements.
pub async fn balance(session: &Session, limit: usize) -> Result<()> {
    let Session { api, output } = session;
    let wallet = api.send(BALANCE.request().query("limit", Some(limit))).await?;
    output.show(&wallet.json, |style| render(&wallet.value, api.now(), style))
}

fn render(wallet: &Balance, now: jiff::Timestamp, style: Style) -> String {
    let mut lines = vec![
        style.bold(&dollars(wallet.balance_cents)),
        format!("{} can be withdrawn", dollars(wallet.withdrawable_cents)),
    ];
    if let Some(next) = &wallet.next_release {
        lines.push(format!("{} more in {}", dollars(next.amount_cents), left(next.at, now)));
    }
    if wallet.contested_cents > 0 {
        lines.push(format!("{} wait for the end of a dispute", dollars(wallet.contested_cents)));
    }
    let mut text = lines.join(" · ");
    if !wallet.ledger.is_empty() {
        let mut table = Table::new(&[">change", "when", "reason"]);
        for entry in &wallet.ledger {
            let sign = if entry.delta > 0 { "+" } else { "" };
            let change = format!("{sign}{}", dollars(entry.delta));
            table.row([change, ago(entry.created_at, now), entry.reason.line()]);
            table.style(0, if entry.delta > 0 { Style::green } else { |_, text| text.to_owned() });
        }
        text += &format!("\n\n{}", table.render(style));
    }
    text
}

async fn topup(session: &Session, amount_cents: i64) -> Result<()> {
    let page = session.api.send(TOPUP.body(&AmountRequest { amount_cents })).await?;
    session.output.show(&page.json, |style| {
        let url = style.cyan(&page.value.url.line());
        format!("Open this page to pay {} by card:\n{url}", dollars(amount_cents))
    })
}

async fn withdraw(session: &Session, amount_cents: i64, yes: bool) -> Result<()> {
    let Session { api, output } = session;
    if !api.is_dry_run() {
        output.permit(yes, &format!("Send {} to your bank?", dollars(amount_cents)))?;
    }
    let sent = api.send(WITHDRAW.body(&AmountRequest { amount_cents })).await?;
    output.show(&sent.json, |style| {
        let amount = style.bold(&dollars(sent.value.amount_cents));
        if sent.value.status == *"paid" {
            format!("{amount} are on their way to your bank.")
        } else {
            format!("{amount} have left the wallet, and wait for Stripe's answer.")
        }
    })
}

async fn connect(session: &Session, status_only: bool) -> Result<()> {
    let Session { api, output } = session;
    if status_only {
        let state = api.send(CONNECT_STATUS.request()).await?;
        return output.show(&state.json, |_| format!("Your bank account: {}", words(&state.value)));
    }
    let page = api.send(CONNECT.request()).await?;
    output.show(&page.json, |style| {
        format!("Open this page to add a bank account:\n{}", style.cyan(&page.value.url.line()))
    })
}

fn words(state: &types::ConnectStatus) -> String {
    state.status.line().replace('_', " ")
}

async fn auto_topup(session: &Session, args: args::AutoTopup) -> Result<()> {
    let Session { api, output } = session;
    let request = AutoTopupRequest {
        enabled: (args.on || args.off).then_some(args.on),
        amount_cents: args.amount,
        threshold_cents: args.threshold,
        daily_limit_cents: args.daily_limit,
    };
    let reads = !args.on && !args.off && args.amount.or(args.threshold).or(args.daily_limit).is_none();
    let call = AUTO_TOPUP.body(&request);
    let settings = api.send(if reads { call.without_effect() } else { call }).await?;
    output.show(&settings.json, |style| {
        let types::AutoTopup { enabled, amount_cents, threshold_cents, daily_limit_cents, .. } = settings.value;
        let state = if enabled { style.green("on") } else { style.bold("off") };
        let card = if settings.value.payment_method_saved { "a card is saved" } else { "no card is saved" };
        let failure = settings.value.last_failure.as_ref();
        let failure = failure.map_or_else(String::new, |reason| format!("\nThe last one failed: {}", reason.line()));
        format!(
            "Automatic top-ups are {state}: {} when the balance is below {}, at most {} a day; {card}.{failure}",
            dollars(amount_cents),
            dollars(threshold_cents),
            dollars(daily_limit_cents),
        )
    })
}
