//! `drop`, `pay` and `cancel`.

use crate::api::Text;
use crate::api::calls::{CANCEL, ESTIMATE, JOB, PAY, RUN};
use crate::api::types::{self, Estimate, RequirementsRequest, RunRequest};
use crate::args;
use crate::clean::clean;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::files::{read_all, read_text, upload_all};
use crate::output::{Style, dollars, left};

use super::Session;

/// Estimates, asks, uploads, posts. Nothing is uploaded or charged before the price was accepted.
pub async fn run(session: &Session, args: args::Drop) -> Result<Exit> {
    let Session { api, output } = session;
    let files = read_all(&args.files)?;
    let (yes, wait) = (args.yes, args.wait);
    let mut request = request(args)?;
    if api.is_dry_run() || !yes {
        if !api.is_dry_run() && !output.interactive {
            let failure = Failure::usage("a drop costs money, and there is no terminal to ask on");
            return Err(failure.with_hint("pass -y to post it, or --dry-run to see the price"));
        }
        let estimate = api.send(ESTIMATE.body(&request).without_effect()).await?;
        if api.is_dry_run() {
            output.show(&estimate.json, |style| terms(&estimate.value, style))?;
            return Ok(Exit::Success);
        }
        output.print(&terms(&estimate.value, output.style))?;
        let price = estimate.value.estimated_price_cents;
        output.permit(yes, &format!("Post it for {}?", dollars(price)))?;
        // The accepted price is what is paid, whatever the default may become.
        request.price_cents = Some(price);
    }
    request.attachments = upload_all(api, output, &files).await?;
    request.confirmed = Some(true);
    let posted = api.send(RUN.body(&request)).await?;
    output.show(&posted.json, |style| render_posted(&posted.value, api.now(), wait, style))?;
    if wait { super::wait::follow(session, posted.value.id.raw()).await } else { Ok(Exit::Success) }
}

fn request(args: args::Drop) -> Result<RunRequest> {
    let prompt = if args.prompt == "-" { read_text("-".as_ref())? } else { args.prompt };
    let requirements = RequirementsRequest {
        verified_payouts: args.verified_payouts.then_some(true),
        min_races: args.min_races,
        min_win_rate_percent: args.min_win_rate,
    };
    let required = args.verified_payouts || args.min_races.is_some() || args.min_win_rate.is_some();
    Ok(RunRequest {
        prompt: prompt.into(),
        env_vars: args.context.into_iter().map(|(name, value)| (name, Text::from(value))).collect(),
        attachments: Vec::new(),
        pack: args.pack.map(Text::from),
        price_cents: args.price,
        time_limit_seconds: args.window,
        worker_requirements: required.then_some(requirements),
        confirmed: None,
    })
}

/// The terms of a drop, before anything is charged.
fn terms(estimate: &Estimate, style: Style) -> String {
    format!(
        "{} · {} · window of {} s · the winner gets {}",
        style.cyan(&estimate.pack.line()),
        style.bold(&dollars(estimate.estimated_price_cents)),
        estimate.estimated_time_limit_seconds,
        style.green(&dollars(estimate.payout_cents)),
    )
}

fn render_posted(drop: &types::Drop, now: jiff::Timestamp, wait: bool, style: Style) -> String {
    let closes = drop.window_closes_at.map_or_else(String::new, |at| format!(" for {}", left(at, now)));
    let id = drop.id.line();
    let first =
        format!("Posted {} for {}: it is on the board{closes}.", style.bold(&id), dollars(drop.price_cents));
    if wait { first } else { format!("{first}\nFollow it with {}.", style.cyan(&format!("clorp wait {id}"))) }
}

/// Pays for a drop that waits for its payment.
pub async fn pay(session: &Session, args: args::Pay) -> Result<()> {
    let Session { api, output } = session;
    if !args.yes && !api.is_dry_run() && output.interactive {
        let drop = api.send(JOB.at(&args.id)).await?.value;
        output.print(&format!(
            "{} · {}",
            drop.title.line(),
            output.style.bold(&dollars(drop.price_cents))
        ))?;
        output.permit(false, &format!("Pay {}?", dollars(drop.price_cents)))?;
    } else if !api.is_dry_run() {
        output.permit(args.yes, "")?;
    }
    let paid = api.send(PAY.at(&args.id)).await?;
    output.show(&paid.json, |style| render_posted(&paid.value, api.now(), false, style))
}

/// Cancels a drop.
pub async fn cancel(session: &Session, id: &str) -> Result<()> {
    let cancelled = session.api.send(CANCEL.at(id)).await?;
    session.output.show(&cancelled.json, |_| format!("{} is {}.", clean(id), cancelled.value.status))
}
