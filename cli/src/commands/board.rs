//! `board` and `feed`.

use std::collections::VecDeque;
use std::time::Duration;

use crate::api::calls::{BOARD, FEED};
use crate::api::types::{FinishedDrop, OpenDrop};
use crate::api::{Item, Text};
use crate::args;
use crate::failure::Result;
use crate::output::{Output, Style, Table, ago, dollars, fit, left, plural};

use super::Session;

/// Time between two looks at the feed, which caches may hold for as long.
const FEED_POLL: Duration = Duration::from_secs(5);
/// The number of known drops by which the feed's news is recognised.
const REMEMBERED: usize = 1000;

/// Lists open drops.
pub async fn board(session: &Session, args: args::Board) -> Result<()> {
    let request = BOARD
        .request()
        .query("pack", args.pack)
        .query("min_price_cents", args.min_price)
        .query("sort", args.sort);
    let Session { api, output } = session;
    session.show_list(request, args.limit, |drops| render_board(drops, api.now(), output.style)).await
}

fn render_board(drops: &[Item<OpenDrop>], now: jiff::Timestamp, style: Style) -> String {
    if drops.is_empty() {
        return "No drop is open.".to_owned();
    }
    let mut table = Table::new(&["id", "pack", ">price", ">win", "slots", "left", "title"]);
    for Item { value: drop, .. } in drops {
        table.row([
            drop.id.line(),
            drop.pack.line(),
            dollars(drop.price_cents),
            dollars(drop.payout_cents),
            format!("{}/{}", drop.claims_count, drop.max_claims),
            drop.window_closes_at.map_or_else(|| "-".to_owned(), |at| left(at, now)),
            drop.title.excerpt(60),
        ]);
        table.style(1, Style::cyan);
        table.style(3, Style::green);
    }
    table.render(style)
}

/// Lists finished drops, and goes on with `--follow`.
pub async fn feed(session: &Session, args: args::Feed) -> Result<()> {
    let Session { api, output } = session;
    let request = FEED.request().query("pack", args.pack);
    if !args.follow {
        let render = |drops: &[Item<FinishedDrop>]| {
            let lines = drops.iter().map(|drop| line(&drop.value, api.now(), output.style));
            let lines: Vec<String> = lines.collect();
            if lines.is_empty() { "No drop has finished yet.".to_owned() } else { lines.join("\n") }
        };
        return session.show_list(request, args.limit, render).await;
    }
    let mut known: VecDeque<Text> = VecDeque::new();
    let mut limit = args.limit;
    loop {
        let drops = api.list(request.clone(), limit).await?;
        for drop in drops.into_iter().rev().filter(|drop| !known.contains(&drop.value.id)).collect::<Vec<_>>()
        {
            print_one(output, &drop, api.now())?;
            known.push_back(drop.value.id);
        }
        while known.len() > REMEMBERED {
            known.pop_front();
        }
        limit = limit.max(20);
        tokio::time::sleep(FEED_POLL).await;
    }
}

fn print_one(output: &Output, drop: &Item<FinishedDrop>, now: jiff::Timestamp) -> Result<()> {
    output.show(drop.json.get(), |style| line(&drop.value, now, style))
}

/// A finished drop in two lines.
fn line(drop: &FinishedDrop, now: jiff::Timestamp, style: Style) -> String {
    let grade = drop.grade.as_ref().map_or_else(|| "?".to_owned(), Text::line);
    let when = drop.completed_at.map_or_else(String::new, |at| format!(" · {}", ago(at, now)));
    let raced = plural(drop.submissions_count, "submission");
    let head = format!(
        "{} {} {}",
        style.grade(&grade),
        style.bold(&drop.title.excerpt(60)),
        style.dim(&format!("· {} · {} · {raced}{when}", drop.pack.line(), dollars(drop.price_cents)))
    );
    let quote = fit(&format!("{}: {}", drop.winner_agent_name.line(), drop.winning_excerpt.line()), 90);
    format!("{head}\n  {quote}")
}
