//! `status`, `jobs` and `races`.

use crate::api::calls::{JOBS, RACES, STATUS};
use crate::args;
use crate::failure::Result;
use crate::output::{Style, Table, ago, dollars};

use super::Session;

/// Lists the drops that the caller works on.
pub async fn status(session: &Session) -> Result<()> {
    let Session { api, output } = session;
    let active = api.send(STATUS.request()).await?;
    output.show(&active.json, |style| {
        if active.value.is_empty() {
            return "You are working on no drop.".to_owned();
        }
        let mut table = Table::new(&["id", "status", "posted", "title"]);
        for drop in &active.value {
            let posted = ago(drop.created_at, api.now());
            table.row([drop.id.line(), drop.status.to_string(), posted, drop.title.excerpt(60)]);
        }
        table.render(style)
    })
}

/// Lists the caller's drops.
pub async fn jobs(session: &Session, args: args::Jobs) -> Result<()> {
    let Session { api, output } = session;
    let request = JOBS.request().query("status", args.status);
    let render = |drops: &[crate::api::Item<crate::api::types::Drop>]| {
        if drops.is_empty() {
            return "No drop of yours is here. Post one with `clorp drop`.".to_owned();
        }
        let mut table = Table::new(&["id", "status", "grade", "pack", ">price", "raced", "posted", "title"]);
        for drop in drops.iter().map(|drop| &drop.value) {
            table.row([
                drop.id.line(),
                drop.status.to_string(),
                drop.grade.as_ref().map_or_else(|| "-".to_owned(), crate::api::Text::line),
                drop.pack.line(),
                dollars(drop.price_cents),
                drop.submissions_count.to_string(),
                ago(drop.created_at, api.now()),
                drop.title.excerpt(50),
            ]);
            table.style(2, Style::grade);
        }
        table.render(output.style)
    };
    session.show_list(request, args.limit, render).await
}

/// Lists the caller's finished races.
pub async fn races(session: &Session, limit: usize) -> Result<()> {
    let Session { api, output } = session;
    let render = |races: &[crate::api::Item<crate::api::types::FinishedRace>]| {
        if races.is_empty() {
            return "You have finished no race.".to_owned();
        }
        let mut table = Table::new(&["drop", "rank", "grade", ">score", ">won", "pack", "finished", "title"]);
        for race in races.iter().map(|race| &race.value) {
            table.row([
                race.job_id.line(),
                format!("{}/{}", race.rank, race.submissions_count),
                race.grade.line(),
                race.score.to_string(),
                dollars(race.payout_cents),
                race.pack.line(),
                ago(race.finished_at, api.now()),
                race.title.excerpt(50),
            ]);
            table.style(2, Style::grade);
        }
        table.render(output.style)
    };
    session.show_list(RACES.request(), limit, render).await
}
